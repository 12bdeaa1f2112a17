#!/bin/sh
# harbour · cp-0 · Look before anything is touched

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

probe_namespaces() {
probe overview | sed -n 's/^namespace|//p'
}

probe_packages() {
dpkg-query -W -f '${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\n' containerd.io cri-tools kubeadm kubectl kubelet kubernetes-cni nftables 2>/dev/null
}

# ── 1 preflight/root: Work as root
# Packages, kernel settings and services belong to root. Everything below would fail one by one without it.
read_1() {
if [ "$(id -u)" = 0 ]; then echo root; else echo "not root but $(id -un)"; fi
}
want_1=root

# ── 2 preflight/system: Run a system Landfall knows
# Package names, paths and defaults differ between distributions and releases. On one that was never tried a step may be right in its own eyes and wrong in truth.
read_2() {
. /etc/os-release
case "$ID $VERSION_ID $(dpkg --print-architecture 2>/dev/null)" in
  'debian 12 amd64' | 'debian 12 arm64' | 'debian 13 amd64' | 'debian 13 arm64' | \
    'ubuntu 22.04 amd64' | 'ubuntu 22.04 arm64' | 'ubuntu 24.04 amd64' | 'ubuntu 24.04 arm64' | \
    'ubuntu 26.04 amd64' | 'ubuntu 26.04 arm64') echo 'one Landfall knows' ;;
  *) echo "$ID $VERSION_ID ($(uname -m)) is not one Landfall knows" ;;
esac
}
want_2='one Landfall knows'

# ── 3 preflight/tools: Have the usual programs at hand
# The steps are plain shell around programs every server has. A stripped image may lack one, and the failure would show far from its cause.
read_3() {
missing=
for tool in apt-get awk base64 dpkg-query find ip modprobe sha256sum ss sysctl systemctl; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
if [ -x /usr/lib/apt/apt-helper ] || command -v curl >/dev/null 2>&1; then :; else missing="$missing curl"; fi
if [ -n "$missing" ]; then echo "missing:$missing"; else echo 'all there'; fi
}
want_3='all there'

# ── 4 preflight/systemd: Have systemd run the services
# kubelet and the runtime are systemd units, and containers get their cgroups from it. kubeadm starts and restarts kubelet through it.
read_4() {
if [ -d /run/systemd/system ]; then echo systemd; else echo "not systemd but $(cat /proc/1/comm)"; fi
}
want_4=systemd

