#!/bin/sh
# harbour · cp-0 · Open it for workloads

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

probe_api() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get --raw /readyz
}

probe_overview() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,daemonsets,deployments,namespaces,certificatesigningrequests -A -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.status.addresses[?(@.type=="InternalIP")].address}|{.status.nodeInfo.kubeletVersion}|{.status.conditions[?(@.type=="Ready")].status}|{.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect}|{.metadata.labels}|{.status.conditions[?(@.type=="Ready")].message}{"\n"}{end}{range .items[?(@.kind=="DaemonSet")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Deployment")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Namespace")]}namespace|{.metadata.name}|{.metadata.deletionTimestamp}|{.metadata.uid}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}{"\n"}{end}'
}

probe_nodes() {
probe overview | sed -n 's/^node|//p'
}

probe_namespaces() {
probe overview | sed -n 's/^namespace|//p'
}

probe_proof_pods() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof get pods -o 'jsonpath={range .items[*]}pod/{.metadata.name} {.metadata.deletionTimestamp}{"\n"}{end}' && echo answered
}

probe_certificate_ends() {
timeout 20 kubeadm certs check-expiration --config /etc/kubernetes/landfall/kubeadm.yaml -o json 2>/dev/null
}

# ── 1 workloads/taint: Keep workloads off the control plane
# An ordinary pod that eats memory or CPU must not starve the API server and etcd. The mark keeps pods away that do not ask to be there.
read_1() {
probe nodes | awk -F '|' -v names='cp-0 cp-1 cp-2' 'index(" " names " ", " " $1 " ") { print $1 ": " ($5 == "" ? "open" : $5) }' | sort
}
want_1='cp-0: NoSchedule
cp-1: NoSchedule
cp-2: NoSchedule'
again_1='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_1() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl taint node cp-0 node-role.kubernetes.io/control-plane:NoSchedule --overwrite
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl taint node cp-1 node-role.kubernetes.io/control-plane:NoSchedule --overwrite
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl taint node cp-2 node-role.kubernetes.io/control-plane:NoSchedule --overwrite
}

# ── 2 workloads/no-proof: Clear away a proof that was cut short
# A run that was interrupted while it proved the cluster leaves its pods and an open port behind.
read_2() {
said=$(probe namespaces | awk -F '|' -v name=landfall-proof '
  $1 == name { left = "left " $2 } END { if (NR) print left == "" ? "gone" : left }')
since=${said#left }
pods() {
  probe proof_pods | awk -v now="$(date -u +%Y-%m-%dT%H:%M:%SZ)" '
    $0 == "answered" { next }
    { print $1 (NF < 2 ? "" : now < $2 ? ", asked to end, has until " $2 : ", should have ended by " $2); left = 1 }
    END { if (!left) print NR ? "gone" : "the API server does not answer" }'
}
case $said in
  gone) echo gone ;;
  'left '*)
    if [ -n "$since" ] && [ $(($(date +%s) - $(date -d "$since" +%s))) -lt 60 ]; then pods
    else echo 'namespace landfall-proof' "$since"; if [ -n "$since" ]; then pods | grep '^pod/' || :; fi; fi ;;
  *) echo 'the API server does not answer' ;;
esac
}
want_2=gone
again_2='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_2() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl delete namespace landfall-proof --ignore-not-found --wait=false
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n landfall-proof delete pods --all --request-timeout=60s || :
}

# ── 3 workloads/authorities: Have authorities that outlive your plans
# Whatever an authority has signed ends with it, and no program exchanges one under a living cluster: new ones are brought to every node and into every kubeconfig beside the old, then the old are taken away. That is planned for months.
read_3() {
probe certificate_ends | awk -v days=365 -v authorities=1 '
      /"name":/ { split($0, p, "\""); name = p[4] }
      /"residualTime":/ { gsub(/[^0-9-]/, ""); left[name] = int($0 / 86400); seen = 1 }
      /"missing": true/ { gone[name] = 1 } END {
        if (!seen) { print "kubeadm does not say"; exit 1 }
        for (name in left) {
          if ((name ~ /^(ca|etcd-ca|front-proxy-ca)$/) != authorities) continue
          if (name in gone) { if (name != "super-admin.conf") print name ": missing" }
          else if (left[name] < days) print name ": ends within " days " days"
        }
      }' | sort | grep . || echo 'none ends within 365 days'
}
want_3='none ends within 365 days'

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
given=/run/landfall/runs/RUN/workloads/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/workloads/stop; stop=${stop:-$tmp/stop}
say landfall 1 3
step 1 make 30
step 2 make 120
step 3 check 0
say end
}
main
