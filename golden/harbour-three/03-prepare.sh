#!/bin/sh
# harbour · cp-0 · Prepare the host

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

probe_sysctl_files() {
/lib/systemd/systemd-sysctl --cat-config 2>/dev/null
}

# ── 1 prepare/endpoint-name: Give the API server a name
# Certificates and kubeconfigs say api.harbour.internal, not the address of a machine. So the control plane can grow, move or hide behind a load balancer later without a single one of them being made anew.
read_1() {
awk -v name=api.harbour.internal '{ sub(/#.*/, "") } { for (i = 2; i <= NF; i++) if ($i == name) { print $1, name; found = 1; break } }
  END { if (!found) print "absent" }' /etc/hosts 2>/dev/null || echo absent
}
want_1='10.0.0.10 api.harbour.internal'
make_1() {
if [ -e /etc/hosts ]; then cp -p /etc/hosts /etc/.hosts.landfall; else : >/etc/.hosts.landfall; fi
{ awk '!/ # kept by Landfall$/' /etc/hosts 2>/dev/null || :; echo '10.0.0.10 api.harbour.internal # kept by Landfall'; } >/etc/.hosts.landfall
sync /etc/.hosts.landfall
mv -fT /etc/.hosts.landfall /etc/hosts
}

# ── 2 time/installed: Have chrony keep the clock
# A clock that nothing keeps drifts by seconds a day, and certificates, tokens and the members of etcd compare clocks. chrony follows several servers at once and says how well; the simple client of systemd has been seen to stop without a word. Two of them would pull the clock back and forth, so it is the only one.
read_2() {
{
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' chrony ntp ntpsec openntpd systemd-timesyncd 2>/dev/null | sed -n 's/ installed$//p'
} | grep . || echo none
}
want_2=chrony
make_2() {
mkdir -p /var/lib/landfall
if [ ! -e /var/lib/landfall/time-service ]; then dpkg-query -W -f '${Package} ${db:Status-Status}\n' chrony ntp ntpsec openntpd systemd-timesyncd 2>/dev/null | sed -n 's/ installed$//p' >/var/lib/landfall/time-service; fi
if ! apt-cache madison chrony 2>/dev/null | grep -q .; then ( tries=0 said="${tmp:-/run}/said"
until apt-get -q update -o Acquire::Retries=3 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said" ) || echo 'not all repositories could be asked; what the others have is installed'; fi
tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages chrony 2>"$said"; do
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

# ── 3 time/sources: Follow the time servers of the distribution
# The time servers of the distribution are there for everybody who reaches the internet. Others that cluster.yaml may have named before are taken out again.
read_3() {
if [ -e /etc/chrony/sources.d/landfall.sources ] || grep -qs '^#landfall# ' /etc/chrony/chrony.conf /etc/chrony/conf.d/*.conf /etc/chrony/sources.d/*.sources; then echo 'changed by Landfall'; else echo 'as the host has it'; fi
}
want_3='as the host has it'
make_3() {
for path in /etc/chrony/chrony.conf /etc/chrony/conf.d/*.conf /etc/chrony/sources.d/*.sources; do
  if [ -e "$path" ] && [ "$path" != /etc/chrony/sources.d/landfall.sources ]; then
    if grep -qs '^#landfall# ' "$path"; then
  cp -p "$path" "$path.landfall"
sed 's/^#landfall# //' "$path" >"$path.landfall"
sync "$path.landfall"
mv -fT "$path.landfall" "$path"
fi
  fi
done
if [ -d /etc/chrony/sources.d ]; then rm -f /etc/chrony/sources.d/.landfall.sources.landfall
if [ -e /var/lib/landfall/before/etc/chrony/sources.d/landfall.sources ]; then
  cp -a /var/lib/landfall/before/etc/chrony/sources.d/landfall.sources /etc/chrony/sources.d/.landfall.sources.landfall
  sync /etc/chrony/sources.d/.landfall.sources.landfall
mv -fT /etc/chrony/sources.d/.landfall.sources.landfall /etc/chrony/sources.d/landfall.sources
else
  rm -f /etc/chrony/sources.d/landfall.sources
fi; fi
if systemctl -q is-active chrony; then systemctl restart chrony; fi
}

# ── 4 time/running: Run chrony, now and after every boot
# A clock is kept only while something keeps it: it must start with the host, and follow the servers its files name by now.
read_4() {
state=$(systemctl show -p ActiveState,UnitFileState chrony | sort)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc chrony)
newer=$({ find /etc/chrony /etc/default/chrony -type f -newermt "$started"; find /usr/sbin/chronyd -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
case $state in *ActiveState=active*) [ -S /run/chrony/chronyd.sock ] || echo 'its socket /run/chrony/chronyd.sock is gone' ;; esac
}
want_4='ActiveState=active
UnitFileState=enabled
started after its files were written'
make_4() {
mkdir -p /var/lib/landfall
if ! cut -d ' ' -f 1 /var/lib/landfall/units 2>/dev/null | grep -qxF -e chrony.service; then
  printf '%s %s %s\n' chrony.service "$(systemctl show -p UnitFileState --value chrony.service | sed 's/^$/none/')" "$(systemctl show -p ActiveState --value chrony.service)" >>/var/lib/landfall/units
  sync /var/lib/landfall/units
fi
systemctl -q unmask chrony
systemctl enable chrony
systemctl restart chrony
}

# ── 5 names/cloud-init: Keep cloud-init from naming the host anew
# On a cloud image cloud-init may write the hostname and /etc/hosts at every boot, as they were on the first day. What is set below would last until then.
read_5() {
if [ ! -e /etc/cloud/cloud.cfg ] || [ -e /etc/cloud/cloud-init.disabled ]; then echo 'keeps away'
else
  set --
  for path in /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg /var/lib/cloud/instance/vendor-cloud-config.txt /var/lib/cloud/instance/cloud-config.txt; do if [ -e "$path" ]; then set -- "$@" "$path"; fi; done
  awk -v hostname=1 -v hosts=1 '
    /^(preserve_hostname|manage_etc_hosts):/ {
      key = $1; value = tolower($2); gsub(/["\047,]/, "", value); last[key] = value; from[key] = FILENAME
    }
    END {
      if (hostname && last["preserve_hostname:"] !~ /^(true|yes|on|1)$/) { print "sets the hostname at each boot" says("preserve_hostname:"); bad = 1 }
      if (hosts && last["manage_etc_hosts:"] !~ /^(|false|no|off|0)$/) { print "writes /etc/hosts at each boot" says("manage_etc_hosts:"); bad = 1 }
      if (!bad) print "keeps away"
    }
    function says(key) { return from[key] == "" ? "" : ", says " from[key] }' "$@"
fi
}
want_5='keeps away'
make_5() {
mkdir -p /etc/cloud/cloud.cfg.d
printf '%s\n' '# Written by Landfall.' 'preserve_hostname: true' 'manage_etc_hosts: false' >/etc/cloud/cloud.cfg.d/.99-zz-landfall.cfg.landfall
sync /etc/cloud/cloud.cfg.d/.99-zz-landfall.cfg.landfall
mv -fT /etc/cloud/cloud.cfg.d/.99-zz-landfall.cfg.landfall /etc/cloud/cloud.cfg.d/99-zz-landfall.cfg
}

# ── 6 names/hosts: Let the nodes know each other by name
# A node must find its neighbours, and itself, while DNS is away or does not know them; kubeadm warns when the name of a node leads nowhere. And cp-0 must lead to the address the cluster knows, not to 127.0.1.1, where installers put it: there nobody else can follow.
read_6() {
{ cat /etc/hosts 2>/dev/null || :; } | awk -v wanted='cp-0 10.0.0.11|cp-1 10.0.0.12|cp-2 10.0.0.13|worker-0 10.0.0.21' '
  BEGIN { n = split(wanted, pairs, "|"); for (i = 1; i <= n; i++) { split(pairs[i], p, " "); order[i] = p[1]; address[p[1]] = p[2] } }
  { sub(/#.*/, "") }
  { for (i = 2; i <= NF; i++) if ($i in address && index(found[$i] " ", " " $1 " ") == 0) found[$i] = found[$i] " " $1 }
  END {
    for (i = 1; i <= n; i++) {
      to = found[order[i]]
      print order[i] (to == " " address[order[i]] ? to : to == "" ? " leads nowhere" : " leads to" to)
    }
  }'
}
want_6='cp-0 10.0.0.11
cp-1 10.0.0.12
cp-2 10.0.0.13
worker-0 10.0.0.21'
make_6() {
[ -e /etc/hosts ] || : >/etc/hosts
cp -p /etc/hosts /etc/.hosts.landfall
awk -v kept='# node kept by Landfall' -v aside='# set aside by Landfall' '
    function ends(text) { return substr($0, length($0) - length(text) + 1) == text }
    ends(kept) { next }
    ends(aside) { $0 = substr($0, 3, length($0) - length(aside) - 3) }
    { print }' /etc/hosts | awk -v wanted='cp-0 10.0.0.11|cp-1 10.0.0.12|cp-2 10.0.0.13|worker-0 10.0.0.21' -v kept='# node kept by Landfall' -v aside='# set aside by Landfall' '
  BEGIN { n = split(wanted, pairs, "|"); for (i = 1; i <= n; i++) { split(pairs[i], p, " "); order[i] = p[1]; address[p[1]] = p[2] } }
  {
    line = $0; text = $0; sub(/#.*/, "", text); fields = split(text, field, /[ \t]+/)
    first = (field[1] == "") ? 2 : 1
    mine = ""
    for (i = first + 1; i <= fields; i++) if (field[i] in address) {
      if (field[first] ~ /^(127\.|::1$)/) mine = field[i]; else if (field[first] == address[field[i]]) there[field[i]] = 1
    }
    if (mine == "") { print line; next }
    print "# " line " " aside
    rest = ""
    for (i = first + 1; i <= fields; i++) {
      if (field[i] ~ /^(localhost|ip6-)/) rest = rest " " field[i]
      else if (field[i] != "" && !(field[i] in address)) others[mine] = others[mine] field[i] " "
    }
    if (rest != "") print field[first] rest " " kept
  }
  END {
    for (i = 1; i <= n; i++) if (!(order[i] in there) || others[order[i]] != "") print address[order[i]] " " others[order[i]] order[i] " " kept
  }' >/etc/.hosts.landfall
sync /etc/.hosts.landfall
mv -fT /etc/.hosts.landfall /etc/hosts
}

# ── 7 names/hostname: Call the host cp-0
# In the cluster it goes by cp-0. Logs, metrics and the prompt speak of the hostname; two names for one machine are confused in the very hour in which it matters. A domain behind the name is left alone.
read_7() {
now=$(hostname); echo "now: ${now%%.*}"
boot=$(sed -n -e 's/^[ \t]*//' -e '/^[^#]/{p;q;}' /etc/hostname 2>/dev/null); echo "at boot: ${boot%%.*}"
}
want_7='now: cp-0
at boot: cp-0'
make_7() {
printf '%s\n' cp-0 >/etc/.hostname.landfall
sync /etc/.hostname.landfall
mv -fT /etc/.hostname.landfall /etc/hostname
hostname cp-0
}

# ── 8 swap/off: Turn swap off
# kubelet promises memory to pods and takes it away from those that use more. Swap makes both untrue, so kubelet does not start while any is on.
read_8() {
awk 'NR > 1 { print "on: " $1; on = 1 } END { if (!on) print "off" }' /proc/swaps
}
want_8=off
make_8() {
mkdir -p /var/lib/landfall
awk 'NR > 1 { print $1 }' /proc/swaps >>/var/lib/landfall/swap
swapoff -a
}

# ── 9 swap/fstab: Leave swap out of the disks that are mounted at boot
# A line in /etc/fstab turns swap on again at the next boot, and the node would not come back from it. The line is set aside, not removed.
read_9() {
{ cat /etc/fstab 2>/dev/null || :; } | awk '$1 !~ /^#/ && $3 == "swap" && $4 !~ /(^|,)noauto(,|$)/ { print "swap on " $1; on = 1 } END { if (!on) print "no swap" }'
}
want_9='no swap'
make_9() {
path=/etc/fstab
cp -p "$path" "$path.landfall"
awk -v aside='#landfall# ' '$1 !~ /^#/ && $3 == "swap" && $4 !~ /(^|,)noauto(,|$)/ { print aside $0; next } { print }' "$path" >"$path.landfall"
sync "$path.landfall"
mv -fT "$path.landfall" "$path"
systemctl daemon-reload
}

# ── 10 swap/units: Let no unit turn swap on
# Swap comes from more than /etc/fstab: systemd finds swap partitions by their type, zram makes a device of memory, and some systems have a service that makes a file. Each would be back after a boot.
read_10() {
systemctl list-unit-files '*.swap' dphys-swapfile.service zramswap.service zram-config.service swapspace.service --state=enabled,enabled-runtime,generated,linked --no-legend --plain 2>/dev/null | while read -r unit _; do
  # What comes from /etc/fstab is looked at there.
  case $unit in *.swap) [ "$(systemctl show -p SourcePath --value "$unit")" != /etc/fstab ] || continue ;; esac
  printf '%s\n' "$unit"
done | sort -u | grep . || echo none
}
want_10=none
make_10() {
systemctl daemon-reload
systemctl list-unit-files '*.swap' dphys-swapfile.service zramswap.service zram-config.service swapspace.service --state=enabled,enabled-runtime,generated,linked --no-legend --plain 2>/dev/null | while read -r unit state _; do
  mkdir -p /var/lib/landfall
if ! cut -d ' ' -f 1 /var/lib/landfall/units 2>/dev/null | grep -qxF -e "$unit"; then
  printf '%s %s %s\n' "$unit" "$(systemctl show -p UnitFileState --value "$unit" | sed 's/^$/none/')" "$(systemctl show -p ActiveState --value "$unit")" >>/var/lib/landfall/units
  sync /var/lib/landfall/units
fi
  case $state in
    generated) systemctl mask --now "$unit" ;;
    *) systemctl disable --now "$unit" ;;
  esac
