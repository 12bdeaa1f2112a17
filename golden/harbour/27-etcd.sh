#!/bin/sh
# harbour · cp-0 · Look after etcd

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

# ── 1 etcd/settings: Run etcd with the room and the patience it needs
# Left to itself etcd takes nothing new once its database has 2 GB: the whole cluster can then only be read. And how long it waits before it calls a member dead must fit the way between them. etcd reads both when it starts; so it is started anew, on one control plane after the other, and only while all of its members are well.
read_1() {
if pid=$(pgrep -xo etcd); then
  tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n 's/^--\(election-timeout\|heartbeat-interval\|quota-backend-bytes\)=/\1: /p' | sort
  [ "$(probe api)" = ok ] || echo 'the API server waits for it'
else echo 'etcd does not run'; fi
}
want_1='election-timeout: 1000
heartbeat-interval: 100
quota-backend-bytes: 8589934592'
make_1() {
awk -v words='--election-timeout=1000 --heartbeat-interval=100 --quota-backend-bytes=8589934592' -v ours='^    - --(election-timeout|heartbeat-interval|quota-backend-bytes)=' '
  $0 ~ ours { next }
  { print }
  $0 == "    - etcd" { n = split(words, word, " "); for (i = 1; i <= n; i++) print "    - " word[i]; told = 1 }
  END { exit !told }' /etc/kubernetes/manifests/etcd.yaml >/etc/kubernetes/manifests/.etcd.yaml.landfall
if cmp -s /etc/kubernetes/manifests/.etcd.yaml.landfall /etc/kubernetes/manifests/etcd.yaml; then
  rm -f /etc/kubernetes/manifests/.etcd.yaml.landfall
else
  etcd=$(crictl ps -q --state Running --label io.kubernetes.container.name=etcd | head -n 1)
if [ -z "$etcd" ]; then echo 'etcd does not run'; exit 1; fi
tries=0
until timeout 20 crictl exec "$etcd" etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key endpoint health --cluster >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -ge 30 ]; then echo 'another member of etcd is not healthy: nothing is started anew'; exit 1; fi
  sleep 2
done
  chmod 0600 /etc/kubernetes/manifests/.etcd.yaml.landfall
  sync /etc/kubernetes/manifests/.etcd.yaml.landfall
mv -fT /etc/kubernetes/manifests/.etcd.yaml.landfall /etc/kubernetes/manifests/etcd.yaml
  # Before kubelet starts the new etcd it tells its API server of the old one's end: one that hangs for want of etcd would keep it for half a minute.
  crictl ps -q --state Running --label io.kubernetes.container.name=kube-apiserver | xargs -r crictl stop --timeout 2 >/dev/null || :
fi
}

# ── 2 etcd/identity: Note on the host which cluster this is
# The name of a cluster says nothing about its data. The UID of kube-system does: it is made once, lives as long as the data live, and comes back with a snapshot of them. Noted outside of etcd, it tells an etcd that has lost everything from one that is new.
read_2() {
uid=$(probe namespaces | sed -n 's/^kube-system|[^|]*|//p')
if [ -z "$uid" ]; then echo 'the API server does not answer'
elif [ "$uid" = "$(cat /etc/kubernetes/landfall/kube-system-uid 2>/dev/null)" ]; then echo noted
else echo 'not noted'; fi
}
want_2=noted
again_2='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_2() {
anew=
known=$(cat /etc/kubernetes/landfall/kube-system-uid 2>/dev/null) || :
uid=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --kubeconfig=/etc/kubernetes/controller-manager.conf get namespace kube-system -o 'jsonpath={.metadata.uid}' 2>/dev/null) || uid=
if [ -n "$known" ] && [ -n "$uid" ] && [ "$uid" != "$known" ]; then anew=yes; fi
if [ -n "$anew" ]; then echo 'etcd has begun anew, empty: nothing is made in it'; exit 1; fi
uid=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')
mkdir -p /etc/kubernetes/landfall
echo "$uid" >/etc/kubernetes/landfall/.kube-system-uid.landfall
sync /etc/kubernetes/landfall/.kube-system-uid.landfall
mv -fT /etc/kubernetes/landfall/.kube-system-uid.landfall /etc/kubernetes/landfall/kube-system-uid
}

# ── 3 etcd/upkeep: Have a program that looks after etcd
# Nobody thinks of writing etcd down until the day it is needed. And what is deleted from it leaves holes in its file, which grows until it is full although there is little in it.
read_3() {
{ stat -c '%04a %U:%G' /usr/local/lib/landfall/etcd-upkeep && cat /usr/local/lib/landfall/etcd-upkeep; } 2>/dev/null || echo absent
}
want_3='0755 root:root
#!/bin/sh
# Written by Landfall: what etcd on cp-0 needs from time to time. landfall-etcd.timer starts it; so may you.
set -eu
umask 077
export LC_ALL=C
own=cp-0
etcd=$(crictl ps -q --state Running --label io.kubernetes.container.name=etcd | head -n 1)
if [ -z "$etcd" ]; then echo '\''etcd does not run here'\''; exit 1; fi
ask() {
  timeout 300 crictl exec "$etcd" etcdctl --command-timeout=240s --endpoints=https://127.0.0.1:2379 \
    --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key "$@"
}

