#!/bin/sh
# harbour · cp-0 · Bring the system up to date

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
  for path in /etc/hosts /etc/hostname /etc/fstab /etc/cloud/cloud.cfg.d/99-zz-landfall.cfg /etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg /etc/default/grub.d/99-zz-landfall.cfg /etc/chrony/chrony.conf /etc/chrony/sources.d/landfall.sources /etc/systemd/journald.conf.d/99-zz-landfall.conf /etc/bash.bashrc /etc/systemd/system/apt-.service.d/landfall.conf /etc/apt/apt.conf.d/zz-landfall /etc/needrestart/conf.d/zz-landfall.conf /etc/apt/sources.list.d/landfall-backports.list /usr/local/share/bash-completion/completions/kubectl /usr/local/share/bash-completion/completions/kubeadm /usr/local/share/bash-completion/completions/crictl /etc/ssh/sshd_config.d/00-landfall-port.conf /etc/ssh/sshd_config.d/00-landfall-root.conf /etc/ssh/sshd_config.d/00-landfall-passwords.conf /etc/systemd/system/ssh.socket.d/zz-landfall-port.conf /etc/modules-load.d/landfall.conf /etc/sysctl.d/99-zz-landfall.conf /etc/apt/keyrings/kubernetes.asc /etc/apt/sources.list.d/kubernetes.list /etc/apt/keyrings/cri-o.asc /etc/apt/sources.list.d/cri-o.list /etc/apt/keyrings/docker.asc /etc/apt/sources.list.d/docker.list /etc/crictl.yaml /etc/crio/crio.conf.d/20-landfall.conf /etc/containerd/config.toml /etc/kubernetes/landfall/cluster /etc/kubernetes/landfall/kubeadm.yaml /etc/kubernetes/landfall/cilium-values.yaml /etc/kubernetes/landfall/kube-system-uid /etc/kubernetes/landfall/initialised; do
    # What an earlier part of the list has written is no state of before.
    if [ -e "$path" ] && ! head -n 1 "$path" | grep -q '^[#/]* Written by Landfall'; then
      mkdir -p /var/lib/landfall/.before"$(dirname "$path")"
      cp -a "$path" /var/lib/landfall/.before"$path"
    fi
  done
  for path in /etc/cni /etc/containerd /etc/crio /etc/containers /etc/kubernetes /opt/cni /opt/containerd /root/.kube /run/containerd /run/crio /run/calico /run/cilium /run/containers /run/crun /run/flannel /run/landfall-kubectl /run/nodeagent /run/nri /run/runc /run/xtables.lock /usr/libexec/crio /usr/libexec/kubernetes /var/lib/calico /var/lib/cilium /var/lib/cni /var/lib/containerd /var/lib/containers /var/lib/crio /var/lib/etcd /var/lib/kubelet /var/log/calico /var/log/containers /var/log/crio /var/log/pods /var/run/kubernetes; do if [ -e "$path" ]; then echo "$path"; fi; done >/var/lib/landfall/.before/folders
  dpkg-query -W -f '${Package}\n' | sort -u >/var/lib/landfall/.before/packages
  cut -d ' ' -f 1 /proc/modules 2>/dev/null | sort >/var/lib/landfall/.before/modules
  hostname >/var/lib/landfall/.before/hostname
  sysctl -e net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.default.disable_ipv6 fs.inotify.max_user_instances fs.inotify.max_user_watches vm.max_map_count vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_tcp_timeout_close_wait net.netfilter.nf_conntrack_tcp_timeout_established >/var/lib/landfall/.before/sysctls 2>/dev/null || :
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

# ── 4 trust/authorities: Lay the certificates of your authorities down
# A registry, a mirror or a proxy of your own shows a certificate that no authority of the distribution has signed. Each of yours is a file here, and whatever else lies in this folder is taken away: who is taken off the list is trusted no longer.
read_4() {
for path in /usr/local/share/ca-certificates/landfall/*; do
  if [ -e "$path" ]; then echo "${path##*/} $(stat -c '%04a %U:%G' "$path") $(sha256sum <"$path" | cut -c 1-64)"; fi
