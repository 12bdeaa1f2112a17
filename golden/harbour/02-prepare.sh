#!/bin/sh
# harbour · cp-0 · Prepare the host

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

probe_sysctl_files() {
/lib/systemd/systemd-sysctl --cat-config 2>/dev/null
}

# ── 1 prepare/note: Note what the host is like
# To take everything back one day, one must know what was there before: which packages, which files, which settings. It is written down once, before the first change, and never again.
read_1() {
if [ -d /var/lib/landfall/before ]; then echo noted; else echo 'not noted'; fi
}
want_1=noted
make_1() {
rm -rf /var/lib/landfall/.before
mkdir -p /var/lib/landfall
chmod 0700 /var/lib/landfall
mkdir /var/lib/landfall/.before
if [ -e /etc/kubernetes/landfall/cluster ] || [ -e /etc/kubernetes/landfall/kubeadm.yaml ]; then
  echo 'the notes were lost, and how the host was before cannot be seen any more: reset will leave packages and folders'
else
  for path in /etc/hosts /etc/ssh/sshd_config.d/00-landfall-port.conf /etc/ssh/sshd_config.d/00-landfall-root.conf /etc/ssh/sshd_config.d/00-landfall-passwords.conf /etc/systemd/system/ssh.socket.d/zz-landfall-port.conf /etc/modules-load.d/landfall.conf /etc/sysctl.d/99-zz-landfall.conf /etc/apt/keyrings/kubernetes.asc /etc/apt/sources.list.d/kubernetes.list /etc/apt/keyrings/cri-o.asc /etc/apt/sources.list.d/cri-o.list /etc/crictl.yaml /etc/crio/crio.conf.d/20-landfall.conf /etc/kubernetes/landfall/cluster /etc/kubernetes/landfall/kubeadm.yaml /etc/kubernetes/landfall/initialised; do
    # What an earlier part of the list has written is no state of before.
    if [ -e "$path" ] && ! head -n 1 "$path" | grep -q '^# Written by Landfall'; then
      mkdir -p /var/lib/landfall/.before"$(dirname "$path")"
      cp -a "$path" /var/lib/landfall/.before"$path"
    fi
  done
  for path in /etc/cni /etc/crio /etc/containers /etc/kubernetes /opt/cni /root/.kube /run/crio /run/containers /run/crun /run/flannel /run/landfall-kubectl /run/nri /run/runc /run/xtables.lock /usr/libexec/crio /usr/libexec/kubernetes /var/lib/cni /var/lib/containers /var/lib/crio /var/lib/etcd /var/lib/kubelet /var/log/containers /var/log/crio /var/log/pods /var/run/kubernetes; do if [ -e "$path" ]; then echo "$path"; fi; done >/var/lib/landfall/.before/folders
  dpkg-query -W -f '${Package}\n' | sort -u >/var/lib/landfall/.before/packages
  cut -d ' ' -f 1 /proc/modules 2>/dev/null | sort >/var/lib/landfall/.before/modules
  sysctl -e net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_tcp_timeout_close_wait net.netfilter.nf_conntrack_tcp_timeout_established >/var/lib/landfall/.before/sysctls 2>/dev/null || :
  # Emptied by a power cut, the notes would say that nothing was there before, and reset would believe them.
  find /var/lib/landfall/.before -exec sync {} +
fi
mv -T /var/lib/landfall/.before /var/lib/landfall/before
}

# ── 2 prepare/owner: Mark the host as one of harbour's
# Landfall ends what it has begun, and touches nothing it did not begin. This file is how it tells the two apart, and two clusters from each other.
read_2() {
{ stat -c '%04a %U:%G' /etc/kubernetes/landfall/cluster && cat /etc/kubernetes/landfall/cluster; } 2>/dev/null || echo absent
}
want_2='0644 root:root
harbour'
make_2() {
mkdir -p /etc/kubernetes/landfall
umask 077
cat >/etc/kubernetes/landfall/.cluster.landfall <<'END'
harbour
END
chmod 0644 /etc/kubernetes/landfall/.cluster.landfall
chown root:root /etc/kubernetes/landfall/.cluster.landfall
sync /etc/kubernetes/landfall/.cluster.landfall
mv -fT /etc/kubernetes/landfall/.cluster.landfall /etc/kubernetes/landfall/cluster
}

