#!/bin/sh
# harbour · cp-0 · Invite the hosts that are to join

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

probe_etcd_members() {
[ "$(probe api)" = ok ] || return 0
list=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system exec etcd-cp-0 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key --endpoints=https://127.0.0.1:2379 member list) || return
printf '%s\n' "$list"
voters=$(printf '%s\n' "$list" | awk -F ', ' '$2 == "started" && $6 == "false" { print $5 }' | paste -sd , -)
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system exec etcd-cp-0 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key --endpoints="$voters" endpoint health 2>&1 || :
}

# ── 1 join/no-stale-members: Leave no member in etcd whose host is yet to join
# A join that was cut short has entered its host into the list of members already. There it counts when votes are counted, and cannot vote.
read_1() {
said=$(probe etcd_members)
case $said in
  *healthy:*)
    {
      printf '%s\n' "$said" | awk -F ', ' -v peers='https://10.0.0.12:2380 https://10.0.0.13:2380 ' -v kept='' '
  $4 != "" && index(peers, $4 " ") && !($6 == "false" && index(kept, $4 " ")) {
    id[$4] = $1; if ($2 == "started" && $6 == "false") voter[$5] = $4
  }
  / is healthy: / { split($0, p, " is healthy: "); if (p[1] in voter) delete id[voter[p[1]]] }
  END { for (peer in id) print id[peer], "of", peer }' | sort
    } | grep . || echo none ;;
  *) echo 'etcd does not answer' ;;
esac
}
want_1=none
make_1() {
for id in $(
        probe etcd_members | awk -F ', ' -v peers='https://10.0.0.12:2380 https://10.0.0.13:2380 ' -v kept='' '
  $4 != "" && index(peers, $4 " ") && !($6 == "false" && index(kept, $4 " ")) {
    id[$4] = $1; if ($2 == "started" && $6 == "false") voter[$5] = $4
  }
  / is healthy: / { split($0, p, " is healthy: "); if (p[1] in voter) delete id[voter[p[1]]] }
  END { for (peer in id) print id[peer], "of", peer }' | sort | cut -d ' ' -f 1
      ); do timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system exec etcd-cp-0 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key --endpoints=https://127.0.0.1:2379 member remove "$id"; done
}

# ── 2 join/quorum: Have every member of etcd well before another one comes
# etcd goes on while more than half of its members do. Each one that is added raises what half means, also when it never comes up; so nothing is added while one of them is away.
read_2() {
probe etcd_members | awk -F ', ' '$2 == "started" && $6 == "false" { voters++; name[$5] = $3 }
$2 == "unstarted" && $6 == "false" { voters++; bad = bad " " $4 }
/ is healthy: / { well++ }
/ is unhealthy: / { split($0, p, " is unhealthy: "); bad = bad " " (p[1] in name ? name[p[1]] : p[1]) }
  END { if (!voters) print "etcd does not answer"; else if (bad != "" || well < voters) print "not healthy:" bad; else print "all healthy" }'
}
want_2='all healthy'

# ── 3 join/ticket: Have a token for each host that is to join
# A host that is no member yet must show that it was invited. Each gets a token of its own, minted for this one join, that dies after half an hour and is deleted right after; it travels sealed, and is in no file that stays. A control plane is given a key besides: with it the keys of the cluster are sealed while they wait there to be fetched.
read_3() {
waiting=$(
  gave join-cp-1 || echo cp-1
gave join-cp-2 || echo cp-2
gave join-worker-0 || echo worker-0
)
echo "${waiting:-nobody waits}"
}
want_3='nobody waits'
make_3() {
mint() {
  said=$(kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --ttl 30m --description 'landfall: one join' --print-join-command) || return
  printf '%s\n' "$said" | sed -n 's/.*--token \([^ ]*\) .*--discovery-token-ca-cert-hash \([^ ]*\).*/\1 \2/p' | grep .
}
key=
seal() {
  said=$(kubeadm init phase upload-certs --upload-certs --config /etc/kubernetes/landfall/kubeadm.yaml) || return
  printf '%s\n' "$said" | grep -xE '[0-9a-f]{64}'
}
if gave join-cp-1; then :; else [ -n "$key" ] || key=$(seal); ticket=$(mint); give join-cp-1 "$ticket $key"; fi
if gave join-cp-2; then :; else [ -n "$key" ] || key=$(seal); ticket=$(mint); give join-cp-2 "$ticket $key"; fi
if gave join-worker-0; then :; else ticket=$(mint); give join-worker-0 "$ticket"; fi
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
given=/run/landfall/runs/RUN/join-ticket/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/join-ticket/stop; stop=${stop:-$tmp/stop}
say landfall 1 3
step 1 make 30
step 2 check 60
step 3 make 0
say end
}
main