# ── 5 preflight/cgroup: Count resources with cgroup v2
# Limits on memory and CPU are enforced by the kernel through cgroups. kubelet refuses the old version 1 since Kubernetes 1.35.
read_5() {
if [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then echo 'cgroup v2'
elif grep -q '^cgroup-v1' /etc/landfall-lab 2>/dev/null; then echo 'cgroup v1, conceded to a lab host'
else echo 'cgroup v1'; fi
}
want_5='cgroup v2'

# ── 6 preflight/kernel: Run a kernel that is new enough
# kube-proxy writes the rules of Services with nftables, which it needs in the form Linux has since 5.13.
read_6() {
uname -r | awk -F '[.-]' '{ if ($1 > 5 || ($1 == 5 && $2 >= 13)) print "5.13 or newer"; else print $0 " is older than 5.13" }'
}
want_6='5.13 or newer'

# ── 7 preflight/mainline-kernel: Have a kernel its distribution stands behind
# The mainline builds of kernel.ubuntu.com are made to try things out: unsigned, without security updates, and against libraries of another release, so that they go in only when the books of dpkg are falsified. Landfall builds on no such kernel.
read_7() {
found=$({ uname -r | sed 's/^/linux-image-/'; dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'linux-*' 2>/dev/null | sed -n 's/^[uih][a-z-]*ed //p'; } |
  grep -e '^linux-[a-z-]*-[0-9][0-9.]*-[0-9]\{6\}\(rc[0-9]*\)\{0,1\}\(-[a-z0-9]*\)\{0,1\}$' | sort -u | paste -sd ' ')
if [ -n "$found" ]; then echo "mainline: $found"; else echo 'no mainline kernel'; fi
}
want_7='no mainline kernel'

# ── 8 preflight/clock: Have a clock that is not far off
# Certificates are valid from now on. Made by a clock that runs ahead, or read by one that is years behind, they are worth nothing.
read_8() {
y=$(date -u +%Y); if [ "$y" -ge 2026 ] && [ "$y" -le 2045 ]; then echo plausible; else date -u +%FT%TZ; fi
}
want_8=plausible

# ── 9 preflight/cpus: Have two CPUs
# etcd, the API server and their companions starve each other on a single CPU, and kubeadm refuses it. For a node that also carries workloads count on four.
read_9() {
n=$(nproc); if [ "$n" -ge 2 ]; then echo 'two or more'; else echo "$n CPU"; fi
}
want_9='two or more'

# ── 10 preflight/memory: Have 1700 MiB of memory
# An idle control plane takes about one GiB. Below this kubeadm refuses, and what would start would be killed again under the first load. Count on 8 GiB for a node that also carries workloads, and on 4 GiB for each of several.
read_10() {
awk '/^MemTotal:/ { m = int($2 / 1024); if (m >= 1700) print "enough"; else print m " MiB" }' /proc/meminfo
}
want_10=enough

# ── 11 preflight/swap: Have room in memory for what lies in swap
# Swap is turned off below, and what lies in it comes back into memory. Where there is no room for it the kernel ends programs to make some.
read_11() {
awk '$3 ~ /^[0-9]+$/ && $4 ~ /^[0-9]+$/ { used += $4 } $1 == "MemAvailable:" { free = $2 }
  END { if (used > 0 && used * 1.1 > free) printf "%d MiB lies in swap, %d MiB of memory are free\n", used / 1024, free / 1024; else print "enough" }' /proc/swaps /proc/meminfo
}
want_11=enough

# ── 12 preflight/disk: Have room on the disk
# Images, logs and etcd live below /var/lib. kubelet begins to throw images away when less than 15 % is free and pods when less than 10 % is; etcd stops writing when nothing is.
read_12() {
df -Pm /var/lib | awk 'NR == 2 {
  share = $2 ? int(100 * $4 / $2) : 0
  if ($4 >= 2048 && share >= 15) print "enough"; else print $4 " MiB free of " $2 " (" share " %)"
}'
}
want_12=enough

# ── 13 preflight/etcd-disk: Write to the disk as fast as etcd needs
# etcd says yes to a change only when it is on the disk, and so does every request of the cluster. 99 of 100 small writes should be there within 10 ms: NVMe or a good SSD, which is what control planes deserve. On a slower one requests time out and members hold elections for no other reason.
read_13() {
measure() { # FOLDER: as etcd writes its log, small and each on the disk before the next
  file=$(mktemp "$1/.landfall.XXXXXX") || return 0
  case $(uname -m) in x86_64) clock=228 ;; *) clock=113 ;; esac
  perl -e '
    use Fcntl;
    my ($file, $clock, $limit, $quiet) = @ARGV;
    sysopen(my $out, $file, O_WRONLY | O_DSYNC) or die "$file: $!\n";
    unlink $file;
    sub now { my $t = "\0" x 16; syscall(0 + $clock, 1, $t); my ($s, $n) = unpack "qq", $t; return 1e3 * $s + $n / 1e6 }
    my ($begun, @took) = (now());
    while (@took < 200 && now() - $begun < 1000) {
      my $from = now();
      syswrite($out, "\0" x 2300) or die "$!\n";
      push @took, now() - $from;
    }
    @took = sort { $a <=> $b } @took;
    my ($most, $half) = ($took[@took * 0.99 - 0.5], $took[@took / 2]);
    if ($most <= $limit) { print "$quiet\n" }
    else { printf "1 in 100 writes takes %.0f ms or longer, half of them %.1f ms; etcd asks for 10 ms\n", $most, $half }
  ' "$file" "$clock" 10 'no sign of a slow disk'
  rm -f "$file"
}
at=/var/lib/etcd
if [ -d "$at/member" ]; then
  timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/2381 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3' 2>/dev/null | awk -v limit=0.512 -v quiet='no sign of a slow disk' '
    index($0, "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"" limit "\"}") == 1 { within = $2 }
    $1 == "etcd_disk_wal_fsync_duration_seconds_count" { all = $2 }
    END { if (all >= 1000 && within < 0.99 * all) print "1 in 100 of etcd\047s writes took longer than " limit " s"; else print quiet }'