done | grep . || echo none
}
want_4='corporate-root-1a2b3c4d.crt 0644 root:root cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc'
make_4() {
rm -rf /usr/local/share/ca-certificates/landfall.new
mkdir -p /usr/local/share/ca-certificates/landfall.new
:
printf '%s' 'the certificate
' >/usr/local/share/ca-certificates/landfall.new/corporate-root-1a2b3c4d.crt
find /usr/local/share/ca-certificates/landfall.new -type f -exec sync {} +
rm -rf /usr/local/share/ca-certificates/landfall
mv -T /usr/local/share/ca-certificates/landfall.new /usr/local/share/ca-certificates/landfall
}

# ── 5 trust/known: Have every program trust them
# Programs do not read those files but one list made of them and of what the distribution brings. A file that is not in it is only paper, and one that is gone is trusted as long as it is.
read_5() {
certs() { awk '/-BEGIN CERT/ { one = ""; next } /-END CERT/ { print one; next } { one = one $0 }' "$@" 2>/dev/null; }
all=$(certs /etc/ssl/certs/ca-certificates.crt)
{
  for path in /usr/local/share/ca-certificates/landfall/*.crt; do
    [ -e "$path" ] || continue
    printf '%s\n' "$all" | grep -qxF -e "$(certs "$path")" || echo "${path##*/} is not in the list"
  done
  find /etc/ssl/certs -xtype l -lname '/usr/local/share/ca-certificates/landfall/*' -printf '%l is trusted and gone\n'
} | grep . || echo 'all known'
}
want_5='all known'
make_5() {
update-ca-certificates --fresh >/dev/null
}

# ── 6 proxy/apt: Have apt go through the proxy
# Where the hosts reach the outside by a proxy alone, no package comes to them without. apt has a setting of its own: what stands in the environment of a login does not reach what runs at night.
read_6() {
{ stat -c '%04a %U:%G' /etc/apt/apt.conf.d/zz-landfall-proxy && cat /etc/apt/apt.conf.d/zz-landfall-proxy; } 2>/dev/null || echo absent
}
want_6='0644 root:root
// Written by Landfall: how apt reaches the outside.
Acquire::http::Proxy "http://proxy.example.com:3128";
Acquire::http::Proxy::mirror.example.com "DIRECT";
Acquire::https::Proxy "http://proxy.example.com:3128";
Acquire::https::Proxy::mirror.example.com "DIRECT";'
make_6() {
mkdir -p /etc/apt/apt.conf.d
umask 077
cat >/etc/apt/apt.conf.d/.zz-landfall-proxy.landfall <<'END'
// Written by Landfall: how apt reaches the outside.
Acquire::http::Proxy "http://proxy.example.com:3128";
Acquire::http::Proxy::mirror.example.com "DIRECT";
Acquire::https::Proxy "http://proxy.example.com:3128";
Acquire::https::Proxy::mirror.example.com "DIRECT";
END
chmod 0644 /etc/apt/apt.conf.d/.zz-landfall-proxy.landfall
chown root:root /etc/apt/apt.conf.d/.zz-landfall-proxy.landfall
sync /etc/apt/apt.conf.d/.zz-landfall-proxy.landfall
mv -fT /etc/apt/apt.conf.d/.zz-landfall-proxy.landfall /etc/apt/apt.conf.d/zz-landfall-proxy
}

# ── 7 updates/aside: Have apt’s daily work stand aside for Landfall
# Twice a day, and soon after a boot, apt works by itself and holds the packages while it does. In the middle of an installation that is a failure; after it, it can wait for the next time.
read_7() {
{ stat -c '%04a %U:%G' /etc/systemd/system/apt-.service.d/landfall.conf && cat /etc/systemd/system/apt-.service.d/landfall.conf; } 2>/dev/null || echo absent
for unit in apt-daily.service apt-daily-upgrade.service; do
  case " $(systemctl show -p DropInPaths --value "$unit" 2>/dev/null) " in *' '/etc/systemd/system/apt-.service.d/landfall.conf' '*) ;; *) echo "$unit has not heard of it" ;; esac
