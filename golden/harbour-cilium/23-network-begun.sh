#!/bin/sh
# harbour · cp-0 · See the plugin begin

# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { [ -z "$1" ] || printf '%s' "$1" | base64 -w0; }

# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them.
probe() {
  [ -e "$tmp/probes/$1.over" ] || { "probe_$1" >"$tmp/probes/$1" 2>"$tmp/probes/$1.note"; : >"$tmp/probes/$1.over"; }
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
    ( set -eu; "make_$n" ) </dev/null 2>&1
    status=$?
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

# ── 1 network/conflist: Find the plugin's configuration, and none before it
# The runtime takes the first file of /etc/cni/net.d. Only when that is the one Cilium has written do pods get addresses of the cluster.
read_1() {
first=$(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1)
if [ "$first" != /etc/cni/net.d/05-cilium.conflist ]; then echo "${first:-none}"
elif grep -q '"type": *"cilium' /etc/cni/net.d/05-cilium.conflist
then echo '/etc/cni/net.d/05-cilium.conflist, as Cilium wrote it'
else echo '/etc/cni/net.d/05-cilium.conflist, changed since Cilium wrote it'; fi
}
want_1='/etc/cni/net.d/05-cilium.conflist, as Cilium wrote it'
make_1() {
case $(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1) in '' | /etc/cni/net.d/05-cilium.conflist) ;; *) exit 1 ;; esac
ready() {
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get pods -l k8s-app=cilium --field-selector spec.nodeName=cp-0 \
    -o 'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}'
}
# Where many join at once an API server may be too busy to answer: a question that took five seconds counts for twelve.
seek() { pods=$(ready) || { pods=; tries=$((tries + 12)); }; }
# Just after the runtime was restarted a pod that has long written it is not ready, and looks like one that is about to.
tries=0; seek
while [ -z "$pods" ] && [ "$tries" -lt 150 ] && ! [ -e /etc/cni/net.d/05-cilium.conflist ]; do tries=$((tries + 1)); sleep 0.4; seek; done
if [ -n "$pods" ]; then timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system delete pod $pods --wait=false
else
  echo 'the pod that writes it is about to start'
  # A pod that came too early is tried again only after ten to fifteen seconds; one in its place at once.
  tries=0
  while [ -e /etc/cni/net.d/05-cilium.conflist ] && ! [ -e /etc/cni/net.d/05-cilium.conflist ] && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system delete pod -l k8s-app=kube-dns --field-selector status.phase=Pending --wait=false
fi
}

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
given=/run/landfall/runs/RUN/network-begun/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/network-begun/stop; stop=${stop:-$tmp/stop}
say landfall 1 1
step 1 make 300
say end
}
main
