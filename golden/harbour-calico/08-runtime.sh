#!/bin/sh
# harbour · cp-0 · Start the container runtime

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

probe_kubeadm_images() {
kubeadm config images list --kubernetes-version v1.36.3 2>/dev/null
}

# ── 1 runtime/no-stray-networks: Leave the network to the network plugin
# The runtime takes the first file it finds in /etc/cni/net.d, whoever left it there. The node then turns Ready before the real plugin runs, and pods get addresses nobody routes.
read_1() {
found=$({ ls /etc/cni/net.d/100-crio-bridge.conf /etc/cni/net.d/100-crio-bridge.conflist /etc/cni/net.d/10-crio-bridge.conf /etc/cni/net.d/10-crio-bridge.conflist /etc/cni/net.d/200-loopback.conf /etc/cni/net.d/200-loopback.conflist /etc/cni/net.d/87-podman-bridge.conflist 2>/dev/null; find /etc/cni/net.d -maxdepth 1 '(' -name '*.conf' -o -name '*.conflist' -o -name '*.json' ')' '!' -name 10-calico.conflist 2>/dev/null; } | sort -u)
echo "$found" | sed 's/^$/none/'
}
want_1=none
make_1() {
rm -f /etc/cni/net.d/100-crio-bridge.conf /etc/cni/net.d/100-crio-bridge.conflist /etc/cni/net.d/10-crio-bridge.conf /etc/cni/net.d/10-crio-bridge.conflist /etc/cni/net.d/200-loopback.conf /etc/cni/net.d/200-loopback.conflist /etc/cni/net.d/87-podman-bridge.conflist
}

# ── 2 runtime/programs: Point CRI-O only at programs that are there
# An old CRI-O package left a file that names a runc it no longer brings, and CRI-O refuses to start over it. The current package names its own programs.
read_2() {
gone=$(sed -n 's/^[[:space:]]*runtime_path *= *"\([^"]*\)".*/\1/p' /etc/crio/crio.conf /etc/crio/crio.conf.d/*.conf 2>/dev/null |
  sort -u | while read -r path; do [ -e "$path" ] || echo "$path is not there"; done)
echo "$gone" | sed 's/^$/all there/'
}
want_2='all there'
make_2() {
rm -f /etc/crio/crio.conf.d/01-crio-runc.conf
}

# ── 3 runtime/state-folder: Have the folder CRI-O keeps its books in
# CRI-O notes there how it was stopped, to know at its start whether containers must be cleared away. Packages of old did not create it.
read_3() {
if [ -d /var/lib/crio ]; then echo there; else echo absent; fi
}
want_3=there
make_3() {
mkdir -p /var/lib/crio
}

# ── 4 runtime/pause-image: Hold pods open with the image kubeadm names
# Each pod begins with a tiny container that holds its network. CRI-O and kubeadm each have their own idea of its version; when they differ, a second image is pulled from somewhere unplanned, and one of the two is cleared away as unused.
read_4() {
asked=$(probe kubeadm_images | grep '/pause:')
has=$(sed -n 's/^pause_image = "\(.*\)"$/\1/p' /etc/crio/crio.conf.d/20-landfall.conf 2>/dev/null)
if [ -z "$asked" ]; then echo 'kubeadm does not say'
elif [ "$has" = "$asked" ]; then echo 'the one kubeadm names'
else echo "kubeadm names $asked, the file names $has"; fi
}
want_4='the one kubeadm names'
make_4() {
asked=$(probe kubeadm_images | grep '/pause:')
mkdir -p /etc/crio/crio.conf.d
printf '# Written by Landfall: the image kubeadm expects.\n[crio.image]\npause_image = "%s"\n' "$asked" >/etc/crio/crio.conf.d/.20-landfall.conf.landfall
sync /etc/crio/crio.conf.d/.20-landfall.conf.landfall
mv -fT /etc/crio/crio.conf.d/.20-landfall.conf.landfall /etc/crio/crio.conf.d/20-landfall.conf
}

# ── 5 runtime/crictl: Tell crictl where CRI-O listens
# crictl shows what really runs on the node when Kubernetes itself does not answer. Without this it tries one socket after the other and fails slowly.
read_5() {
sed -n 's/^runtime-endpoint: *//p' /etc/crictl.yaml 2>/dev/null | tr -d '"' | grep . || echo 'not set'
}
want_5=unix:///var/run/crio/crio.sock
make_5() {
mkdir -p /etc
{ grep -v -e '^runtime-endpoint:' /etc/crictl.yaml 2>/dev/null || :; printf '%s\n' 'runtime-endpoint: unix:///var/run/crio/crio.sock'; } >/etc/.crictl.yaml.landfall
sync /etc/.crictl.yaml.landfall
mv -fT /etc/.crictl.yaml.landfall /etc/crictl.yaml
}

# ── 6 runtime/crio: Run CRI-O, now and after every boot
# The package installs CRI-O but neither starts nor enables it: without this the node would be dead after its first reboot. And what was written to its files since its start is only paper until it is started again.
read_6() {
state=$(systemctl show -p ActiveState,UnitFileState crio | sort)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc crio)
newer=$({ find /etc/crio /etc/containers /etc/systemd/system/crio.service.d -type f -newermt "$started"; find /usr/bin/crio -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
case $state in *ActiveState=active*) [ -S /var/run/crio/crio.sock ] || echo 'its socket /var/run/crio/crio.sock is gone' ;; esac
}
want_6='ActiveState=active
UnitFileState=enabled
started after its files were written'
make_6() {
systemctl enable crio
systemctl restart crio
}

# ── 7 runtime/answers: Hear CRI-O answer
# kubelet and kubeadm speak with the runtime through its socket. A unit that runs is not yet a runtime that answers. That it calls its network not ready is right: the network plugin comes into the cluster, so there must be a cluster first.
read_7() {
said=$(timeout 10 crictl info -o go-template --template '{{range .status.conditions}}{{.type}} {{.status}}{{"\n"}}{{end}}') || :
printf '%s\n' "$said" | grep '^RuntimeReady ' || echo 'no answer'
}
want_7='RuntimeReady true'

# ── 8 runtime/kubelet-enabled: Start kubelet at every boot
# kubelet runs the control plane itself, as pods of its own; after a reboot everything waits for it. kubeadm starts it, but a boot must, too. Until then it stops and starts again every ten seconds, which is as it should be: it has no configuration yet.
read_8() {
systemctl is-enabled kubelet 2>/dev/null | grep . || echo 'not there'
}
want_8=enabled
make_8() {
systemctl enable kubelet
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
given=/run/landfall/runs/RUN/runtime/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/runtime/stop; stop=${stop:-$tmp/stop}
say landfall 1 8
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 30
step 7 check 30
step 8 make 0
say end
}
main