done
}
want_7='0644 root:root
# Written by Landfall: apt'\''s daily work stands aside while Landfall works on this host, and is done the next time.
[Service]
ExecCondition=/bin/sh -c '\''if [ -e /run/landfall/holder ]; then { read -r run; read -r pid; } </run/landfall/holder; ! kill -0 "$$pid" 2>/dev/null || exit 1; fi; [ ! -e /run/landfall/work ] || flock -n /run/landfall/work true'\'''
make_7() {
mkdir -p /etc/systemd/system/apt-.service.d
umask 077
cat >/etc/systemd/system/apt-.service.d/.landfall.conf.landfall <<'END'
# Written by Landfall: apt's daily work stands aside while Landfall works on this host, and is done the next time.
[Service]
ExecCondition=/bin/sh -c 'if [ -e /run/landfall/holder ]; then { read -r run; read -r pid; } </run/landfall/holder; ! kill -0 "$$pid" 2>/dev/null || exit 1; fi; [ ! -e /run/landfall/work ] || flock -n /run/landfall/work true'
END
chmod 0644 /etc/systemd/system/apt-.service.d/.landfall.conf.landfall
chown root:root /etc/systemd/system/apt-.service.d/.landfall.conf.landfall
sync /etc/systemd/system/apt-.service.d/.landfall.conf.landfall
mv -fT /etc/systemd/system/apt-.service.d/.landfall.conf.landfall /etc/systemd/system/apt-.service.d/landfall.conf
systemctl daemon-reload
}