else
  while ! [ -d "$at" ]; do at=$(dirname "$at"); done
  said=$(measure "$at")
  # One bad second proves nothing.
  if [ "$said" != 'no sign of a slow disk' ]; then said=$(measure "$at"); fi
  # What takes nothing at all is full, or read-only: others tell of that.
  [ -n "$said" ] || said='no sign of a slow disk'
  echo "$said"
fi
}
want_13='no sign of a slow disk'

# ── 14 preflight/address: Have the address the cluster will use
# The other members, the API server's certificate and etcd will know this node as 10.0.0.11. An address the host does not carry (a translated public one, say) cannot be listened on.
read_14() {
ip -o -4 address show scope global | awk -v wanted=10.0.0.11 '
  { split($4, a, "/"); all = all " " a[1]; if (a[1] == wanted) found = 1 }
  END { print found ? "on this host" : "not on this host, which has" all }'
}
want_14='on this host'

# ── 15 preflight/networks: Have no route into the networks of the cluster
# Pods will live in 10.244.0.0/16 and Services in 10.96.0.0/16. Were the host to reach anything else by a route inside these, pods could not reach it any more, nor it them.
read_15() {
ip -4 -o route show table main | awk -v pods=10.244.0.0/16 -v services=10.96.0.0/16 '
  function start(cidr, p) { split(cidr, c, "/"); split(c[1], o, "."); return int((((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4]) / 2 ^ (32 - p)) }
  function prefix(cidr) { split(cidr, c, "/"); return c[2] == "" ? 32 : c[2] + 0 }
  function overlaps(a, b, p) { p = prefix(a) < prefix(b) ? prefix(a) : prefix(b); return start(a, p) == start(b, p) }
  $1 !~ /^[0-9]/ { next }
  / dev (cni0|flannel[.0-9]*|cali[^ ]*|vxlan[.]calico|tunl0|veth[^ ]*|lxc[^ ]*|cilium[^ ]*)( |$)/ { next }
  overlaps($1, pods) { print "route " $1 " overlaps the pods of " pods; bad = 1 }
  overlaps($1, services) { print "route " $1 " overlaps the services of " services; bad = 1 }
  END { if (!bad) print "apart from all routes of the host" }'
}
want_15='apart from all routes of the host'

# ── 16 preflight/ports: Have the ports of Kubernetes free, or in its own hands
# Each part of Kubernetes listens on a port of its own. A port somebody else holds shows as a part that restarts for ever, which is slow to find.
read_16() {
ss -Hltnp | awk -v wanted='10250=kubelet 10248=kubelet 10249=kube-proxy 10256=kube-proxy 6443=kube-apiserver 10257=kube-controller 10259=kube-scheduler 2379=etcd 2380=etcd 2381=etcd' '
  BEGIN { n = split(wanted, list, " "); for (i = 1; i <= n; i++) { split(list[i], pair, "="); owner[pair[1]] = pair[2] } }
  { port = $4; sub(/.*:/, "", port) }
  port in owner {
    who = $0; if (sub(/.*users:\(\("/, "", who)) sub(/".*/, "", who); else who = "an unknown program"
    if (index(who, owner[port]) == 1) own[port] = 1; else other[port] = who
  }
  END {
    for (i = 1; i <= n; i++) { split(list[i], pair, "="); port = pair[1]; if (port in other && !(port in own)) { print "port " port ": " other[port]; bad = 1 } }
    if (!bad) print "free, or in the hands of Kubernetes"
  }'
}
want_16='free, or in the hands of Kubernetes'

# ── 17 preflight/identity: Be told apart from every other host
# Machines copied from one image often keep its machine-id, and virtual ones their product_uuid or the address of their network card. Two members with one of them alike get the same lease from DHCP, take frames from each other, or are one machine in the eyes of storage and monitoring.
read_17() {
device=$(ip -o -4 address show | awk -v own=10.0.0.11 '{ split($4, a, "/"); if (a[1] == own) { print $2; exit } }')
marks=$(
  echo "machine-id $(cat /etc/machine-id)"
  echo "product_uuid $(tr A-F a-f </sys/class/dmi/id/product_uuid)"
  echo "MAC $(ip -o link show dev "$device" | sed -n 's,.* link/ether \([^ ]*\) .*,\1,p')"
  echo "hostname $(hostname)"
) 2>/dev/null
said=$(
  printf '%s\n' "$marks" | grep -qE '^machine-id [0-9a-f]{32}$' || echo 'no machine-id'
  for shared in ; do
    if printf '%s\n' "$marks" | grep -qxF -- "${shared#* }"; then echo "${shared#* } is also that of ${shared%% *}"; fi
  done
)
echo "${said:-its own}"
}
want_17='its own'

# ── 18 preflight/mtu: Send packets as large as the other hosts do
# The network plugin measures the network card and makes packets of pods that fit. Where one host sends larger ones than another takes, small questions are answered and large answers get lost: logins work, downloads hang.
read_18() {
device=$(ip -o -4 address show | awk -v own=10.0.0.11 '{ split($4, a, "/"); if (a[1] == own) { print $2; exit } }')
mtu=$(ip -o link show dev "$device" | sed 's/.* mtu \([0-9]*\) .*/\1/')
said=
for other in ; do
  if [ "${other% *}" != "$mtu" ]; then said="$device has $mtu, ${other#* } ${other% *}"; fi
done
if [ -n "$device" ] && [ "$mtu" -lt 1280 ]; then said="$device has $mtu"; fi
echo "${said:-alike, and large enough}"
}
want_18='alike, and large enough'

# ── 19 preflight/other-cluster: Belong to no other cluster
# The keys and the data of another cluster, even a dead one, would be taken for this one. Landfall never removes what it did not make.
read_19() {
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
found=
for path in /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/pki/ca.crt \
  /etc/kubernetes/manifests/*.yaml /var/lib/etcd/member /var/lib/kubelet/config.yaml; do
  [ -e "$path" ] && found="$found $path"
done
for link in cni0 flannel.1 vxlan.calico cilium_host kube-ipvs0 nodelocaldns; do
  [ -z "$owner" ] && ip link show dev "$link" >/dev/null 2>&1 && found="$found $link"
done
for path in /etc/rancher/k3s /etc/rancher/rke2 /var/snap/microk8s /var/lib/k0s; do
  [ -e "$path" ] && owner='' && found="$found $path"
done
if [ "$owner" = harbour ] || [ -z "$owner$found" ]; then echo none
elif [ -n "$owner" ]; then echo "the cluster $owner"
else echo "a cluster Landfall did not make:$found"; fi
}
want_19=none

# ── 20 preflight/version: Keep to the version the cluster has
# A cluster that runs is moved to another version node by node: drained, its control plane first, its kubelet after. Installing newer packages over it would put a kubelet ahead of its API server, which is not supported and can end badly.
read_20() {
has=$(sed -n 's/^kubernetesVersion: *"*v*\([0-9.]*\).*/\1/p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
if [ -e /etc/kubernetes/landfall/initialised ] && [ -n "$has" ] && [ "$has" != 1.36.3 ]; then echo "the cluster runs $has"
else echo 'that version, or none yet'; fi
}
want_20='that version, or none yet'

# ── 21 preflight/other-runtime: Have no second container runtime
# Two runtimes on one host mean two sets of containers, two garbage collections, and two ideas of the network; kubeadm stops when it cannot tell which one is meant.
read_21() {
found=
for socket in /run/crio/crio.sock /run/docker.sock /run/cri-dockerd.sock; do
  [ -S "$socket" ] && found="$found $socket"
done
if [ -S /run/containerd/containerd.sock ] &&
  { ! [ -e /var/lib/landfall/before/packages ] || grep -qx -e 'containerd' -e 'containerd[.]io' /var/lib/landfall/before/packages; }; then
  found="$found "/run/containerd/containerd.sock
fi
if [ -n "$found" ]; then echo "listening:$found"; else echo none; fi
}
want_21=none

# ── 22 preflight/same-data: Find the data this cluster has had
# An etcd that finds no data where its own should be begins a new cluster without a word, and all looks well: an API server that is ready, and knows of nothing. Whatever is made in there then makes it harder to have the old one back. So each control plane has a note of which one it was.
read_22() {
if [ -e /etc/kubernetes/landfall/initialised ] && [ -e /etc/kubernetes/manifests/etcd.yaml ] && ! ls /var/lib/etcd/member/wal/*.wal >/dev/null 2>&1; then echo 'the data of etcd are not there'
else
  known=$(cat /etc/kubernetes/landfall/kube-system-uid 2>/dev/null) || :
uid=$(probe namespaces | sed -n 's/^kube-system|[^|]*|//p')
if [ -n "$known" ] && [ -z "$uid" ] && [ "$(probe api)" = ok ]; then uid=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --kubeconfig=/etc/kubernetes/controller-manager.conf get namespace kube-system -o 'jsonpath={.metadata.uid}' 2>/dev/null) || uid=; fi
if [ -n "$known" ] && [ -n "$uid" ] && [ "$uid" != "$known" ]; then echo 'etcd has begun anew, empty'": kube-system is $uid, and was $known"
else echo 'its own, or none yet'; fi
fi
}
want_22='its own, or none yet'

# ── 23 preflight/resolver: Ask name servers that pods can ask, too
# Pods ask CoreDNS, and CoreDNS asks whom the host's resolv.conf names. Where that is the host's own loopback, CoreDNS asks itself, sees the loop and stops; then no name is resolved in the whole cluster.
read_23() {
file=$(sed -n 's/^resolvConf: *//p' /var/lib/kubelet/config.yaml 2>/dev/null | tr -d '"')
if [ -n "$file" ]; then :
elif systemctl is-active -q systemd-resolved; then file=/run/systemd/resolve/resolv.conf
else file=/etc/resolv.conf; fi
if ! [ -e "$file" ]; then echo "$file is not there"
else
  awk -v file="$file" '
    $1 == "nameserver" && $2 ~ /^(127[.]|0[.]0[.]0[.]0$|::1$)/ { print "nameserver " $2 " in " file; bad = 1 }
    END { if (!bad) print "none on the loopback" }' "$file"
fi
}
want_23='none on the loopback'

# ── 24 preflight/reachable: Reach the package repositories
# The host itself fetches what it installs. A firewall or a proxy in between is best found before anything has been changed. Once the packages are there, nobody asks.
read_24() {
have=$(probe packages | awk '$1 == "nftables" { next } { print $1, $2, $4 }')
want='containerd.io 2.3.5-1~debian.12~bookworm installed
cri-tools 1.36.0-1.1 installed
kubeadm 1.36.3-1.1 installed
kubectl 1.36.3-1.1 installed
kubelet 1.36.3-1.1 installed
kubernetes-cni 1.9.0-1.1 installed'
if [ "$have" = "$want" ]; then set --
else set -- https://pkgs.k8s.io/core:/stable:/v1.36/deb/InRelease https://download.docker.com/linux/debian/dists/bookworm/InRelease; fi
answer='never, a file is wanted'
at=$(mktemp -d)
n=100
for url; do
  n=$((n + 1))
  (
    said=$(timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 download-file "$url" "$at/$n.got" 2>&1) || echo "$said" | grep -q "$answer" ||
      echo "$said" | grep '^E: Failed' || echo "E: Failed to fetch $url"
  ) >"$at/$n.said" 2>/dev/null &
done
wait
cat "$at"/*.said 2>/dev/null | grep . || echo 'reached, or not needed'
rm -rf "$at"
}
want_24='reached, or not needed'

# ── 25 preflight/registries: Reach the registries of the images
# The control plane and the network plugin come as images, and each node pulls its own. A registry that turns this host away is found here and not in the middle of the making. Once there is a cluster, nobody asks.
read_25() {
if [ -e /etc/kubernetes/landfall/initialised ]; then set --; else set -- https://registry.k8s.io/v2/ https://ghcr.io/v2/; fi
answer='401  *Unauthorized'
at=$(mktemp -d)
n=100
for url; do
  n=$((n + 1))
  (
    said=$(timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 download-file "$url" "$at/$n.got" 2>&1) || echo "$said" | grep -q "$answer" ||
      echo "$said" | grep '^E: Failed' || echo "E: Failed to fetch $url"
  ) >"$at/$n.said" 2>/dev/null &
done
wait
cat "$at"/*.said 2>/dev/null | grep . || echo 'reached, or not needed'
rm -rf "$at"
}
want_25='reached, or not needed'

# ── 26 preflight/network-plugin: Keep to the network plugin the cluster has
# The plugin has given every pod its address and every node its routes. Another one put over it would leave both half right, node by node.
read_26() {
has=
if [ -e /etc/kubernetes/landfall/initialised ]; then
  for pair in 10-calico.conflist=calico 05-cilium.conflist=cilium; do
    if [ -e /etc/cni/net.d/"${pair%%=*}" ]; then has="$has ${pair#*=}"; fi
  done
fi
if [ -n "$has" ]; then echo "the cluster has$has"; else echo 'that plugin, or none yet'; fi
}
want_26='that plugin, or none yet'

# ── 27 preflight/pod-mtu: Carry packets of 1500 bytes between nodes
# Pods send packets of 1450 bytes, and encapsulation makes them 1500. A device that carries less drops them without a word: connections open, and hang as soon as they carry more than a greeting.
read_27() {
device=$(ip -o -4 address show | awk -v wanted=10.0.0.11 '{ split($4, a, "/"); if (a[1] == wanted) { print $2; exit } }')
mtu=$(ip -o link show dev "$device" 2>/dev/null | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
if [ -z "$device" ] || [ "${mtu:-0}" -ge 1500 ]; then echo 'carries 1500 bytes'; else echo "$device carries ${mtu:-0} bytes"; fi
}
want_27='carries 1500 bytes'

# ── 28 preflight/ssh-port: Have port 22322 free for sshd
# Where another program listens, sshd says so in its log, and listens on its other ports alone.
read_28() {
by=$(ss -Hltnp 'sport = :22322' | grep -v -e '"sshd"' -e '"systemd"' | sed 's/.*users:(("\([^"]*\)".*/\1/' | head -n 1); if [ -n "$by" ]; then echo "held by $by"; else echo "free, or sshd's own"; fi
}
want_28='free, or sshd'\''s own'

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
given=/run/landfall/runs/RUN/preflight/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/preflight/stop; stop=${stop:-$tmp/stop}
say landfall 1 28
step 1 check 0
step 2 check 0
step 3 check 0
step 4 check 0
step 5 check 0
step 6 check 0
step 7 check 0
step 8 check 0
step 9 check 0
step 10 check 0
step 11 check 0
step 12 check 0
step 13 check 0
step 14 check 0
step 15 check 0
step 16 check 0
step 17 check 0
step 18 check 0
step 19 check 0
step 20 check 0
step 21 check 0
step 22 check 0
step 23 check 0
step 24 check 0
step 25 check 0
step 26 check 0
step 27 check 0
step 28 check 0
say end
}
main