done
}

# ── 11 ipv6/left: Leave IPv6 as the host has it
# A cluster of IPv4 neither needs IPv6 nor minds it, and programs that listen on [::] fail without. Had Landfall turned it off before, it is given back; gone from the command line of the kernel, it returns with the next boot.
read_11() {
if grep -qs '^net\.ipv6\.conf\.[a-z]*\.disable_ipv6 =' /etc/sysctl.d/99-zz-landfall.conf || [ -e /etc/default/grub.d/99-zz-landfall.cfg ] || grep -qs -e '^#landfall# ' /etc/netplan/*.yaml || [ -e /etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg ] || ls /etc/systemd/network/*.network.d/landfall.conf >/dev/null 2>&1; then echo 'changed by Landfall'; else echo 'as the host has it'; fi
}
want_11='as the host has it'
make_11() {
if [ -e /etc/sysctl.d/99-zz-landfall.conf ]; then
  grep -v -e '^net\.ipv6\.conf\.[a-z]*\.disable_ipv6 =' /etc/sysctl.d/99-zz-landfall.conf >/etc/sysctl.d/.99-zz-landfall.conf.landfall || :
  if [ -s /etc/sysctl.d/.99-zz-landfall.conf.landfall ]; then sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf; else rm -f /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf; fi
fi
if [ -e /etc/default/grub.d/99-zz-landfall.cfg ]; then
  rm -f /etc/default/grub.d/.99-zz-landfall.cfg.landfall
if [ -e /var/lib/landfall/before/etc/default/grub.d/99-zz-landfall.cfg ]; then
  cp -a /var/lib/landfall/before/etc/default/grub.d/99-zz-landfall.cfg /etc/default/grub.d/.99-zz-landfall.cfg.landfall
  sync /etc/default/grub.d/.99-zz-landfall.cfg.landfall
mv -fT /etc/default/grub.d/.99-zz-landfall.cfg.landfall /etc/default/grub.d/99-zz-landfall.cfg
else
  rm -f /etc/default/grub.d/99-zz-landfall.cfg
fi
  if command -v update-grub >/dev/null 2>&1; then update-grub; fi
fi
for path in /etc/netplan/*.yaml; do
  if grep -q -e '^#landfall# ' "$path" 2>/dev/null; then
    cp -p "$path" "$path.landfall"
sed -e '/ # shortened by Landfall$/d' -e 's/^#landfall# //' "$path" >"$path.landfall"
sync "$path.landfall"
mv -fT "$path.landfall" "$path"
  fi
done
if [ -d /etc/cloud/cloud.cfg.d ]; then rm -f /etc/cloud/cloud.cfg.d/.99-zz-landfall-network.cfg.landfall
if [ -e /var/lib/landfall/before/etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg ]; then
  cp -a /var/lib/landfall/before/etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg /etc/cloud/cloud.cfg.d/.99-zz-landfall-network.cfg.landfall
  sync /etc/cloud/cloud.cfg.d/.99-zz-landfall-network.cfg.landfall
mv -fT /etc/cloud/cloud.cfg.d/.99-zz-landfall-network.cfg.landfall /etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg
else
  rm -f /etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg
fi; fi
for path in /etc/systemd/network/*.network.d/landfall.conf; do
  if [ -e "$path" ]; then rm -f "$path"; rmdir "$(dirname "$path")" 2>/dev/null || :; fi
done
if systemctl -q is-active systemd-networkd; then networkctl reload || :; fi
for key in net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.default.disable_ipv6; do
  old=$(sed -n "s/^$key = //p" /var/lib/landfall/before/sysctls 2>/dev/null) || :
  if [ -n "$old" ]; then sysctl -q -e -w "$key=$old" || :; fi
done
}

# ── 12 journal/limits: Let the journal have 1G of the disk
# The journal shares the disk with images and etcd. Left to itself it takes a tenth of it, which is the very tenth whose absence makes kubelet evict pods; and a service that fails in a circle fills it overnight.
read_12() {
systemd-analyze cat-config systemd/journald.conf 2>/dev/null | awk -v keys=SystemMaxUse -v own=/etc/systemd/journald.conf.d/99-zz-landfall.conf '
  /^# \// { file = substr($0, 3) }
  /^[A-Za-z]+=/ { at = index($0, "="); key = substr($0, 1, at - 1); last[key] = substr($0, at + 1); from[key] = file }
  END { n = split(keys, list, " "); for (i = 1; i <= n; i++) { k = list[i]; print k "=" (k in last ? last[k] (from[k] == own ? "" : ", says " from[k]) : " not set") } }'
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc systemd-journald.service)
newer=$({ find /etc/systemd/journald.conf.d/99-zz-landfall.conf -type f -newermt "$started"; find /lib/systemd/systemd-journald -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
}
want_12='SystemMaxUse=1G
started after its files were written'
make_12() {
mkdir -p /etc/systemd/journald.conf.d
printf '%s\n' '# Written by Landfall.' '[Journal]' SystemMaxUse=1G >/etc/systemd/journald.conf.d/.99-zz-landfall.conf.landfall
sync /etc/systemd/journald.conf.d/.99-zz-landfall.conf.landfall
mv -fT /etc/systemd/journald.conf.d/.99-zz-landfall.conf.landfall /etc/systemd/journald.conf.d/99-zz-landfall.conf
systemctl restart systemd-journald.service
}

# ── 13 journal/logrotate: Cut the other logs to length
# apt, dpkg and every service with a file of its own below /var/log write on and on. logrotate renames, compresses and removes these files, once a day, as long as its timer runs.
read_13() {
if [ -x /usr/sbin/logrotate ]; then echo installed; else echo 'not installed'; fi
systemctl show -p ActiveState,UnitFileState logrotate.timer | sort
}
want_13='installed
ActiveState=active
UnitFileState=enabled'
make_13() {
if [ ! -x /usr/sbin/logrotate ]; then
  if ! apt-cache madison logrotate 2>/dev/null | grep -q .; then ( tries=0 said="${tmp:-/run}/said"
until apt-get -q update -o Acquire::Retries=3 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said" ) || echo 'not all repositories could be asked; what the others have is installed'; fi
tries=0 said="${tmp:-/run}/said"
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages logrotate 2>"$said"; do
  if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
    cat "$said"; exit 1
  fi
  who=$(sed -n '/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q};/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}' "$said")
  echo "${who:-waiting for another program that installs packages}"
  tries=$((tries + 1)); sleep 1
done
cat "$said"
sync -f /etc
fi
mkdir -p /var/lib/landfall
if ! cut -d ' ' -f 1 /var/lib/landfall/units 2>/dev/null | grep -qxF -e logrotate.timer; then
  printf '%s %s %s\n' logrotate.timer "$(systemctl show -p UnitFileState --value logrotate.timer | sed 's/^$/none/')" "$(systemctl show -p ActiveState --value logrotate.timer)" >>/var/lib/landfall/units
  sync /var/lib/landfall/units
fi
systemctl -q unmask logrotate.timer
systemctl enable --now logrotate.timer
}

# ── 14 kernel/overlay: Let the kernel stack file systems
# An image is a pile of read-only layers, and a container's disk is that pile with a thin layer of its own on top. The overlay file system does the piling; without it the runtime falls back to copying whole images, or refuses.
read_14() {
if [ -d /sys/module/overlay ] || grep -q /overlay.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
else echo 'not loaded'; fi 2>/dev/null
if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx overlay; then echo 'at boot: loaded'
else echo 'at boot: not loaded'; fi
}
want_14='loaded
at boot: loaded'
make_14() {
mkdir -p /etc/modules-load.d
{ grep -v -e '^overlay$' /etc/modules-load.d/landfall.conf 2>/dev/null || :; printf '%s\n' overlay; } >/etc/modules-load.d/.landfall.conf.landfall
sync /etc/modules-load.d/.landfall.conf.landfall
mv -fT /etc/modules-load.d/.landfall.conf.landfall /etc/modules-load.d/landfall.conf
modprobe -- overlay
}

# ── 15 kernel/br-netfilter: Let the firewall see bridged packets
# Pods of one node talk over a bridge, below the level at which the firewall looks. A Service is made of firewall rules, so without this module a pod cannot reach a Service whose pod is its own neighbour.
read_15() {
if [ -d /sys/module/br_netfilter ] || grep -q /br_netfilter.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
else echo 'not loaded'; fi 2>/dev/null
if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx br_netfilter; then echo 'at boot: loaded'
else echo 'at boot: not loaded'; fi
}
want_15='loaded
at boot: loaded'
make_15() {
mkdir -p /etc/modules-load.d
{ grep -v -e '^br_netfilter$' /etc/modules-load.d/landfall.conf 2>/dev/null || :; printf '%s\n' br_netfilter; } >/etc/modules-load.d/.landfall.conf.landfall
sync /etc/modules-load.d/.landfall.conf.landfall
mv -fT /etc/modules-load.d/.landfall.conf.landfall /etc/modules-load.d/landfall.conf
modprobe -- br_netfilter
}

# ── 16 kernel/bridge-iptables: Show bridged IPv4 packets to the firewall
# Loading br_netfilter is half of it: this switch says that IPv4 packets crossing a bridge do pass the firewall rules which Services are made of.
read_16() {
sysctl -n net.bridge.bridge-nf-call-iptables 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.bridge.bridge-nf-call-iptables -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_16='1
at boot: 1'
make_16() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.bridge\.bridge-nf-call-iptables =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.bridge.bridge-nf-call-iptables = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.bridge.bridge-nf-call-iptables=1
}

# ── 17 kernel/bridge-ip6tables: Show bridged IPv6 packets to the firewall
# IPv6 has a switch of its own. It is on by default once the module is loaded; a hardened image may have turned it off, and then only some traffic fails, which is hard to find.
read_17() {
sysctl -n net.bridge.bridge-nf-call-ip6tables 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.bridge.bridge-nf-call-ip6tables -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_17='1
at boot: 1'
make_17() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.bridge\.bridge-nf-call-ip6tables =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.bridge.bridge-nf-call-ip6tables = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.bridge.bridge-nf-call-ip6tables=1
}

# ── 18 kernel/ip-forward: Let the kernel forward packets
# A packet for a pod comes in on one interface and leaves on another. With forwarding off the kernel drops it, and kubeadm refuses to start. It must also survive a reboot: other programs (a firewall, a cloud image) like to turn it off again.
read_18() {
sysctl -n net.ipv4.ip_forward 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=net.ipv4.ip_forward -v value=1 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
}
want_18='1
at boot: 1'
make_18() {
mkdir -p /etc/sysctl.d
{ grep -v -e '^net\.ipv4\.ip_forward =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'net.ipv4.ip_forward = 1'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
sysctl -q -w net.ipv4.ip_forward=1
}

# ── 19 kernel/inotify-instances: Let many programs watch files
# kubelet, log shippers and many a program in a container wait for files to change. The kernel counts such watchers by user, all containers of root together, and allows 128: then `kubectl logs -f` and the next container end with "too many open files".
read_19() {
{
  sysctl -n fs.inotify.max_user_instances 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=fs.inotify.max_user_instances -v value=8192 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
} | awk -v least=8192 '
  /^[0-9]+$/ && $1 + 0 >= least { print least; next }
  /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
  { print }'
}
want_19='8192
at boot: 8192'
make_19() {
kept=$(
  {
  sysctl -n fs.inotify.max_user_instances 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=fs.inotify.max_user_instances -v value=8192 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
} | awk -v least=8192 '
  /^[0-9]+$/ && $1 + 0 >= least { print least; next }
  /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
  { print }'
)
if [ "$(printf '%s\n' "$kept" | tail -n 1)" != 'at boot: 8192' ]; then
  mkdir -p /etc/sysctl.d
{ grep -v -e '^fs\.inotify\.max_user_instances =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'fs.inotify.max_user_instances = 8192'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
fi
[ "$(sysctl -n fs.inotify.max_user_instances)" -ge 8192 ] || sysctl -q -w fs.inotify.max_user_instances=8192
}

# ── 20 kernel/inotify-watches: Let each program watch many files
# A log shipper watches every log of the node, a build or a file server whole trees. The usual limit follows the memory and is small on small machines; the error says "no space left on device" while the disk is half empty.
read_20() {
{
  sysctl -n fs.inotify.max_user_watches 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=fs.inotify.max_user_watches -v value=1048576 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
} | awk -v least=1048576 '
  /^[0-9]+$/ && $1 + 0 >= least { print least; next }
  /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
  { print }'
}
want_20='1048576
at boot: 1048576'
make_20() {
kept=$(
  {
  sysctl -n fs.inotify.max_user_watches 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=fs.inotify.max_user_watches -v value=1048576 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
} | awk -v least=1048576 '
  /^[0-9]+$/ && $1 + 0 >= least { print least; next }
  /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
  { print }'
)
if [ "$(printf '%s\n' "$kept" | tail -n 1)" != 'at boot: 1048576' ]; then
  mkdir -p /etc/sysctl.d
{ grep -v -e '^fs\.inotify\.max_user_watches =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'fs.inotify.max_user_watches = 1048576'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
fi
[ "$(sysctl -n fs.inotify.max_user_watches)" -ge 1048576 ] || sysctl -q -w fs.inotify.max_user_watches=1048576
}

# ── 21 kernel/map-count: Let a process map many files
# Search engines and databases map each of their files into memory, and refuse to start below a limit the kernel does not have by itself. A pod cannot raise it without being privileged.
read_21() {
{
  sysctl -n vm.max_map_count 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=vm.max_map_count -v value=262144 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
} | awk -v least=262144 '
  /^[0-9]+$/ && $1 + 0 >= least { print least; next }
  /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
  { print }'
}
want_21='262144
at boot: 262144'
make_21() {
kept=$(
  {
  sysctl -n vm.max_map_count 2>/dev/null || echo unknown
probe sysctl_files | awk -v key=vm.max_map_count -v value=262144 '
  /^# \// { file = substr($0, 3) }
  { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
  at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
  at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
  END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'
} | awk -v least=262144 '
  /^[0-9]+$/ && $1 + 0 >= least { print least; next }
  /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
  { print }'
)
if [ "$(printf '%s\n' "$kept" | tail -n 1)" != 'at boot: 262144' ]; then
  mkdir -p /etc/sysctl.d
{ grep -v -e '^vm\.max_map_count =' /etc/sysctl.d/99-zz-landfall.conf 2>/dev/null || :; printf '%s\n' 'vm.max_map_count = 262144'; } >/etc/sysctl.d/.99-zz-landfall.conf.landfall
sync /etc/sysctl.d/.99-zz-landfall.conf.landfall
mv -fT /etc/sysctl.d/.99-zz-landfall.conf.landfall /etc/sysctl.d/99-zz-landfall.conf
fi
[ "$(sysctl -n vm.max_map_count)" -ge 262144 ] || sysctl -q -w vm.max_map_count=262144
}

# ── 22 endpoint/keepalived: Have keepalived, which moves the address
# The address must be somewhere before there is a cluster, and stay so while etcd or the API server is broken. keepalived has done nothing else for twenty years: hosts tell each other twice a second that they live, and when the one with the address falls silent another takes it. It asks no cluster.
read_22() {
case $(dpkg-query -W -f '${db:Status-Status}' keepalived 2>/dev/null) in installed) echo installed ;; *) echo 'not installed' ;; esac
}
want_22=installed
make_22() {
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
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages keepalived 2>"$said"; do
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

# ── 23 endpoint/curl: Have curl, which asks the API server
# Whether an API server is ready it says itself, over TLS. Not every server has a program that can ask it.
read_23() {
case $(dpkg-query -W -f '${db:Status-Status}' curl 2>/dev/null) in installed) echo installed ;; *) echo 'not installed' ;; esac
}
want_23=installed
make_23() {
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
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages curl 2>"$said"; do
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

# ── 24 endpoint/api-ready: Write down how the API server is asked
# The address belongs to a host whose API server is ready, not to one that merely runs. So it is asked for that, on this very host, with its certificate checked; two seconds without an answer are a no.
read_24() {
{ stat -c '%04a %U:%G' /etc/keepalived/landfall-api-ready && cat /etc/keepalived/landfall-api-ready; } 2>/dev/null || echo absent
}
want_24='0755 root:root
#!/bin/sh
# Written by Landfall: whether this host'\''s own API server is ready. keepalived asks it every second.
exec curl -fs -o /dev/null -m 2 --noproxy '\''*'\'' --cacert /etc/kubernetes/pki/ca.crt https://10.0.0.11:6443/readyz'
make_24() {
mkdir -p /etc/keepalived
umask 077
cat >/etc/keepalived/.landfall-api-ready.landfall <<'END'
#!/bin/sh
# Written by Landfall: whether this host's own API server is ready. keepalived asks it every second.
exec curl -fs -o /dev/null -m 2 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt https://10.0.0.11:6443/readyz
END
chmod 0755 /etc/keepalived/.landfall-api-ready.landfall
chown root:root /etc/keepalived/.landfall-api-ready.landfall
sync /etc/keepalived/.landfall-api-ready.landfall
mv -fT /etc/keepalived/.landfall-api-ready.landfall /etc/keepalived/landfall-api-ready
}

# ── 25 endpoint/settings: Say who holds 10.0.0.10, and when
# The hosts agree by one rule: whose API server is ready outbids all whose is not, and among equals the address stays where it is. They call each other by address, not the whole network, which many networks do not pass on. There is no password: it would travel as plain text, and what is believed comes from these addresses alone.
read_25() {
{ { stat -c '%04a %U:%G' /etc/keepalived/keepalived.conf && cat /etc/keepalived/keepalived.conf; } 2>/dev/null || echo absent; } |
  if [ -e /etc/kubernetes/landfall/initialised ]; then sed '/^# A host that is yet to join does not bid at all/,/^$/d; /^    member$/d'; else cat; fi
}
want_25='0644 root:root
# Written by Landfall: who holds 10.0.0.10, the endpoint of harbour.
global_defs {
  router_id cp-0
  vrrp_version 3
  enable_script_security
  script_user nobody nogroup
}

# A host whose API server is ready bids 100, any other 40. Until it has shown itself ready it counts as not.
vrrp_script api_server {
  script /etc/keepalived/landfall-api-ready
  interval 1
  timeout 3
  fall 2
  rise 2
  weight 60
  init_fail
}

vrrp_instance endpoint {
  state BACKUP
  interface eth0
  virtual_router_id 10
  priority 40
  advert_int 0.5
  unicast_src_ip 10.0.0.11
  unicast_peer {
    10.0.0.12
    10.0.0.13
  }
  virtual_ipaddress {
    10.0.0.10/32 dev eth0
  }
  track_script {
    api_server
  }
}'
make_25() {
mkdir -p /etc/keepalived
umask 077
cat >/etc/keepalived/.keepalived.conf.landfall <<'END'
# Written by Landfall: who holds 10.0.0.10, the endpoint of harbour.
global_defs {
  router_id cp-0
  vrrp_version 3
  enable_script_security
  script_user nobody nogroup
}

# A host whose API server is ready bids 100, any other 40. Until it has shown itself ready it counts as not.
vrrp_script api_server {
  script /etc/keepalived/landfall-api-ready
  interval 1
  timeout 3
  fall 2
  rise 2
  weight 60
  init_fail
}

vrrp_instance endpoint {
  state BACKUP
  interface eth0
  virtual_router_id 10
  priority 40
  advert_int 0.5
  unicast_src_ip 10.0.0.11
  unicast_peer {
    10.0.0.12
    10.0.0.13
  }
  virtual_ipaddress {
    10.0.0.10/32 dev eth0
  }
  track_script {
    api_server
  }
}
END
chmod 0644 /etc/keepalived/.keepalived.conf.landfall
chown root:root /etc/keepalived/.keepalived.conf.landfall
sync /etc/keepalived/.keepalived.conf.landfall
mv -fT /etc/keepalived/.keepalived.conf.landfall /etc/keepalived/keepalived.conf
}

# ── 26 endpoint/restart: Have keepalived started again when it dies
# A keepalived that was killed, for want of memory say, may leave the address on a host that no longer knows of it, while another host takes it too. Started again it first gives back what it does not hold, and then takes its part.
read_26() {
{ stat -c '%04a %U:%G' /etc/systemd/system/keepalived.service.d/landfall.conf && cat /etc/systemd/system/keepalived.service.d/landfall.conf; } 2>/dev/null || echo absent
}
want_26='0644 root:root
# Written by Landfall: keepalived is started again whenever it ends unasked.
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=1
TimeoutStopSec=5'
make_26() {
mkdir -p /etc/systemd/system/keepalived.service.d
umask 077
cat >/etc/systemd/system/keepalived.service.d/.landfall.conf.landfall <<'END'
# Written by Landfall: keepalived is started again whenever it ends unasked.
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=1
TimeoutStopSec=5
END
chmod 0644 /etc/systemd/system/keepalived.service.d/.landfall.conf.landfall
chown root:root /etc/systemd/system/keepalived.service.d/.landfall.conf.landfall
sync /etc/systemd/system/keepalived.service.d/.landfall.conf.landfall
mv -fT /etc/systemd/system/keepalived.service.d/.landfall.conf.landfall /etc/systemd/system/keepalived.service.d/landfall.conf
}

# ── 27 endpoint/running: Run keepalived, now and after every boot
# A host without it never takes the address over, and that shows only in the hour in which it should. It starts with the host, before and without Kubernetes.
read_27() {
systemctl show -p ActiveState,UnitFileState keepalived | sort
told=$(systemctl show -p StateChangeTimestamp --value --timestamp=us+utc keepalived)
newer=$(find /etc/keepalived /etc/default/keepalived /etc/systemd/system/keepalived.service.d/landfall.conf -type f -newermt "$told" 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "has not read $newer since it was written"; else echo 'started after its files were written'; fi
}
want_27='ActiveState=active
UnitFileState=enabled
started after its files were written'
make_27() {
mkdir -p /var/lib/landfall
if ! cut -d ' ' -f 1 /var/lib/landfall/units 2>/dev/null | grep -qxF -e keepalived.service; then
  printf '%s %s %s\n' keepalived.service "$(systemctl show -p UnitFileState --value keepalived.service | sed 's/^$/none/')" "$(systemctl show -p ActiveState --value keepalived.service)" >>/var/lib/landfall/units
  sync /var/lib/landfall/units
fi
systemctl -q unmask keepalived
systemctl enable keepalived
systemctl reload-or-restart keepalived
}

# ── 28 firewall/nftables: Have nft, which loads the rules
# The kernel has one firewall, and nft is its own tool. Its service, which empties every table when it is started, stays off as the distribution has it.
read_28() {
case $(dpkg-query -W -f '${db:Status-Status}' nftables 2>/dev/null) in installed) echo installed ;; *) echo 'not installed' ;; esac
}
want_28=installed
make_28() {
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
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages nftables 2>"$said"; do
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
say landfall 1 28
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 10
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
step 18 make 0
step 19 make 0
step 20 make 0
step 21 make 0
step 22 make 0
step 23 make 0
step 24 make 0
step 25 make 0
step 26 make 0
step 27 make 10
step 28 make 0
say end
}
main
