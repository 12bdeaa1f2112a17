#!/bin/sh
# harbour · cp-0 · See that the pods are connected

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

probe_rollouts() {
probe overview | sed -n 's/^rollout|//p'
}

probe_hindrances() {
[ "$(probe api)" = ok ] || return 0
{
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name}:{range .spec.taints[*]} {.key}{end}{"\n"}{end}' | paste -sd ';'
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get events -A --field-selector type=Warning --sort-by=.lastTimestamp -o 'jsonpath={range .items[*]}{.involvedObject.namespace}/{.involvedObject.name}|{.message}{"\n"}{end}'
  echo 'the pods'
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get pods -A -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.labels.app}{.metadata.labels.k8s-app}|{.metadata.namespace}/{.metadata.name}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="PodScheduled")].message}{range .status.initContainerStatuses[*]}{.state.waiting.reason} {.state.waiting.message} {end}{range .status.containerStatuses[*]}{.state.waiting.reason} {.state.waiting.message} {end}{"\n"}{end}'
} | awk -F '|' '
  NR == 1 { taints = $0; next }
  $0 == "the pods" { pods = 1; next }
  !pods { if (NF > 1) last[$1] = substr($0, length($1) + 2); next }
  NF > 3 && $3 != "True" {
    words = $4; gsub(/ +/, " ", words); sub(/^ /, "", words); sub(/ $/, "", words)
    # A reason alone, such as ContainerCreating, says nothing.
    if (words ~ /^[A-Za-z ]*$/) words = last[$2]
    if (words ~ /untolerated taint[(]s[)]/) words = words " (taints of " taints ")"
    if (words != "") print $1 "|" substr(words, 1, 600)
  }' | sort -u
}

probe_nodes() {
probe overview | sed -n 's/^node|//p'
}

probe_dns_places() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -o jsonpath='{range .items[*]}node|{.metadata.name}|{.spec.taints[*].key}{"\n"}{end}' && timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get pods -l k8s-app=kube-dns -o jsonpath='{range .items[*]}pod|{.spec.nodeName}|{.metadata.deletionTimestamp}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' && echo answered
}

# ── 1 network/kube-proxy: Run kube-proxy on every node
# A Service is an address that no machine has. kube-proxy turns it, on every node, into rules that lead each connection to one of the pods behind it.
read_1() {
said=$(probe rollouts | awk -F '|' -v what=kube-system/DaemonSet/kube-proxy '
  $1 != what { next }
  { seen = 1; if ($2 == $3 && $4 + 0 > 0 && $5 + 0 == $4 && $6 + 0 == $4) print "all ready"; else print $6 + 0 " of " $4 + 0 " ready" }
  END { if (!seen) print "not there" }')
echo "$said"
case $said in *' of '*) probe hindrances | sed -n 's#^kube-system/kube-proxy|##p' ;; esac
}
want_1='all ready'

# ── 2 network/nodes-ready: Have every node ready
# A node is ready when its runtime and its network are. Until then the scheduler puts nothing there.
read_2() {
probe nodes | awk -F '|' -v names='cp-0 worker-0 worker-1' '
  { seen[$1] = 1; if ($4 != "True") { print $1 ": " $7; bad = 1 } }
  END { if (!NR) { print "no node is seen"; exit }
    n = split(names, list, " "); for (i = 1; i <= n; i++) if (!(list[i] in seen)) { print list[i] ": not in the cluster"; bad = 1 }
    if (!bad) print "all ready" }'
}
want_2='all ready'

# ── 3 network/dns: Have names resolved inside the cluster
# Pods find Services by name, and CoreDNS knows the names. It waits for the network plugin like every other pod; only those that share the network of their node, the control plane and kube-proxy among them, run without. So its being ready is the first sign that pods on these nodes really start.
read_3() {
said=$(probe rollouts | awk -F '|' -v what=kube-system/Deployment/coredns '
  $1 != what { next }
  { seen = 1; if ($2 == $3 && $4 + 0 > 0 && $5 + 0 == $4 && $6 + 0 == $4) print "all ready"; else print $6 + 0 " of " $4 + 0 " ready" }
  END { if (!seen) print "not there" }')
echo "$said"
case $said in *' of '*) probe hindrances | sed -n 's#^kube-system/kube-dns|##p' ;; esac
}
want_3='all ready'

# ── 4 network/dns-spread: Have CoreDNS on more than one node
# Both pods of CoreDNS started on the first node, when there was no other. Were they to stay there, the death of that one node would take every name in the cluster along. A pod that runs is never moved, so one of the two is ended, and the one that takes its place keeps away from the other.
read_4() {
probe dns_places | awk -F '|' '
  $1 == "node" && ($3 == "" || $3 == "node-role.kubernetes.io/control-plane") { nodes++ }
  $1 == "pod" && $3 == "" { pods++; ready += $4 == "True"; if ($2 != "" && !($2 in seen)) { seen[$2] = 1; places++; last = $2 } }
  $1 == "answered" { whole = 1 }
  END {
    if (!whole) print "the API server does not answer"
    else if (ready < pods) print ready + 0 " of " pods " ready"
    else if (pods > 1 && nodes > 1 && places < 2) print "all on " last
    else print "spread as far as it can be"
  }'
}
want_4='spread as far as it can be'
again_4='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_4() {
one=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get pods -l k8s-app=kube-dns --field-selector status.phase=Running -o 'jsonpath={.items[0].metadata.name}')
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system delete pod "$one" --wait=false
}

# ── 5 network/flannel-runs: Run the network plugin on every node
# The plugin is a pod on each node. Its first act is to put its program and its configuration where the runtime looks for them.
read_5() {
said=$(probe rollouts | awk -F '|' -v what=kube-flannel/DaemonSet/kube-flannel-ds '
  $1 != what { next }
  { seen = 1; if ($2 == $3 && $4 + 0 > 0 && $5 + 0 == $4 && $6 + 0 == $4) print "all ready"; else print $6 + 0 " of " $4 + 0 " ready" }
  END { if (!seen) print "not there" }')
echo "$said"
case $said in *' of '*) probe hindrances | sed -n 's#^kube-flannel/flannel|##p' ;; esac
}
want_5='all ready'

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
given=/run/landfall/runs/RUN/network-end/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/network-end/stop; stop=${stop:-$tmp/stop}
say landfall 1 5
step 1 check 240
step 2 check 120
step 3 check 240
step 4 make 120
step 5 check 240
say end
}
main