# ── 8 system/purged: Remove what a node has no use for
# Each service is something to attack and something to patch, and multipathd takes hold of the very disks that storage for pods wants. What is in use here, or what another package needs, stays; what came only for those that go, goes with them.
read_8() {
found=$(dpkg-query -W -f '${db:Status-Status}\t${Section}\t${Package}\t${Pre-Depends}, ${Depends}\n' | awk -F '\t' -v list='multipath-tools packagekit polkitd udisks2' \
  -v disks="$(grep -ls '^mpath-' /sys/block/dm-*/dm/uuid)" '
  BEGIN { n = split(list, names, " "); for (i = 1; i <= n; i++) goes[names[i]] = 1 }
  $1 == "installed" { has[$3] = $4; meta[$3] = $2 ~ /metapackages$/ }
  function needs(p, d, i, m, part) {
    m = split(has[p], part, /[,|] */)
    for (i = 1; i <= m; i++) { d = part[i]; sub(/[ :(].*/, "", d); if (d in goes && d in has && !(d in stays) && d != p) return d }
    return ""
  }
  END {
    do { more = 0; for (p in has) if (meta[p] && !(p in goes) && needs(p) != "") { goes[p] = 1; more = 1 } } while (more)
    if (disks != "") stays["multipath-tools"] = 1
    do {
      more = 0
      for (p in has) if (!(p in goes) || p in stays) while ((d = needs(p)) != "") { stays[d] = 1; more = 1 }
    } while (more)
    for (p in has) if (p in goes && !(p in stays) && (!meta[p] || needs(p) != "")) print p
  }' | sort)
if [ -n "$found" ]; then echo "$found"
elif [ -e /var/lib/landfall/purged/spare ]; then echo 'what came only for them'
else echo none; fi
}
want_8=none
make_8() {
found=$(dpkg-query -W -f '${db:Status-Status}\t${Section}\t${Package}\t${Pre-Depends}, ${Depends}\n' | awk -F '\t' -v list='multipath-tools packagekit polkitd udisks2' \
  -v disks="$(grep -ls '^mpath-' /sys/block/dm-*/dm/uuid)" '
  BEGIN { n = split(list, names, " "); for (i = 1; i <= n; i++) goes[names[i]] = 1 }
  $1 == "installed" { has[$3] = $4; meta[$3] = $2 ~ /metapackages$/ }
  function needs(p, d, i, m, part) {
    m = split(has[p], part, /[,|] */)
    for (i = 1; i <= m; i++) { d = part[i]; sub(/[ :(].*/, "", d); if (d in goes && d in has && !(d in stays) && d != p) return d }
    return ""
  }
  END {
    do { more = 0; for (p in has) if (meta[p] && !(p in goes) && needs(p) != "") { goes[p] = 1; more = 1 } } while (more)
    if (disks != "") stays["multipath-tools"] = 1
    do {
      more = 0
      for (p in has) if (!(p in goes) || p in stays) while ((d = needs(p)) != "") { stays[d] = 1; more = 1 }
    } while (more)
    for (p in has) if (p in goes && !(p in stays) && (!meta[p] || needs(p) != "")) print p
  }' | sort)
mkdir -p /var/lib/landfall/purged
if ! [ -e /var/lib/landfall/purged/spare ]; then
  apt-mark showauto >/var/lib/landfall/purged/auto
  apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort >/var/lib/landfall/purged/.spare.landfall
  sync /var/lib/landfall/purged/.spare.landfall
mv -fT /var/lib/landfall/purged/.spare.landfall /var/lib/landfall/purged/spare
fi
# Noted before they go: their names, and their configuration as it is.
note() {
  printf '%s\n' "$@" >>/var/lib/landfall/purged/packages
  conffiles=$(dpkg-query -W -f '${Conffiles}\n' "$@" | awk '$1 ~ /^\// { print substr($1, 2) }')
  for path in $conffiles etc/multipath.conf etc/multipath etc/polkit-1 etc/udisks2; do
    if [ -e "/$path" ]; then tar -C / --append -f /var/lib/landfall/purged/files.tar "$path"; fi
  done
  sync /var/lib/landfall/purged/packages
}
if [ -n "$found" ]; then
  note $found
  tries=0 said="${tmp:-/run}/said"
until dpkg --purge $found 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said"
fi
rest=$(apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort | grep -vxFf /var/lib/landfall/purged/spare) || :
if [ -n "$rest" ]; then
  note $rest
  tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold purge $rest 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said"
fi
rm /var/lib/landfall/purged/spare
}

# ── 9 system/upgraded: Upgrade all packages, once
# The image of a server is weeks or years old, and so are the holes in it. They are mended while nothing runs here yet that a restart could disturb. Packages that are held stay where they are, and configuration files keep what was written into them.
read_9() {
at=$(cat /var/lib/landfall/upgraded 2>/dev/null)
case $at in
  '' | *[!0-9]*) echo "not yet; packages that wait, as far as apt has heard: $(apt-get -s upgrade --with-new-pkgs 2>/dev/null | sed -n 's/^Inst \([^ ]*\).* (\([^ ]*\) .*/\1 \2/p' | grep -c .)" ;;
  *) if :; then echo upgraded; else echo "last on $(date -u -d "@$at" +%F)"; fi ;;
esac
}
want_9=upgraded
make_9() {
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
tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold upgrade --with-new-pkgs 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said"
left=$(apt-get -s upgrade --with-new-pkgs 2>/dev/null | sed -n 's/^Inst \([^ ]*\).* (\([^ ]*\) .*/\1 \2/p')
if [ -n "$left" ]; then echo 'still to be upgraded:'; echo "$left"; exit 1; fi
date +%s >/var/lib/landfall/.upgraded.landfall
sync /var/lib/landfall/.upgraded.landfall
mv -fT /var/lib/landfall/.upgraded.landfall /var/lib/landfall/upgraded
}

# ── 10 updates/settings: Let only security updates in, and never touch Kubernetes
# An upgrade at night that moves kubelet or the runtime, or reboots the host, does so on all nodes in the same hour. What Landfall installs is named here besides being held, and the host is never rebooted.
read_10() {
{ stat -c '%04a %U:%G' /etc/apt/apt.conf.d/zz-landfall && cat /etc/apt/apt.conf.d/zz-landfall; } 2>/dev/null || echo absent
apt-config dump --no-empty --format %f=%v%n APT::Periodic::Enable APT::Periodic::Unattended-Upgrade \
  Unattended-Upgrade::Automatic-Reboot Unattended-Upgrade::Allowed-Origins Unattended-Upgrade::Origins-Pattern
}
want_10='0644 root:root
// Written by Landfall.
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "false";
#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern { "origin=Debian,codename=${distro_codename}-security,label=Debian-Security"; };
Unattended-Upgrade::Package-Blacklist { "containerd.io$"; "cri-o$"; "cri-tools$"; "kubeadm$"; "kubectl$"; "kubelet$"; "kubernetes-cni$"; };
APT::Periodic::Enable=1
APT::Periodic::Unattended-Upgrade=1
Unattended-Upgrade::Automatic-Reboot=false
Unattended-Upgrade::Origins-Pattern::=origin=Debian,codename=${distro_codename}-security,label=Debian-Security'
make_10() {
mkdir -p /etc/apt/apt.conf.d
umask 077
cat >/etc/apt/apt.conf.d/.zz-landfall.landfall <<'END'
// Written by Landfall.
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "false";
#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern { "origin=Debian,codename=${distro_codename}-security,label=Debian-Security"; };
Unattended-Upgrade::Package-Blacklist { "containerd.io$"; "cri-o$"; "cri-tools$"; "kubeadm$"; "kubectl$"; "kubelet$"; "kubernetes-cni$"; };
END
chmod 0644 /etc/apt/apt.conf.d/.zz-landfall.landfall
chown root:root /etc/apt/apt.conf.d/.zz-landfall.landfall
sync /etc/apt/apt.conf.d/.zz-landfall.landfall
mv -fT /etc/apt/apt.conf.d/.zz-landfall.landfall /etc/apt/apt.conf.d/zz-landfall
}

# ── 11 updates/needrestart: Keep needrestart from restarting anything
# Where it is installed, as on Ubuntu, it follows each installation and restarts what uses old libraries: kubelet, the runtime, the network under the pods. Now it only tells. The file does no harm where there is no needrestart, and is there when it comes.
read_11() {
{ stat -c '%04a %U:%G' /etc/needrestart/conf.d/zz-landfall.conf && cat /etc/needrestart/conf.d/zz-landfall.conf; } 2>/dev/null || echo absent
}
want_11='0644 root:root
# Written by Landfall: tell, ask nobody, restart nothing; these never, also when asked to restart all.
$nrconf{restart} = '\''l'\'';
$nrconf{kernelhints} = -1;
$nrconf{ucodehints} = 0;
$nrconf{override_rc}->{qr(^(kubelet|crio|containerd)\b)} = 0;'
make_11() {
mkdir -p /etc/needrestart/conf.d
umask 077
cat >/etc/needrestart/conf.d/.zz-landfall.conf.landfall <<'END'
# Written by Landfall: tell, ask nobody, restart nothing; these never, also when asked to restart all.
$nrconf{restart} = 'l';
$nrconf{kernelhints} = -1;
$nrconf{ucodehints} = 0;
$nrconf{override_rc}->{qr(^(kubelet|crio|containerd)\b)} = 0;
END
chmod 0644 /etc/needrestart/conf.d/.zz-landfall.conf.landfall
chown root:root /etc/needrestart/conf.d/.zz-landfall.conf.landfall
sync /etc/needrestart/conf.d/.zz-landfall.conf.landfall
mv -fT /etc/needrestart/conf.d/.zz-landfall.conf.landfall /etc/needrestart/conf.d/zz-landfall.conf
}

# ── 12 completion/package: Have bash complete words
# Names of units, pods and files are long. Whoever looks for a fault on a node types them at the worst of times.
read_12() {
case $(dpkg-query -W -f '${db:Status-Status}' bash-completion 2>/dev/null) in installed) echo installed ;; *) echo 'not installed' ;; esac
}
want_12=installed
make_12() {
( tries=0 said="${tmp:-/run}/said"
until apt-get -q update -o Acquire::Retries=3 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said" ) || echo 'not all repositories could be asked; what the others have is installed'
tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages bash-completion 2>"$said"; do
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

# ── 13 completion/enabled: Complete words in every shell
# The package is there on most servers and does nothing in a shell that is not a login: the lines that load it are commented out in /etc/bash.bashrc.
read_13() {
bash --norc -c 'PS1=x; . /etc/bash.bashrc; complete -p -D' 2>/dev/null </dev/null | grep -q . && echo enabled || echo 'not enabled'
}
want_13=enabled
make_13() {
mkdir -p /etc
{ grep -v -e '# kept by Landfall$' /etc/bash.bashrc 2>/dev/null || :; printf '%s\n' 'shopt -oq posix || ! [ -r /usr/share/bash-completion/bash_completion ] || . /usr/share/bash-completion/bash_completion # kept by Landfall'; } >/etc/.bash.bashrc.landfall
sync /etc/.bash.bashrc.landfall
mv -fT /etc/.bash.bashrc.landfall /etc/bash.bashrc
}

# ── 14 completion/kubectl: Complete the words of kubectl
# kubectl knows its own words, and prints how bash is to complete them. It is asked when they are first wanted in a shell, so that they are always those of the version that is installed.
read_14() {
{ stat -c '%04a %U:%G' /usr/local/share/bash-completion/completions/kubectl && cat /usr/local/share/bash-completion/completions/kubectl; } 2>/dev/null || echo absent
}
want_14='0644 root:root
# Written by Landfall.
. <(kubectl completion bash 2>/dev/null)'
make_14() {
mkdir -p /usr/local/share/bash-completion/completions
umask 077
cat >/usr/local/share/bash-completion/completions/.kubectl.landfall <<'END'
# Written by Landfall.
. <(kubectl completion bash 2>/dev/null)
END
chmod 0644 /usr/local/share/bash-completion/completions/.kubectl.landfall
chown root:root /usr/local/share/bash-completion/completions/.kubectl.landfall
sync /usr/local/share/bash-completion/completions/.kubectl.landfall
mv -fT /usr/local/share/bash-completion/completions/.kubectl.landfall /usr/local/share/bash-completion/completions/kubectl
}

# ── 15 completion/kubeadm: Complete the words of kubeadm
# kubeadm knows its own words, and prints how bash is to complete them. It is asked when they are first wanted in a shell, so that they are always those of the version that is installed.
read_15() {
{ stat -c '%04a %U:%G' /usr/local/share/bash-completion/completions/kubeadm && cat /usr/local/share/bash-completion/completions/kubeadm; } 2>/dev/null || echo absent
}
want_15='0644 root:root
# Written by Landfall.
. <(kubeadm completion bash 2>/dev/null)'
make_15() {
mkdir -p /usr/local/share/bash-completion/completions
umask 077
cat >/usr/local/share/bash-completion/completions/.kubeadm.landfall <<'END'
# Written by Landfall.
. <(kubeadm completion bash 2>/dev/null)
END
chmod 0644 /usr/local/share/bash-completion/completions/.kubeadm.landfall
chown root:root /usr/local/share/bash-completion/completions/.kubeadm.landfall
sync /usr/local/share/bash-completion/completions/.kubeadm.landfall
mv -fT /usr/local/share/bash-completion/completions/.kubeadm.landfall /usr/local/share/bash-completion/completions/kubeadm
}

# ── 16 completion/crictl: Complete the words of crictl
# crictl knows its own words, and prints how bash is to complete them. It is asked when they are first wanted in a shell, so that they are always those of the version that is installed.
read_16() {
{ stat -c '%04a %U:%G' /usr/local/share/bash-completion/completions/crictl && cat /usr/local/share/bash-completion/completions/crictl; } 2>/dev/null || echo absent
}
want_16='0644 root:root
# Written by Landfall.
. <(crictl completion bash 2>/dev/null)'
make_16() {
mkdir -p /usr/local/share/bash-completion/completions
umask 077
cat >/usr/local/share/bash-completion/completions/.crictl.landfall <<'END'
# Written by Landfall.
. <(crictl completion bash 2>/dev/null)
END
chmod 0644 /usr/local/share/bash-completion/completions/.crictl.landfall
chown root:root /usr/local/share/bash-completion/completions/.crictl.landfall
sync /usr/local/share/bash-completion/completions/.crictl.landfall
mv -fT /usr/local/share/bash-completion/completions/.crictl.landfall /usr/local/share/bash-completion/completions/crictl
}

# ── 17 system/rebooted: Reboot before joining when updates wait for it
# A new kernel, or a new C library under programs that run, mends nothing until the next boot; and what does not survive a boot is better found out now than in the night it comes by itself.
read_17() {
waits=$(if [ -e /etc/kubernetes/kubelet.conf ] || [ -e /etc/kubernetes/landfall/initialised ]; then :; else
  if [ -e /run/reboot-required ]; then
  echo "asked for by $(sort -u /run/reboot-required.pkgs 2>/dev/null | paste -sd ' ' | grep . || echo 'a package')"
fi
running=$(uname -r)
flavour=$(echo "$running" | sed 's/^[0-9][0-9.]*\(+[a-z0-9]*\)\{0,1\}\(-[0-9][0-9]*\)\{0,1\}-//')
newest=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' 'linux-image-[0-9]*' 'linux-image-unsigned-[0-9]*' 2>/dev/null |
  sed -n 's/^installed linux-image-\(unsigned-\)\{0,1\}//p' |
  awk -v end="-$flavour" 'substr($1, length($1) - length(end) + 1) == end && $1 ~ /^[0-9][0-9.]*([+][a-z0-9]*)?(-[0-9]+)?-/ {
    rest = $1; sub(/^[0-9][0-9.]*([+][a-z0-9]*)?(-[0-9]+)?/, "", rest); if (rest == end) print }' |
  sort -V | tail -n 1)
if [ -n "$newest" ]; then
  if [ "${newest% *}" != "$running" ]; then echo "$running runs, ${newest% *} is installed"
  else
    built=$(uname -v | sed -n 's/.* Debian \([^ ]*\) .*/\1/p')
    if [ -n "$built" ] && [ "$built" != "${newest#* }" ]; then echo "$running $built runs, ${newest#* } is installed"; fi
  fi
elif command -v needrestart >/dev/null 2>&1; then
  case $(needrestart -b -k 2>/dev/null | sed -n 's/^NEEDRESTART-KSTA: //p') in [23]) echo 'needrestart says that another kernel is installed' ;; esac
fi
fi)
if [ -n "$waits" ]; then echo "$waits"; else echo 'nothing waits for a reboot, or it is a member'; fi
}
want_17='nothing waits for a reboot, or it is a member'
make_17() {
waits=$({ if [ -e /run/reboot-required ]; then
  echo "asked for by $(sort -u /run/reboot-required.pkgs 2>/dev/null | paste -sd ' ' | grep . || echo 'a package')"
fi
running=$(uname -r)
flavour=$(echo "$running" | sed 's/^[0-9][0-9.]*\(+[a-z0-9]*\)\{0,1\}\(-[0-9][0-9]*\)\{0,1\}-//')
newest=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' 'linux-image-[0-9]*' 'linux-image-unsigned-[0-9]*' 2>/dev/null |
  sed -n 's/^installed linux-image-\(unsigned-\)\{0,1\}//p' |
  awk -v end="-$flavour" 'substr($1, length($1) - length(end) + 1) == end && $1 ~ /^[0-9][0-9.]*([+][a-z0-9]*)?(-[0-9]+)?-/ {
    rest = $1; sub(/^[0-9][0-9.]*([+][a-z0-9]*)?(-[0-9]+)?/, "", rest); if (rest == end) print }' |
  sort -V | tail -n 1)
if [ -n "$newest" ]; then
  if [ "${newest% *}" != "$running" ]; then echo "$running runs, ${newest% *} is installed"
  else
    built=$(uname -v | sed -n 's/.* Debian \([^ ]*\) .*/\1/p')
    if [ -n "$built" ] && [ "$built" != "${newest#* }" ]; then echo "$running $built runs, ${newest#* } is installed"; fi
  fi
elif command -v needrestart >/dev/null 2>&1; then
  case $(needrestart -b -k 2>/dev/null | sed -n 's/^NEEDRESTART-KSTA: //p') in [23]) echo 'needrestart says that another kernel is installed' ;; esac
