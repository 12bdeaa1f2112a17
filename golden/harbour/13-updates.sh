#!/bin/sh
# harbour · cp-0 · Have the host keep itself up to date

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

# ── 1 updates/package: Have security updates installed by themselves
# A hole that is public is used within days. unattended-upgrades installs what mends it, and nothing else, in a quiet hour of each day.
read_1() {
case $(dpkg-query -W -f '${db:Status-Status}' unattended-upgrades 2>/dev/null) in installed) echo installed ;; *) echo 'not installed' ;; esac
}
want_1=installed
make_1() {
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
until apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages unattended-upgrades 2>"$said"; do
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

# ── 2 updates/timers: Start apt’s daily work by its timers
# Two timers have updates looked for and installed. Images for containers and hardened ones come with these switched off, and then nothing that is configured ever happens.
read_2() {
for unit in apt-daily.timer apt-daily-upgrade.timer; do
  echo "$unit $(systemctl is-enabled "$unit" 2>/dev/null || :) $(systemctl is-active "$unit" || :)"
done
}
want_2='apt-daily.timer enabled active
apt-daily-upgrade.timer enabled active'
make_2() {
if ! [ -e /var/lib/landfall/timers ]; then
  for unit in apt-daily.timer apt-daily-upgrade.timer; do
    echo "$unit $(systemctl is-enabled "$unit" 2>/dev/null || :) $(systemctl is-active "$unit" || :)"
  done >/var/lib/landfall/.timers.landfall
  sync /var/lib/landfall/.timers.landfall
mv -fT /var/lib/landfall/.timers.landfall /var/lib/landfall/timers
fi
systemctl unmask apt-daily.timer apt-daily-upgrade.timer
systemctl enable --now apt-daily.timer apt-daily-upgrade.timer
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
given=/run/landfall/runs/RUN/updates/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/updates/stop; stop=${stop:-$tmp/stop}
say landfall 1 2
step 1 make 0
step 2 make 0
say end
}
main