# ── 3 prepare/dpkg: Finish installations that were cut short
# A power cut in the middle of an installation leaves packages half set up, and every later installation stops at them.
read_3() {
{ dpkg --audit; find /var/lib/dpkg/updates -name '[0-9]*'; } | head -n 20 | grep . || echo 'all finished'
}
want_3='all finished'
make_3() {
( tries=0 said="${tmp:-/run}/said"
until dpkg --configure --pending --force-confdef --force-confold 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said" ) || echo 'trying with apt'
# What was only half unpacked must be unpacked again.
if [ -n "$(dpkg --audit)" ]; then ( tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold --fix-broken install 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said" ); fi
}

# ── 4 prepare/endpoint-name: Give the API server a name
# Certificates and kubeconfigs say api.harbour.internal, not the address of a machine. So the control plane can grow, move or hide behind a load balancer later without a single one of them being made anew; kubeadm has no way back when this was forgotten.
read_4() {
awk -v name=api.harbour.internal '{ sub(/#.*/, "") } { for (i = 2; i <= NF; i++) if ($i == name) { print $1, name; found = 1; break } }
  END { if (!found) print "absent" }' /etc/hosts 2>/dev/null || echo absent
}
want_4='10.0.0.11 api.harbour.internal'
make_4() {
if [ -e /etc/hosts ]; then cp -p /etc/hosts /etc/.hosts.landfall; else : >/etc/.hosts.landfall; fi
{ awk '!/ # kept by Landfall$/' /etc/hosts 2>/dev/null || :; echo '10.0.0.11 api.harbour.internal # kept by Landfall'; } >/etc/.hosts.landfall
sync /etc/.hosts.landfall
mv -fT /etc/.hosts.landfall /etc/hosts
}

# ── 5 kernel/overlay: Let the kernel stack file systems
# An image is a pile of read-only layers, and a container's disk is that pile with a thin layer of its own on top. The overlay file system does the piling; without it the runtime falls back to copying whole images, or refuses.
read_5() {
if [ -d /sys/module/overlay ] || grep -q /overlay.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
else echo 'not loaded'; fi 2>/dev/null
if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx overlay; then echo 'at boot: loaded'
else echo 'at boot: not loaded'; fi
}
want_5='loaded
at boot: loaded'
make_5() {
mkdir -p /etc/modules-load.d
{ grep -v -e '^overlay$' /etc/modules-load.d/landfall.conf 2>/dev/null || :; printf '%s\n' overlay; } >/etc/modules-load.d/.landfall.conf.landfall
sync /etc/modules-load.d/.landfall.conf.landfall
mv -fT /etc/modules-load.d/.landfall.conf.landfall /etc/modules-load.d/landfall.conf
modprobe -- overlay
}

# ── 6 kernel/br-netfilter: Let the firewall see bridged packets
# Pods of one node talk over a bridge, below the level at which the firewall looks. A Service is made of firewall rules, so without this module a pod cannot reach a Service whose pod is its own neighbour.
read_6() {
if [ -d /sys/module/br_netfilter ] || grep -q /br_netfilter.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
else echo 'not loaded'; fi 2>/dev/null
if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx br_netfilter; then echo 'at boot: loaded'
else echo 'at boot: not loaded'; fi
}
want_6='loaded
at boot: loaded'
make_6() {
mkdir -p /etc/modules-load.d
{ grep -v -e '^br_netfilter$' /etc/modules-load.d/landfall.conf 2>/dev/null || :; printf '%s\n' br_netfilter; } >/etc/modules-load.d/.landfall.conf.landfall
sync /etc/modules-load.d/.landfall.conf.landfall
mv -fT /etc/modules-load.d/.landfall.conf.landfall /etc/modules-load.d/landfall.conf
modprobe -- br_netfilter
}

# ── 7 kernel/bridge-iptables: Show bridged IPv4 packets to the firewall
# Loading br_netfilter is half of it: this switch says that IPv4 packets crossing a bridge do pass the firewall rules which Services are made of.
read_7() {
sysctl -n net.bridge.bridge-nf-call-iptables 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.bridge.bridge-nf-call-iptables -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_7='1
at boot: 1'
make_7() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.bridge\.bridge-nf-call-iptables =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.bridge.bridge-nf-call-iptables = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.bridge.bridge-nf-call-iptables=1
}

# ── 8 kernel/bridge-ip6tables: Show bridged IPv6 packets to the firewall
# The same for IPv6. It is on by default once the module is loaded; a hardened image may have turned it off, and then only some traffic fails, which is hard to find.
read_8() {
sysctl -n net.bridge.bridge-nf-call-ip6tables 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.bridge.bridge-nf-call-ip6tables -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_8='1
at boot: 1'
make_8() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.bridge\.bridge-nf-call-ip6tables =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.bridge.bridge-nf-call-ip6tables = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.bridge.bridge-nf-call-ip6tables=1
}

# ── 9 kernel/ip-forward: Let the kernel forward packets
# A packet for a pod comes in on one interface and leaves on another. With forwarding off the kernel drops it, and kubeadm refuses to start. It must also survive a reboot: other programs (a firewall, a cloud image) like to turn it off again.
read_9() {
sysctl -n net.ipv4.ip_forward 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.ipv4.ip_forward -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_9='1
at boot: 1'
make_9() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.ipv4\.ip_forward =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.ipv4.ip_forward = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.ipv4.ip_forward=1
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
given=/run/landfall/runs/RUN/prepare/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/prepare/stop; stop=${stop:-$tmp/stop}
say landfall 1 9
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 0
step 7 make 0
step 8 make 0
step 9 make 0
say end
}
main
