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

# ── 1 prepare/endpoint-name: Give the API server a name
# Certificates and kubeconfigs say api.harbour.internal, not the address of a machine. So the control plane can grow, move or hide behind a load balancer later without a single one of them being made anew; kubeadm has no way back when this was forgotten.
read_1() {
awk -v name=api.harbour.internal '{ sub(/#.*/, "") } { for (i = 2; i <= NF; i++) if ($i == name) { print $1, name; found = 1; break } }
  END { if (!found) print "absent" }' /etc/hosts 2>/dev/null || echo absent
}
want_1='10.0.0.11 api.harbour.internal'
make_1() {
if [ -e /etc/hosts ]; then cp -p /etc/hosts /etc/.hosts.landfall; else : >/etc/.hosts.landfall; fi
{ awk '!/ # kept by Landfall$/' /etc/hosts 2>/dev/null || :; echo '10.0.0.11 api.harbour.internal # kept by Landfall'; } >/etc/.hosts.landfall
sync /etc/.hosts.landfall
mv -fT /etc/.hosts.landfall /etc/hosts
}

# ── 2 kernel/overlay: Let the kernel stack file systems
# An image is a pile of read-only layers, and a container's disk is that pile with a thin layer of its own on top. The overlay file system does the piling; without it the runtime falls back to copying whole images, or refuses.
read_2() {
if [ -d /sys/module/overlay ] || grep -q /overlay.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
else echo 'not loaded'; fi 2>/dev/null
if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx overlay; then echo 'at boot: loaded'
else echo 'at boot: not loaded'; fi
}
want_2='loaded
at boot: loaded'
make_2() {
mkdir -p /etc/modules-load.d
{ grep -v -e '^overlay$' /etc/modules-load.d/landfall.conf 2>/dev/null || :; printf '%s\n' overlay; } >/etc/modules-load.d/.landfall.conf.landfall
sync /etc/modules-load.d/.landfall.conf.landfall
mv -fT /etc/modules-load.d/.landfall.conf.landfall /etc/modules-load.d/landfall.conf
modprobe -- overlay
}

# ── 3 kernel/br-netfilter: Let the firewall see bridged packets
# Pods of one node talk over a bridge, below the level at which the firewall looks. A Service is made of firewall rules, so without this module a pod cannot reach a Service whose pod is its own neighbour.
read_3() {
if [ -d /sys/module/br_netfilter ] || grep -q /br_netfilter.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
else echo 'not loaded'; fi 2>/dev/null
if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx br_netfilter; then echo 'at boot: loaded'
else echo 'at boot: not loaded'; fi
}
want_3='loaded
at boot: loaded'
make_3() {
mkdir -p /etc/modules-load.d
{ grep -v -e '^br_netfilter$' /etc/modules-load.d/landfall.conf 2>/dev/null || :; printf '%s\n' br_netfilter; } >/etc/modules-load.d/.landfall.conf.landfall
sync /etc/modules-load.d/.landfall.conf.landfall
mv -fT /etc/modules-load.d/.landfall.conf.landfall /etc/modules-load.d/landfall.conf
modprobe -- br_netfilter
}

# ── 4 kernel/bridge-iptables: Show bridged IPv4 packets to the firewall
# Loading br_netfilter is half of it: this switch says that IPv4 packets crossing a bridge do pass the firewall rules which Services are made of.
read_4() {
sysctl -n net.bridge.bridge-nf-call-iptables 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.bridge.bridge-nf-call-iptables -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_4='1
at boot: 1'
make_4() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.bridge\.bridge-nf-call-iptables =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.bridge.bridge-nf-call-iptables = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.bridge.bridge-nf-call-iptables=1
}

# ── 5 kernel/bridge-ip6tables: Show bridged IPv6 packets to the firewall
# The same for IPv6. It is on by default once the module is loaded; a hardened image may have turned it off, and then only some traffic fails, which is hard to find.
read_5() {
sysctl -n net.bridge.bridge-nf-call-ip6tables 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.bridge.bridge-nf-call-ip6tables -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_5='1
at boot: 1'
make_5() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.bridge\.bridge-nf-call-ip6tables =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.bridge.bridge-nf-call-ip6tables = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.bridge.bridge-nf-call-ip6tables=1
}

# ── 6 kernel/ip-forward: Let the kernel forward packets
# A packet for a pod comes in on one interface and leaves on another. With forwarding off the kernel drops it, and kubeadm refuses to start. It must also survive a reboot: other programs (a firewall, a cloud image) like to turn it off again.
read_6() {
sysctl -n net.ipv4.ip_forward 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.ipv4.ip_forward -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_6='1
at boot: 1'
make_6() {
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
say landfall 1 6
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 0
say end
}
main
