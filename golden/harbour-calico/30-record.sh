#!/bin/sh
# harbour · cp-0 · Write it down

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

probe_kept_in_cluster() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get --ignore-not-found ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy ConfigMap/landfall-applied -o jsonpath='{range .items[*]}{.kind}/{.metadata.name}{"\n"}{end}answered{"\n"}{.items[?(@.metadata.name=="kubeadm-config")].data.ClusterConfiguration}{"\n"}{.items[?(@.metadata.name=="kubelet-config")].data.kubelet}{"\n"}proxied{"\n"}{.items[?(@.metadata.name=="kube-proxy")].data.kubeconfig\.conf}{"\n"}written|{.items[?(@.metadata.name=="kube-proxy")].metadata.annotations.landfall/kubeconfig-written}|{.items[?(@.metadata.name=="kube-proxy")].spec.template.metadata.annotations.landfall/kubeconfig-written}{"\n"}recorded{"\n"}{.items[?(@.metadata.name=="landfall-applied")].data.history}{"\n"}spec{"\n"}{.items[?(@.metadata.name=="landfall-applied")].data.cluster\.yaml}'
}

probe_applied_spec() {
probe kept_in_cluster | sed '1,/^spec$/d'
}

# ── 1 record/applied: Write down in the cluster what was applied
# Whoever comes next with another cluster.yaml, an older one above all, would undo what this one brought and not know it. The cluster itself keeps the file as it was applied, without comments and with every default, and who applied it and when; nothing secret is in it.
read_1() {
probe applied_spec
}
want_1='apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
certificates:
  approval: timer
  authorityNotice: 365
  authorityValidity: 3650
  kubelets: signed
  renewBefore: 90
  renewal: timer
  superAdmin: remove
  validity: 365
etcd:
  defragment: when-needed
  election: 1000
  heartbeat: 100
  quota: "8Gi"
  snapshots:
    days: 7
    every: hourly
    keep: 24
host:
  completion: true
  containerLogs:
    maxFiles: 5
    maxSize: "50Mi"
  hostname: node-name
  ipv6: keep
  journal:
    maxUse: "1G"
  kernel: distribution
  limits:
    inotifyInstances: 8192
    inotifyWatches: 1048576
    mapCount: 262144
  needrestart: quiet
  nodeNames: true
  purge:
    - multipath-tools
    - packagekit
    - polkitd
    - udisks2
  reboot: before-joining
  ssh:
    passwords: false
    port: 22322
    rootLogin: keys
  swap: disable
  time:
    maxOffset: 100
    servers: []
    service: chrony
  unattended: security
  upgrade: once
network:
  domain: cluster.local
  kubeProxy: keep
  plugin: calico
  pods: 10.244.0.0/16
  services: 10.96.0.0/16
runtime: cri-o
nodes:
  - name: cp-0
    role: control-plane
    address: 10.0.0.11
    workloads: true'
again_1='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_1() {
at=$(mktemp -d "${tmp:-/tmp}/applied.XXXXXX")
cat >"$at/cluster.yaml" <<'END'
apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
certificates:
  approval: timer
  authorityNotice: 365
  authorityValidity: 3650
  kubelets: signed
  renewBefore: 90
  renewal: timer
  superAdmin: remove
  validity: 365
etcd:
  defragment: when-needed
  election: 1000
  heartbeat: 100
  quota: "8Gi"
  snapshots:
    days: 7
    every: hourly
    keep: 24
host:
  completion: true
  containerLogs:
    maxFiles: 5
    maxSize: "50Mi"
  hostname: node-name
  ipv6: keep
  journal:
    maxUse: "1G"
  kernel: distribution
  limits:
    inotifyInstances: 8192
    inotifyWatches: 1048576
    mapCount: 262144
  needrestart: quiet
  nodeNames: true
  purge:
    - multipath-tools
    - packagekit
    - polkitd
    - udisks2
  reboot: before-joining
  ssh:
    passwords: false
    port: 22322
    rootLogin: keys
  swap: disable
  time:
    maxOffset: 100
    servers: []
    service: chrony
  unattended: security
  upgrade: once
network:
  domain: cluster.local
  kubeProxy: keep
  plugin: calico
  pods: 10.244.0.0/16
  services: 10.96.0.0/16
runtime: cri-o
nodes:
  - name: cp-0
    role: control-plane
    address: 10.0.0.11
    workloads: true
END
digest=$(sha256sum <"$at/cluster.yaml")
before=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get configmap landfall-applied --ignore-not-found -o jsonpath='{.data.history}')
printf '%s\n' "${digest%% *} $(date -u +%FT%TZ) $(slot signature)" "$before" | sed '/^$/d' | head -n 30 >"$at/history"
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system create configmap landfall-applied --from-file="$at" --dry-run=client -o yaml >"$at.yaml"
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system apply --server-side --force-conflicts --field-manager=landfall -f "$at.yaml"
rm -r "$at" "$at.yaml"
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
given=/run/landfall/runs/RUN/record/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/record/stop; stop=${stop:-$tmp/stop}
cat >"$tmp/slots"/signature <<'END'
the value of signature
END
say landfall 1 1
step 1 make 30
say end
}
main
