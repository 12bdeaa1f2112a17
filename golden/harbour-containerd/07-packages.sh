#!/bin/sh
# harbour · cp-0 · Install the packages

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

probe_packages() {
dpkg-query -W -f '${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\n' containerd.io cri-tools kubeadm kubectl kubelet kubernetes-cni nftables 2>/dev/null
}

# ── 1 packages/kubernetes-key: Trust the key of the Kubernetes repository
# apt installs what this key has signed, as root. The key is fetched once and its fingerprint kept in landfall.lock; another key, on another day or another host, is refused.
read_1() {
if [ -e /etc/apt/keyrings/kubernetes.asc ]; then stat -c '%04a %U:%G' /etc/apt/keyrings/kubernetes.asc; sha256sum </etc/apt/keyrings/kubernetes.asc | cut -c 1-64; else echo absent; fi
}
want_1='0644 root:root
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
make_1() {
mkdir -p /etc/apt/keyrings
timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 download-file https://pkgs.k8s.io/core:/stable:/v1.36/deb/Release.key /etc/apt/keyrings/.kubernetes.asc.landfall
sum=$(sha256sum </etc/apt/keyrings/.kubernetes.asc.landfall | cut -c 1-64)
if [ "$sum" != aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ]; then echo "the key fetched has the SHA-256 $sum, accepted was "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; exit 1; fi
chmod 0644 /etc/apt/keyrings/.kubernetes.asc.landfall
sync /etc/apt/keyrings/.kubernetes.asc.landfall
mv -fT /etc/apt/keyrings/.kubernetes.asc.landfall /etc/apt/keyrings/kubernetes.asc
}

# ── 2 packages/kubernetes-list: Tell apt of the Kubernetes repository
# The distribution's own packages of Kubernetes are old or missing. There is one repository for each minor version, so that nothing moves to the next minor by itself.
read_2() {
{ stat -c '%04a %U:%G' /etc/apt/sources.list.d/kubernetes.list && cat /etc/apt/sources.list.d/kubernetes.list; } 2>/dev/null || echo absent
}
want_2='0644 root:root
deb [signed-by=/etc/apt/keyrings/kubernetes.asc] https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /'
make_2() {
mkdir -p /etc/apt/sources.list.d
umask 077
cat >/etc/apt/sources.list.d/.kubernetes.list.landfall <<'END'
deb [signed-by=/etc/apt/keyrings/kubernetes.asc] https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /
END
chmod 0644 /etc/apt/sources.list.d/.kubernetes.list.landfall
chown root:root /etc/apt/sources.list.d/.kubernetes.list.landfall
sync /etc/apt/sources.list.d/.kubernetes.list.landfall
mv -fT /etc/apt/sources.list.d/.kubernetes.list.landfall /etc/apt/sources.list.d/kubernetes.list
}

# ── 3 packages/docker-key: Trust the key of the Docker repository
# apt installs what this key has signed, as root. The key is fetched once and its fingerprint kept in landfall.lock; another key, on another day or another host, is refused.
read_3() {
if [ -e /etc/apt/keyrings/docker.asc ]; then stat -c '%04a %U:%G' /etc/apt/keyrings/docker.asc; sha256sum </etc/apt/keyrings/docker.asc | cut -c 1-64; else echo absent; fi
}
want_3='0644 root:root
dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd'
make_3() {
mkdir -p /etc/apt/keyrings
timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 download-file https://download.docker.com/linux/debian/gpg /etc/apt/keyrings/.docker.asc.landfall
sum=$(sha256sum </etc/apt/keyrings/.docker.asc.landfall | cut -c 1-64)
if [ "$sum" != dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd ]; then echo "the key fetched has the SHA-256 $sum, accepted was "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd; exit 1; fi
chmod 0644 /etc/apt/keyrings/.docker.asc.landfall
sync /etc/apt/keyrings/.docker.asc.landfall
mv -fT /etc/apt/keyrings/.docker.asc.landfall /etc/apt/keyrings/docker.asc
}

