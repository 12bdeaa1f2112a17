#!/bin/sh
# harbour · cp-0 · Say where the cluster is found

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

probe_cluster_info() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-public get configmap cluster-info --ignore-not-found -o jsonpath='{.data.kubeconfig}' && echo && echo answered
}

# ── 1 endpoint/cluster-info: Tell whoever joins where the API server is
# A host that joins asks one object of the cluster that may be read without a login where the API server is, and goes there from then on. kubeadm writes it once.
read_1() {
case $(probe cluster_info) in
  *answered) probe cluster_info | sed -n 's/^ *server: //p' | grep . || echo 'it says nothing' ;;
  *) echo 'the API server does not answer' ;;
esac
}
want_1=https://api.harbour.internal:6443
again_1='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_1() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-public get configmap cluster-info --ignore-not-found -o jsonpath='{.data.kubeconfig}')
at=$(mktemp -d)
if [ -n "$said" ]; then printf '%s\n' "$said" | sed 's#^\( *server: \).*#\1https://api.harbour.internal:6443#' >"$at/kubeconfig"
else
  kubectl config --kubeconfig="$at/kubeconfig" set-cluster kubernetes --server=https://api.harbour.internal:6443 --certificate-authority=/etc/kubernetes/pki/ca.crt --embed-certs >/dev/null
  sed -i 's/^  name: kubernetes$/  name: ""/' "$at/kubeconfig"
fi
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-public create configmap cluster-info --from-file="$at/kubeconfig" --dry-run=client -o yaml |
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-public apply --server-side --force-conflicts --field-manager=landfall -f -
rm -rf "$at"
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
given=/run/landfall/runs/RUN/endpoint-told/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/endpoint-told/stop; stop=${stop:-$tmp/stop}
say landfall 1 1
step 1 make 30
say end
}
main
