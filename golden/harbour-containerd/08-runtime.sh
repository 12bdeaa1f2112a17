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
found=$({ ls /etc/cni/net.d/100-crio-bridge.conf /etc/cni/net.d/100-crio-bridge.conflist /etc/cni/net.d/10-crio-bridge.conf /etc/cni/net.d/10-crio-bridge.conflist /etc/cni/net.d/200-loopback.conf /etc/cni/net.d/200-loopback.conflist /etc/cni/net.d/87-podman-bridge.conflist 2>/dev/null; find /etc/cni/net.d -maxdepth 1 '(' -name '*.conf' -o -name '*.conflist' -o -name '*.json' ')' '!' -name 10-flannel.conflist 2>/dev/null; } | sort -u)
echo "$found" | sed 's/^$/none/'
}
want_1=none
make_1() {
rm -f /etc/cni/net.d/100-crio-bridge.conf /etc/cni/net.d/100-crio-bridge.conflist /etc/cni/net.d/10-crio-bridge.conf /etc/cni/net.d/10-crio-bridge.conflist /etc/cni/net.d/200-loopback.conf /etc/cni/net.d/200-loopback.conflist /etc/cni/net.d/87-podman-bridge.conflist
}

# ── 2 runtime/containerd-config: Tell containerd what kubelet expects of it
# The file the package brings switches off the very part that kubelet speaks with. And three things must be said: that systemd keeps the cgroups, as kubelet has it too, or two managers count one node’s memory twice and pods are ended for no reason; which image holds pods open, or a second one is pulled from somewhere unplanned and one of the two is cleared away as unused; and where mirrors are looked for.
read_2() {
asked=$(probe kubeadm_images | grep '/pause:')
{ stat -c '%04a %U:%G' /etc/containerd/config.toml && sed "s#${asked:-nothing is asked for}#"'the image kubeadm names'# /etc/containerd/config.toml; } 2>/dev/null || echo absent
}
want_2='0644 root:root
# Written by Landfall: containerd as kubelet expects it. What is to be otherwise goes into /etc/containerd/conf.d.
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "the image kubeadm names"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"

[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = true'
make_2() {
asked=$(probe kubeadm_images | grep '/pause:') || { echo 'kubeadm does not say which image holds pods open'; exit 1; }
mkdir -p /etc/containerd
umask 077
sed s#'the image kubeadm names'#"$asked"# >/etc/containerd/.config.toml.landfall <<'END'
# Written by Landfall: containerd as kubelet expects it. What is to be otherwise goes into /etc/containerd/conf.d.
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "the image kubeadm names"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"

[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = true
END
chmod 0644 /etc/containerd/.config.toml.landfall
chown root:root /etc/containerd/.config.toml.landfall
sync /etc/containerd/.config.toml.landfall
mv -fT /etc/containerd/.config.toml.landfall /etc/containerd/config.toml
}

# ── 3 runtime/containerd-last-word: See that no other file of containerd says otherwise
# Files in /etc/containerd/conf.d are read after ours, and the last one holds. One that a tool for GPUs or for sandboxes has left there can switch the cgroups or the pause image back without anybody being told.
read_3() {
asked=$(probe kubeadm_images | grep '/pause:')
if ! dump=$(containerd config dump 2>&1); then printf '%s\n' "$dump" | tail -n 2
else printf '%s\n' "$dump" | tr '"' "'" | awk -v asked="$asked" -v certs=/etc/containerd/certs.d -v q="'" '
  { line = $0; sub(/^[ \t]+/, "", line); value = line; sub(/^[^=]*= */, "", value); plain = value; gsub(q, "", plain) }
  line ~ /^\[/ { table = line; next }
  line ~ /^disabled_plugins *=/ && value ~ /cri/ { print "switched off: " value; bad = 1 }
  line ~ /^SystemdCgroup *=/ && table ~ /runtimes[.]runc[.]options\]/ { cgroup = value }
  line ~ /^sandbox(_image)? *=/ && table ~ /(pinned_images|[.]cri.)\]/ { pause = plain }
  line ~ /^config_path *=/ && table ~ /cri[^]]*registry\]/ { path = plain }
  END {
    if (cgroup != "true") { print "SystemdCgroup = " (cgroup == "" ? "not said" : cgroup); bad = 1 }
    if (pause != asked) { print "pods are held open by " pause; bad = 1 }
    if (path != certs) { print "mirrors are looked for in " path; bad = 1 }
    if (!bad) print "as it is written"
  }'; fi
}
want_3='as it is written'

# ── 4 runtime/crictl: Tell crictl where containerd listens
# crictl shows what really runs on the node when Kubernetes itself does not answer. Without this it tries one socket after the other and fails slowly.
read_4() {
sed -n 's/^runtime-endpoint: *//p' /etc/crictl.yaml 2>/dev/null | tr -d '"' | grep . || echo 'not set'
}
want_4=unix:///run/containerd/containerd.sock
make_4() {
mkdir -p /etc
{ grep -v -e '^runtime-endpoint:' /etc/crictl.yaml 2>/dev/null || :; printf '%s\n' 'runtime-endpoint: unix:///run/containerd/containerd.sock'; } >/etc/.crictl.yaml.landfall
sync /etc/.crictl.yaml.landfall
mv -fT /etc/.crictl.yaml.landfall /etc/crictl.yaml
}

# ── 5 runtime/containerd: Run containerd, now and after every boot
# The package starts containerd with the file it brings, which serves Docker and not kubelet. What was written to its files since is only paper until it is started again; containers go on meanwhile.
read_5() {
state=$(systemctl show -p ActiveState,UnitFileState containerd | sort)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc containerd)
newer=$({ find /etc/containerd/config.toml /etc/containerd/conf.d /etc/systemd/system/containerd.service.d -type f -newermt "$started"; find /usr/bin/containerd -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
case $state in *ActiveState=active*) [ -S /run/containerd/containerd.sock ] || echo 'its socket /run/containerd/containerd.sock is gone' ;; esac
}
want_5='ActiveState=active
UnitFileState=enabled
started after its files were written'
make_5() {
systemctl enable containerd
systemctl restart containerd
}

# ── 6 runtime/answers: Hear containerd answer
# kubelet and kubeadm speak with the runtime through its socket. A unit that runs is not yet a runtime that answers. That it calls its network not ready is right: the network plugin comes into the cluster, so there must be a cluster first.
read_6() {
said=$(timeout 10 crictl info -o go-template --template '{{range .status.conditions}}{{.type}} {{.status}}{{"\n"}}{{end}}') || :
printf '%s\n' "$said" | grep '^RuntimeReady ' || echo 'no answer'
}
want_6='RuntimeReady true'

# ── 7 runtime/kubelet-enabled: Start kubelet at every boot
# kubelet runs the control plane itself, as pods of its own; after a reboot everything waits for it. kubeadm starts it, but a boot must, too. Until then it stops and starts again every ten seconds, which is as it should be: it has no configuration yet.
read_7() {
systemctl is-enabled kubelet 2>/dev/null | grep . || echo 'not there'
}
want_7=enabled
make_7() {
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
say landfall 1 7
step 1 make 0
step 2 make 0
step 3 check 0
step 4 make 0
step 5 make 30
step 6 check 30
step 7 make 0
say end
}
main