# ── 4 packages/docker-list: Tell apt of the Docker repository
# The distribution’s own containerd is of a series that is mended no more, and kubelet will soon refuse it. containerd’s own project publishes no packages; Docker builds them, for each release of the distribution. Nothing else of Docker is installed.
read_4() {
{ stat -c '%04a %U:%G' /etc/apt/sources.list.d/docker.list && cat /etc/apt/sources.list.d/docker.list; } 2>/dev/null || echo absent
}
want_4='0644 root:root
deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable'
make_4() {
mkdir -p /etc/apt/sources.list.d
umask 077
cat >/etc/apt/sources.list.d/.docker.list.landfall <<'END'
deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable
END
chmod 0644 /etc/apt/sources.list.d/.docker.list.landfall
chown root:root /etc/apt/sources.list.d/.docker.list.landfall
sync /etc/apt/sources.list.d/.docker.list.landfall
mv -fT /etc/apt/sources.list.d/.docker.list.landfall /etc/apt/sources.list.d/docker.list
}

# ── 5 packages/known: Let apt know the versions
# apt installs from the index it fetched last. Versions newer than that, and whole repositories, do not exist for it until it has looked again.
read_5() {
have=$(probe packages | awk '$1 == "nftables" { next } { print $1, $2, $4 }')
want='containerd.io 2.3.5-1~debian.12~bookworm installed
cri-tools 1.36.0-1.1 installed
kubeadm 1.36.3-1.1 installed
kubectl 1.36.3-1.1 installed
kubelet 1.36.3-1.1 installed
kubernetes-cni 1.9.0-1.1 installed'
if [ "$have" = "$want" ]; then echo known
else
  seen=$(apt-cache madison containerd.io cri-tools kubeadm kubectl kubelet kubernetes-cni 2>/dev/null | awk -F ' *[|] *' '{ gsub(/ /, "", $1); print $1 " " $2 }')
  missing=$(printf '%s\n' "$want" | while read -r name version _; do
    printf '%s\n' "$seen" | grep -qxF "$name $version" || echo "not known: $name $version"
  done)
  echo "$missing" | sed 's/^$/known/'
fi
}
want_5=known
make_5() {
tries=0 said="${tmp:-/run}/said"
until apt-get -q update -o Acquire::Retries=3 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said"
}

# ── 6 packages/installed: Install the packages, at exactly these versions
# kubeadm, kubelet and the API server must fit each other to the minor, and every node must be like the next. So versions are written down in landfall.lock and never left to the day of installation. nft comes with them: kube-proxy writes its rules with it, and so they can be looked at.
read_6() {
probe packages | awk '$1 == "nftables" { print $1, $4; next } { print $1, $2, $4 }'
}
want_6='containerd.io 2.3.5-1~debian.12~bookworm installed
cri-tools 1.36.0-1.1 installed
kubeadm 1.36.3-1.1 installed
kubectl 1.36.3-1.1 installed
kubelet 1.36.3-1.1 installed
kubernetes-cni 1.9.0-1.1 installed
nftables installed'
make_6() {
tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages 'containerd.io=2.3.5-1~debian.12~bookworm' cri-tools=1.36.0-1.1 kubeadm=1.36.3-1.1 kubectl=1.36.3-1.1 kubelet=1.36.3-1.1 kubernetes-cni=1.9.0-1.1 nftables 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said"
sync -f /etc
}

# ── 7 packages/hold: Keep the packages where they are
# An ordinary apt upgrade would move kubelet past the API server, or the runtime under its pods, on one node at a time and at no good moment. A held package moves only when it is told to.
read_7() {
probe packages | awk '$3 == "hold" { print $1 }'
}
want_7='containerd.io
cri-tools
kubeadm
kubectl
kubelet
kubernetes-cni'
make_7() {
apt-mark hold containerd.io cri-tools kubeadm kubectl kubelet kubernetes-cni
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
given=/run/landfall/runs/RUN/packages/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/packages/stop; stop=${stop:-$tmp/stop}
say landfall 1 7
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 0
step 7 make 0
say end
}
main