# All that the container of etcd sees of the host'\''s disk is its own folder.
new=/var/lib/etcd/landfall-snapshot.db
rm -f "$new" "$new.part"
ask snapshot save "$new" >/dev/null
# Behind the database etcd sends the sum of what it has sent.
sum=$(head -c -32 "$new" | sha256sum | cut -c 1-64)
if [ "$sum" != "$(tail -c 32 "$new" | od -An -tx1 -v | tr -d '\'' \n'\'')" ]; then
  echo '\''the snapshot on the disk is not what etcd has sent'\''; exit 1
fi
at=/var/backups/landfall/etcd
mkdir -p "$at"
chmod 0700 "$at"
name=$(date -u +%Y-%m-%dT%H%M%SZ).db
cp "$new" "$at/.new"
sync "$at/.new"
mv "$at/.new" "$at/$name"
rm -f "$new"
echo "$at/$name: $(stat -c %s "$at/$name") bytes, sum right"

# The 24 newest stay, and the last one of each of 7 days before them.
find "$at" -maxdepth 1 -name '\''[0-9]*.db'\'' -printf '\''%f\n'\'' | sort -r | awk -v keep=24 -v days=7 '\''
  { day = substr($0, 1, 10) }
  NR <= keep { seen[day] = 1; next }
  !(day in seen) && others < days { seen[day] = 1; others++; next }
  { print }'\'' | while read -r old; do rm -f "$at/$old"; done

status=$(ask endpoint status -w fields)
value() { printf '\''%s\n'\'' "$status" | sed -n "s/^\"$1\" : *//p" | head -n 1; }
size=$(value DBSize)
used=$(value DBSizeInUse)
# Written anew only where most of it is room that nobody uses.
if [ "$((size - used))" -gt 104857600 ] && [ "$((size - used))" -gt "$used" ]; then
  # Meanwhile this member takes no part; so all others must.
  ask endpoint health --cluster >/dev/null
  other=$(ask member list | awk -F '\'', '\'' -v own="$own" '\''$2 == "started" && $3 != own && $6 == "false" { print $1; exit }'\'')
  if [ -n "$other" ] && [ "$(value MemberID)" = "$(value Leader)" ]; then ask move-leader "$other"; fi
  ask defrag
  status=$(ask endpoint status -w fields)
  echo "the database took $size bytes and takes $(value DBSize)"
fi'
make_3() {
mkdir -p /usr/local/lib/landfall
umask 077
cat >/usr/local/lib/landfall/.etcd-upkeep.landfall <<'END'
#!/bin/sh
# Written by Landfall: what etcd on cp-0 needs from time to time. landfall-etcd.timer starts it; so may you.
set -eu
umask 077
export LC_ALL=C
own=cp-0
etcd=$(crictl ps -q --state Running --label io.kubernetes.container.name=etcd | head -n 1)
if [ -z "$etcd" ]; then echo 'etcd does not run here'; exit 1; fi
ask() {
  timeout 300 crictl exec "$etcd" etcdctl --command-timeout=240s --endpoints=https://127.0.0.1:2379 \
    --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key "$@"
}

# All that the container of etcd sees of the host's disk is its own folder.
new=/var/lib/etcd/landfall-snapshot.db
rm -f "$new" "$new.part"
ask snapshot save "$new" >/dev/null
# Behind the database etcd sends the sum of what it has sent.
sum=$(head -c -32 "$new" | sha256sum | cut -c 1-64)
if [ "$sum" != "$(tail -c 32 "$new" | od -An -tx1 -v | tr -d ' \n')" ]; then
  echo 'the snapshot on the disk is not what etcd has sent'; exit 1
fi
at=/var/backups/landfall/etcd
mkdir -p "$at"
chmod 0700 "$at"
name=$(date -u +%Y-%m-%dT%H%M%SZ).db
cp "$new" "$at/.new"
sync "$at/.new"
mv "$at/.new" "$at/$name"
rm -f "$new"
echo "$at/$name: $(stat -c %s "$at/$name") bytes, sum right"

# The 24 newest stay, and the last one of each of 7 days before them.
find "$at" -maxdepth 1 -name '[0-9]*.db' -printf '%f\n' | sort -r | awk -v keep=24 -v days=7 '
  { day = substr($0, 1, 10) }
  NR <= keep { seen[day] = 1; next }
  !(day in seen) && others < days { seen[day] = 1; others++; next }
  { print }' | while read -r old; do rm -f "$at/$old"; done

status=$(ask endpoint status -w fields)
value() { printf '%s\n' "$status" | sed -n "s/^\"$1\" : *//p" | head -n 1; }
size=$(value DBSize)
used=$(value DBSizeInUse)
# Written anew only where most of it is room that nobody uses.
if [ "$((size - used))" -gt 104857600 ] && [ "$((size - used))" -gt "$used" ]; then
  # Meanwhile this member takes no part; so all others must.
  ask endpoint health --cluster >/dev/null
  other=$(ask member list | awk -F ', ' -v own="$own" '$2 == "started" && $3 != own && $6 == "false" { print $1; exit }')
  if [ -n "$other" ] && [ "$(value MemberID)" = "$(value Leader)" ]; then ask move-leader "$other"; fi
  ask defrag
  status=$(ask endpoint status -w fields)
  echo "the database took $size bytes and takes $(value DBSize)"
fi
END
chmod 0755 /usr/local/lib/landfall/.etcd-upkeep.landfall
chown root:root /usr/local/lib/landfall/.etcd-upkeep.landfall
sync /usr/local/lib/landfall/.etcd-upkeep.landfall
mv -fT /usr/local/lib/landfall/.etcd-upkeep.landfall /usr/local/lib/landfall/etcd-upkeep
}