fi
} | paste -sd ';')
now=$(date +%s); boot=$(cat /proc/sys/kernel/random/boot_id)
if { read -r at; read -r in; read -r why; } </var/lib/landfall/rebooted 2>/dev/null &&
  [ "$why" = "$waits" ] && [ "$in" != "$boot" ] && [ $((now - at)) -lt 1800 ]; then
  rm /var/lib/landfall/rebooted
  echo "rebooted a moment ago, and still: $waits"
  exit 1
fi
printf '%s\n' "$now" "$boot" "$waits" >/var/lib/landfall/.rebooted.landfall
sync /var/lib/landfall/.rebooted.landfall
mv -fT /var/lib/landfall/.rebooted.landfall /var/lib/landfall/rebooted
echo "rebooting: $waits"
systemctl reboot
# The shutdown ends this script; the run waits for the host and begins the phase again.
sleep 600
echo 'the host has not gone down within ten minutes'
exit 1
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
given=/run/landfall/runs/RUN/system/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/system/stop; stop=${stop:-$tmp/stop}
say landfall 1 17
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 0
step 7 make 0
step 8 make 0
step 9 make 0
step 10 make 0
step 11 make 0
step 12 make 0
step 13 make 0
step 14 make 0
step 15 make 0
step 16 make 0
step 17 make 0
say end
}
main
