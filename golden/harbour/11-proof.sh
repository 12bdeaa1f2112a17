#!/bin/sh
# harbour · cp-0 · Prove it from inside

# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { printf '%s' "$1" | base64 -w0; }

# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them.
probe() {
  [ -e "$tmp/probes/$1" ] || { "probe_$1" >"$tmp/probes/.$1" 2>"$tmp/probes/$1.note"; mv "$tmp/probes/.$1" "$tmp/probes/$1"; }
  cat "$tmp/probes/$1.note" >&2
  cat "$tmp/probes/$1"
}

# What the reading of step $1 prints now, in $reading; what it complains about, in $tmp/note.
look() { reading=$("read_$1" 2>"$tmp/note" </dev/null); }
note() { tail -c 2000 "$tmp/note" | base64 -w0; }

slot() { cat "$tmp/slots/$1"; }
give() { ( umask 077; mkdir -p "$given"; printf '%s' "$2" >"$given/.$1"; mv "$given/.$1" "$given/$1" ); }

stopped=
# Seconds that no setting of the clock moves, where the system has them.
clock() { if [ -r /proc/uptime ]; then IFS='. ' read -r t _ </proc/uptime; else t=$(date +%s); fi; }
# step NUMBER make|check SECONDS: look; when it is not as wanted, make it; look again until it is or the time is over.
step() {
  n=$1; kind=$2; within=$3
  if [ -e "$stop" ]; then say "$n" skipped stop; return; fi
  if [ "$stopped" = make ] || { [ -n "$stopped" ] && [ "$kind" = make ]; }; then say "$n" skipped; return; fi
  look "$n"; eval "want=\$want_$n"
  if [ "$reading" = "$want" ]; then say "$n" right; return; fi
  if [ "$kind" = make ]; then
    say "$n" differs "$(b64 "$reading")" "$(note)"
    ( set -eu; "make_$n" ) </dev/null 2>&1
    status=$?
    rm -f "$tmp"/probes/*
    look "$n"
    if [ "$status" -ne 0 ]; then say "$n" failed "$status" "$(b64 "$reading")" "$(note)"; stopped=make; return; fi
  fi
  clock; begun=$t; waited=0; told=-10; last=
  while [ "$reading" != "$want" ] && [ "$waited" -lt "$within" ]; do
    if [ "$reading" != "$last" ] || [ $((waited - told)) -ge 10 ]; then
      say "$n" waiting "$waited" "$(b64 "$reading")" "$(note)"; last=$reading; told=$waited
    fi
    if [ -e "$stop" ]; then break; fi
    sleep 1; rm -f "$tmp"/probes/*; look "$n"
    clock; waited=$((t - begun))
  done
  if [ "$reading" = "$want" ]; then if [ "$kind" = make ]; then say "$n" made; else say "$n" right; fi
  elif [ "$kind" = make ]; then say "$n" unproven "$(b64 "$reading")" "$(note)"; stopped=make
  else say "$n" wrong "$(b64 "$reading")" "$(note)"; if [ -z "$stopped" ]; then stopped=check; fi; fi
}

# ── 1 proof/pod: Run a pod from a pinned image
# The scheduler, the kubelet, the runtime, the registry and the network plugin all have to do their part before one pod is Ready. The image has a tag that never moves, as every image should.
read_1() {
state=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pod web --ignore-not-found \
  -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)
if [ "$state" = True ]; then echo Ready
else
  why=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pod web --ignore-not-found \
  -o 'jsonpath={.status.phase} {.status.conditions[?(@.type=="PodScheduled")].message} {.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}' 2>/dev/null)
  echo "not Ready: $why"
fi
}
want_1=Ready
make_1() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl apply --server-side --field-manager=landfall --force-conflicts -f - <<'END'
apiVersion: v1
kind: Namespace
metadata:
  name: landfall-proof
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: proof
  namespace: landfall-proof
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: landfall-proof
  labels:
    app: web
spec:
  serviceAccountName: proof
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: docker.io/library/nginx:1.28.0
      ports:
        - containerPort: 80
      readinessProbe:
        httpGet:
          path: /
          port: 80
        periodSeconds: 1
---
apiVersion: v1
kind: Pod
metadata:
  name: client
  namespace: landfall-proof
  labels:
    app: client
spec:
  serviceAccountName: proof
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: client
      image: registry.k8s.io/e2e-test-images/agnhost:2.63.0
      args:
        - pause
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: landfall-proof
spec:
  type: NodePort
  selector:
    app: web
  ports:
    - port: 80
END
}

# ── 2 proof/client: Run a second pod to ask from
# Half of what can be broken shows only from inside a pod: its routes, its resolver, the rules of Services.
read_2() {
state=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pod client --ignore-not-found \
  -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)
if [ "$state" = True ]; then echo Ready
else
  why=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pod client --ignore-not-found \
  -o 'jsonpath={.status.phase} {.status.conditions[?(@.type=="PodScheduled")].message} {.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}' 2>/dev/null)
  echo "not Ready: $why"
fi
}
want_2=Ready

# ── 3 proof/node-to-pod: Reach the pod from its node
# The kubelet probes pods from the node. When this fails nothing else can work: the bridge, the routes or forwarding are wrong.
read_3() {
{ if command -v curl >/dev/null 2>&1; then curl -sS -i -m 5 "http://""$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pod web -o 'jsonpath={.status.podIP}')"":"80"/" 2>&1
else timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pod web -o 'jsonpath={.status.podIP}')" 80 2>&1; fi; } | tr -d '\r' | awk '
  NR == 1 { first = $0; if ($1 ~ /^HTTP/) first = $2 " " $3 }
  /Welcome to nginx!/ { first = first ", Welcome to nginx!" ; exit }
  END { print first == "" ? "no answer" : first }'
}
want_3='200 OK, Welcome to nginx!'

# ── 4 proof/service: Reach its Service from a pod
# A Service's address exists nowhere but in firewall rules that kube-proxy writes. An answer proves the rules, and the way from pod to pod.
read_4() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get service web -o 'jsonpath={.spec.clusterIP}')":80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_4=answers

# ── 5 proof/dns-short: Resolve its short name in a pod
# Pods call each other by name. The short name proves CoreDNS and the search list that the kubelet writes into each pod.
read_5() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect web:80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_5=answers

# ── 6 proof/dns-full: Resolve its full name in a pod
# The full name carries the cluster's domain, cluster.local; it fails alone when kubelet and CoreDNS disagree about that domain.
read_6() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect web.landfall-proof.svc.cluster.local:80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_6=answers

# ── 7 proof/node-port: Open a port for it on every node
# A NodePort is how a packet from outside enters without a load balancer. The number is chosen by the API server, from 30000 to 32767.
read_7() {
port=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get service web -o 'jsonpath={.spec.ports[0].nodePort}')
if [ -n "$port" ]; then give proof-node-port "$port"; echo open; else echo none; fi
}
want_7=open

main() {
LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KUBECONFIG=/etc/kubernetes/admin.conf
export LC_ALL DEBIAN_FRONTEND NEEDRESTART_MODE NEEDRESTART_SUSPEND PATH KUBECONFIG
umask 022
cd /
tmp=$(mktemp -d /run/landfall.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' HUP INT TERM
mkdir "$tmp/slots" "$tmp/probes"
given=/run/landfall/runs/RUN/proof/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/proof/stop; stop=${stop:-$tmp/stop}
say landfall 1 7
step 1 make 180
step 2 check 120
step 3 check 30
step 4 check 30
step 5 check 60
step 6 check 30
step 7 check 10
say end
}
main
