#!/bin/sh
# harbour · cp-0 · Prove it from inside

# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { [ -z "$1" ] || printf '%s' "$1" | base64 -w0; }

# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them; and when
# timeout has ended it, which says nothing, that.
probe() {
  [ -e "$tmp/probes/$1.over" ] || {
    "probe_$1" >"$tmp/probes/$1" 2>"$tmp/probes/$1.note" || [ $? -ne 124 ] || echo 'no answer in time' >>"$tmp/probes/$1.note"
    : >"$tmp/probes/$1.over"
  }
  [ ! -s "$tmp/probes/$1.note" ] || cat "$tmp/probes/$1.note" >&2
  cat "$tmp/probes/$1"
}

# What the reading of step $1 prints now, in $reading; what it complains about, in $tmp/note.
look() { reading=$("read_$1" 2>"$tmp/note" </dev/null); }
note() { tail -c 2000 "$tmp/note" | base64 -w0; }

slot() { cat "$tmp/slots/$1"; }
gave() { [ -e "$given/$1" ]; }
give() { ( umask 077; mkdir -p "$given"; printf '%s' "$2" >"$given/.$1"; mv "$given/.$1" "$given/$1" ); }

stopped=
# Seconds that no setting of the clock moves, where the system has them.
clock() { if [ -r /proc/uptime ]; then IFS='. ' read -r t _ </proc/uptime; else t=$(date +%s); fi; }
# Makes step $1, and leaves in $status how it ended. What may be made again is, when it has failed with the words of that, for up to $2
# seconds.
bring() {
  eval "again=\${again_$1-}"
  if [ -z "$again" ]; then ( set -eu; "make_$1" ) </dev/null 2>&1; status=$?; return; fi
  clock; begun=$t
  while :; do
    { ( set -eu; "make_$1" ) </dev/null 2>&1; echo "$?" >"$tmp/status"; } | tee "$tmp/said"
    status=$(cat "$tmp/status"); clock
    if [ "$status" -eq 0 ] || [ -e "$stop" ] || [ $((t - begun)) -ge "$2" ] || ! grep -qE -e "$again" "$tmp/said"; then break; fi
    echo 'no answer in time: it is made again'; sleep 1
  done
  rm -f "$tmp/said"
}
# step NUMBER make|check SECONDS: look; when it is not as wanted, make it; look again until it is or the time is over, soon at
# first and then every second.
step() {
  n=$1; kind=$2; within=$3
  if [ -e "$stop" ]; then say "$n" skipped stop; return; fi
  if [ "$stopped" = make ] || { [ -n "$stopped" ] && [ "$kind" = make ]; }; then say "$n" skipped; return; fi
  look "$n"; eval "want=\$want_$n"
  if [ "$reading" = "$want" ]; then say "$n" right; return; fi
  if [ "$kind" = make ]; then
    say "$n" differs "$(b64 "$reading")" "$(note)"
    bring "$n" "$within"
    rm -f "$tmp"/probes/*
    look "$n"
    if [ "$status" -ne 0 ]; then say "$n" failed "$status" "$(b64 "$reading")" "$(note)"; stopped=make; return; fi
  fi
  clock; begun=$t; waited=0; told=-10; last=; pause=0.2
  while [ "$reading" != "$want" ] && [ "$waited" -lt "$within" ]; do
    if [ "$reading" != "$last" ] || [ $((waited - told)) -ge 10 ]; then
      say "$n" waiting "$waited" "$(b64 "$reading")" "$(note)"; last=$reading; told=$waited
    fi
    if [ -e "$stop" ]; then break; fi
    sleep "$pause"; rm -f "$tmp"/probes/*; look "$n"
    case $pause in 0.2) pause=0.4 ;; 0.4) pause=0.7 ;; *) pause=1 ;; esac
    clock; waited=$((t - begun))
  done
  if [ "$reading" = "$want" ]; then if [ "$kind" = make ]; then say "$n" made; else say "$n" right; fi
  elif [ "$kind" = make ]; then say "$n" unproven "$(b64 "$reading")" "$(note)"; stopped=make
  else say "$n" wrong "$(b64 "$reading")" "$(note)"; if [ -z "$stopped" ]; then stopped=check; fi; fi
}

probe_proof_things() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pods,services -o 'jsonpath={range .items[*]}{.kind}|{.metadata.name}|{.status.podIP}{.spec.clusterIP}|{.status.conditions[?(@.type=="Ready")].status}{.spec.ports[0].nodePort}|{.status.phase} {.status.conditions[?(@.type=="PodScheduled")].message} {.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}{"\n"}{end}'
}

# ── 1 proof/pod: Run a pod from a pinned image
# The scheduler, the kubelet, the runtime, the registry and the network plugin all have to do their part before one pod is Ready. The image has a tag that never moves, as every image should.
read_1() {
if [ "$(probe proof_things | awk -F '|' -v kind=Pod -v name=web -v field=4 '$1 == kind && $2 == name { print $field }')" = True ]; then echo Ready
else
  words="$(probe proof_things | awk -F '|' -v kind=Pod -v name=web -v field=5 '$1 == kind && $2 == name { print $field }')"
  case $words in *'untolerated taint(s)'*) words="$words (taints of $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name}:{range .spec.taints[*]} {.key}{end}{"\n"}{end}' | paste -sd ';'))" ;; esac
  echo "not Ready: $words"
fi
}
want_1=Ready
make_1() {
# One of a moment ago takes its leave for some seconds, and lets nothing in.
case $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get namespace landfall-proof --ignore-not-found -o 'jsonpath={.status.phase}') in
  Terminating) timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl wait --for=delete namespace/landfall-proof --timeout=25s --request-timeout=0 || : ;;
esac
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
    proof: pod
spec:
  serviceAccountName: proof
  automountServiceAccountToken: false
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: DoNotSchedule
      nodeTaintsPolicy: Honor
      labelSelector:
        matchLabels:
          proof: pod
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
    proof: pod
spec:
  serviceAccountName: proof
  automountServiceAccountToken: false
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: DoNotSchedule
      nodeTaintsPolicy: Honor
      labelSelector:
        matchLabels:
          proof: pod
  containers:
    - name: client
      image: registry.k8s.io/e2e-test-images/agnhost:2.63.0
      args:
        - netexec
        - --http-port=8080
        - --udp-port=-1
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
---
apiVersion: v1
kind: Service
metadata:
  name: client
  namespace: landfall-proof
spec:
  selector:
    app: client
  ports:
    - port: 80
      targetPort: 8080
END
}

# ── 2 proof/client: Run a second pod to ask from
# Half of what can be broken shows only from inside a pod: its routes, its resolver, the rules of Services.
read_2() {
if [ "$(probe proof_things | awk -F '|' -v kind=Pod -v name=client -v field=4 '$1 == kind && $2 == name { print $field }')" = True ]; then echo Ready
else
  words="$(probe proof_things | awk -F '|' -v kind=Pod -v name=client -v field=5 '$1 == kind && $2 == name { print $field }')"
  case $words in *'untolerated taint(s)'*) words="$words (taints of $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name}:{range .spec.taints[*]} {.key}{end}{"\n"}{end}' | paste -sd ';'))" ;; esac
  echo "not Ready: $words"
fi
}
want_2=Ready

# ── 3 proof/addresses: Give pods addresses of the pod network
# A stray configuration makes the runtime hand out addresses of its own network. Everything on one node then works, and nothing between two.
read_3() {
for address in "$(probe proof_things | awk -F '|' -v kind=Pod -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')" "$(probe proof_things | awk -F '|' -v kind=Pod -v name=client -v field=3 '$1 == kind && $2 == name { print $field }')"; do
  echo "$address" | awk -v pods=10.244.0.0/16 '
    function number(a, o) { split(a, o, "."); return ((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4] }
    { split(pods, net, "/"); size = 2 ^ (32 - net[2])
      if ($1 == "" || int(number($1) / size) != int(number(net[1]) / size)) print "a pod has " ($1 == "" ? "no address" : $1) }'
done | grep . || echo 'in 10.244.0.0/16'
}
want_3='in 10.244.0.0/16'

# ── 4 proof/node-to-pod: Reach the pod from its node
# The kubelet probes pods from the node. When this fails nothing else can work: the bridge, the routes or forwarding are wrong.
read_4() {
{ if command -v curl >/dev/null 2>&1; then curl -sS -i -m 5 "http://""$(probe proof_things | awk -F '|' -v kind=Pod -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')"":"80"/" 2>&1
else timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' "$(probe proof_things | awk -F '|' -v kind=Pod -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')" 80 2>&1; fi; } | tr -d '\r' | awk '
  NR == 1 { first = $0; if ($1 ~ /^HTTP/) first = $2 " " $3 }
  /Welcome to nginx!/ { first = first ", Welcome to nginx!" ; exit }
  END { print first == "" ? "no answer" : first }'
}
want_4='200 OK, Welcome to nginx!'

# ── 5 proof/logs: Read what the pod has written
# kubectl logs goes from the API server to the kubelet of the node and to a file the runtime keeps. The request just made must stand in it.
read_5() {
if said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof logs web --tail=50 2>&1); then
  case $said in *'"GET / HTTP'*) echo 'the request is there' ;; *) echo 'the request is not there' ;; esac
else printf '%s\n' "$said" | tail -n 3; fi
}
want_5='the request is there'

# ── 6 proof/exec: Run a command in a pod
# The way in when something is wrong: through the API server and the kubelet into the container. All that follows is asked on it.
read_6() {
if said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost help 2>&1); then echo ran; else printf '%s\n' "$said" | tail -n 3; fi
}
want_6=ran

# ── 7 proof/pod-to-pod: Reach the pod from another pod
# The promise all of Kubernetes is built on: every pod reaches every other by its address. Where there is a second node, the two pods are on different ones.
read_7() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect "$(probe proof_things | awk -F '|' -v kind=Pod -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')":80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_7=answers

# ── 8 proof/service: Reach its Service from a pod
# A Service's address exists nowhere but in firewall rules that kube-proxy writes. An answer proves the rules.
read_8() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect "$(probe proof_things | awk -F '|' -v kind=Service -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')":80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_8=answers

# ── 9 proof/service-from-node: Reach its Service from the node
# What runs in the node's own network, the API server with its webhooks and every hostNetwork pod, takes other rules to the same address.
read_9() {
{ if command -v curl >/dev/null 2>&1; then curl -sS -i -m 5 "http://""$(probe proof_things | awk -F '|' -v kind=Service -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')"":"80"/" 2>&1
else timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' "$(probe proof_things | awk -F '|' -v kind=Service -v name=web -v field=3 '$1 == kind && $2 == name { print $field }')" 80 2>&1; fi; } | tr -d '\r' | awk '
  NR == 1 { first = $0; if ($1 ~ /^HTTP/) first = $2 " " $3 }
  /Welcome to nginx!/ { first = first ", Welcome to nginx!" ; exit }
  END { print first == "" ? "no answer" : first }'
}
want_9='200 OK, Welcome to nginx!'

# ── 10 proof/hairpin: Lead a pod back to itself through its Service
# A program that calls its own Service may be given itself. The packet must leave the pod and come back to it through the same door, which bridges refuse unless told otherwise.
read_10() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect "$(probe proof_things | awk -F '|' -v kind=Service -v name=client -v field=3 '$1 == kind && $2 == name { print $field }')":80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_10=answers

# ── 11 proof/node-port: Open a port for it on every node
# A NodePort is how a packet from outside enters without a load balancer. The number is chosen by the API server, from 30000 to 32767.
read_11() {
port="$(probe proof_things | awk -F '|' -v kind=Service -v name=web -v field=4 '$1 == kind && $2 == name { print $field }')"
if [ -n "$port" ]; then give proof-node-port "$port"; echo open; else echo none; fi
}
want_11=open

# ── 12 proof/dns-short: Resolve its short name in a pod
# Pods call each other by name. The short name proves CoreDNS and the search list that the kubelet writes into each pod.
read_12() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect web:80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_12=answers

# ── 13 proof/dns-full: Resolve its full name in a pod
# The full name carries the cluster's domain, cluster.local; it fails alone when kubelet and CoreDNS disagree about that domain.
read_13() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect web.landfall-proof.svc.cluster.local:80 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_13=answers

# ── 14 proof/api-from-pod: Reach the API server from a pod
# Controllers, operators and the network plugin itself call it by this name. Its Service leads out of the pod network to the address of a control plane, a way no other pod takes.
read_14() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect kubernetes.default.svc.cluster.local:443 --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }
}
want_14=answers

# ── 15 proof/dns-outside: Resolve names of the world in a pod, if its node can
# CoreDNS passes on what it does not know to the name servers of its node. Pods without the names of the world fail in their own words, each in another way.
read_15() {
if timeout 4 getent -s hosts:dns ahostsv4 registry.k8s.io >/dev/null 2>&1; then said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof exec client -- /agnhost connect registry.k8s.io:443 --timeout=4s 2>&1) || :; else said=; fi
case $said in *DNS:*) printf '%s\n' "$said" | tail -n 3 ;; *) echo 'as its node does' ;; esac
}
want_15='as its node does'

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
say landfall 1 15
step 1 make 180
step 2 check 120
step 3 check 0
step 4 check 30
step 5 check 10
step 6 check 10
step 7 check 10
step 8 check 90
step 9 check 90
step 10 check 10
step 11 check 10
step 12 check 90
step 13 check 10
step 14 check 10
step 15 check 10
say end
}
main