# ── 4 etcd/upkeep-service: Let systemd run it
# What systemd runs has its own lines in the journal, runs once at a time, and takes disk and processor only when nobody else wants them.
read_4() {
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-etcd.service && cat /etc/systemd/system/landfall-etcd.service; } 2>/dev/null || echo absent
}
want_4='0644 root:root
# Written by Landfall.
[Unit]
Description=Write etcd down and give back the room it does not use

[Service]
Type=oneshot
ExecStart=/usr/local/lib/landfall/etcd-upkeep
Nice=10
IOSchedulingClass=idle'
make_4() {
mkdir -p /etc/systemd/system
umask 077
cat >/etc/systemd/system/.landfall-etcd.service.landfall <<'END'
# Written by Landfall.
[Unit]
Description=Write etcd down and give back the room it does not use

[Service]
Type=oneshot
ExecStart=/usr/local/lib/landfall/etcd-upkeep
Nice=10
IOSchedulingClass=idle
END
chmod 0644 /etc/systemd/system/.landfall-etcd.service.landfall
chown root:root /etc/systemd/system/.landfall-etcd.service.landfall
sync /etc/systemd/system/.landfall-etcd.service.landfall
mv -fT /etc/systemd/system/.landfall-etcd.service.landfall /etc/systemd/system/landfall-etcd.service
}

# ── 5 etcd/upkeep-times: Give it a time of its own
# A member that is written down or written anew answers late. Each host takes a minute of its own, always the same, so that no two do it at once.
read_5() {
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-etcd.timer && cat /etc/systemd/system/landfall-etcd.timer; } 2>/dev/null || echo absent
}
want_5='0644 root:root
# Written by Landfall.
[Unit]
Description=Keep etcd

[Timer]
OnCalendar=hourly
RandomizedDelaySec=50min
FixedRandomDelay=true
AccuracySec=1s

[Install]
WantedBy=timers.target'
make_5() {
mkdir -p /etc/systemd/system
umask 077
cat >/etc/systemd/system/.landfall-etcd.timer.landfall <<'END'
# Written by Landfall.
[Unit]
Description=Keep etcd

[Timer]
OnCalendar=hourly
RandomizedDelaySec=50min
FixedRandomDelay=true
AccuracySec=1s

[Install]
WantedBy=timers.target
END
chmod 0644 /etc/systemd/system/.landfall-etcd.timer.landfall
chown root:root /etc/systemd/system/.landfall-etcd.timer.landfall
sync /etc/systemd/system/.landfall-etcd.timer.landfall
mv -fT /etc/systemd/system/.landfall-etcd.timer.landfall /etc/systemd/system/landfall-etcd.timer
}

# ── 6 etcd/upkeep-timer: Start it by the clock, after every boot, too
# A timer that is only written down starts nothing; and one that was started by hand is gone after the next boot.
read_6() {
{ systemctl show -p ActiveState,UnitFileState landfall-etcd.timer; systemctl show -p NeedDaemonReload landfall-etcd.timer landfall-etcd.service; } | grep . | sort -u
}
want_6='ActiveState=active
NeedDaemonReload=no
UnitFileState=enabled'
make_6() {
systemctl enable landfall-etcd.timer
systemctl restart landfall-etcd.timer
}

# ── 7 etcd/snapshot: Have etcd written down lately
# A snapshot that was not taken is noticed on the day it is needed. Each one is compared with the sum etcd sent along, and the newest must be of today.
read_7() {
if [ -n "$(find /var/backups/landfall/etcd -maxdepth 1 -name '[0-9]*.db' -mmin -125 2>/dev/null | head -n 1)" ]; then echo recent
else
  last=$(find /var/backups/landfall/etcd -maxdepth 1 -name '[0-9]*.db' 2>/dev/null | sort | tail -n 1)
  echo "the last one: ${last:-none}"
fi
}
want_7=recent
make_7() {
systemctl start landfall-etcd.service || { journalctl -u landfall-etcd.service -n 5 -o cat --no-pager; exit 1; }
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
given=/run/landfall/runs/RUN/etcd/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/etcd/stop; stop=${stop:-$tmp/stop}
say landfall 1 7
step 1 make 240
step 2 make 30
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 0
step 7 make 0
say end
}
main
