#!/bin/sh
# harbour · worker-0 · Connect the pods of who joined

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

# ── 1 endpoint/in-pods: Have pods find the endpoint where the host finds it
# A pod on the network of its node gets a copy of /etc/hosts when it is started, and keeps it. When the name of the API server leads elsewhere from some day on, what goes by that name in there goes on with the address of that first day, until the machine with that address is gone.
read_1() {
for program in kube-proxy; do
  for pod in /var/lib/kubelet/pods/*/containers/"$program"; do
    awk -v name=api.harbour.internal -v to=10.0.0.11 -v program="$program" '
      { sub(/#.*/, "") }
      { for (i = 2; i <= NF; i++) if ($i == name && $1 != to) print program " finds it at " $1 }' "${pod%/containers/*}/etc-hosts" 2>/dev/null
  done
done | sort -u | grep . || echo 'all of them as the host has it'
}
want_1='all of them as the host has it'
make_1() {
for program in kube-proxy; do
  for id in $(crictl ps -q --name "^$program\$"); do crictl stop --timeout 10 "$id" >/dev/null || :; done
done
}

# ── 2 join/conflist: Find the plugin's configuration, and none before it
# The runtime takes the first file of /etc/cni/net.d. Only when that is the one flannel has written do pods get addresses of the cluster.
read_2() {
first=$(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1)
if [ "$first" != /etc/cni/net.d/10-flannel.conflist ]; then echo "${first:-none}"
elif cmp -s - /etc/cni/net.d/10-flannel.conflist <<'END'
{
  "name": "cbr0",
  "cniVersion": "1.0.0",
  "plugins": [
    {
      "type": "flannel",
      "delegate": {
        "hairpinMode": true,
        "isDefaultGateway": true
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      }
    }
  ]
}
END
then echo '/etc/cni/net.d/10-flannel.conflist, as flannel wrote it'
else echo '/etc/cni/net.d/10-flannel.conflist, changed since flannel wrote it'; fi
}
want_2='/etc/cni/net.d/10-flannel.conflist, as flannel wrote it'
make_2() {
case $(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1) in '' | /etc/cni/net.d/10-flannel.conflist) ;; *) exit 1 ;; esac
ready() {
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-flannel get pods -l app=flannel --field-selector spec.nodeName=worker-0 \
    -o 'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}'
}
# Where many join at once an API server may be too busy to answer: a question that took five seconds counts for twelve.
seek() { pods=$(ready) || { pods=; tries=$((tries + 12)); }; }
# Just after the runtime was restarted a pod that has long written it is not ready, and looks like one that is about to.
tries=0; seek
while [ -z "$pods" ] && [ "$tries" -lt 150 ] && ! [ -e /etc/cni/net.d/10-flannel.conflist ]; do tries=$((tries + 1)); sleep 0.4; seek; done
if [ -n "$pods" ]; then timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-flannel delete pod $pods --wait=false
else
  echo 'the pod that writes it is about to start'
  # A pod that came too early is tried again only after ten to fifteen seconds; one in its place at once.
  tries=0
  while [ -e /etc/cni/net.d/10-flannel.conflist ] && ! [ -e /run/flannel/subnet.env ] && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
  :
fi
}

# ── 3 join/bridge: Have the node's pods on their bridge
# With flannel the pods of a node reach everybody through a bridge. It is made with the first pod and never again: when somebody deletes it, takes it down or changes its address, the pods run on with an address that leads nowhere, and only what needs them shows it.
read_3() {
found=$({
  link=$(ip -o link show dev cni0 2>/dev/null) || :
has=$(ip -o -4 address show dev cni0 2>/dev/null | awk '{ print $4; exit }')
share=$(sed -n 's/^FLANNEL_SUBNET=//p' /run/flannel/subnet.env 2>/dev/null) || :
case $link in
  '') ;;
  *,UP,* | *,UP'>'*) if [ -n "$share" ] && [ "$has" != "$share" ]; then echo "the bridge has the address ${has:-none}, flannel's is $share"; fi ;;
  *) echo 'the bridge is down' ;;
esac
  {
    alone=$(ip -o link show type veth 2>/dev/null | grep -E ': veth[0-9a-f]{8}@' | grep -v ' master cni0 ' | sed -n 's/.* link-netns \([^ ]*\).*/\1/p')
if [ -n "$alone" ]; then
  crictl pods --state ready -q | while read -r id; do
    said=$(crictl inspectp -o go-template --template '{{.status.metadata.namespace}}/{{.status.metadata.name}}{{range .info.runtimeSpec.linux.namespaces}}{{with index . "path"}} {{.}}{{end}}{{end}}' "$id") || continue
    for name in $alone; do
      case "$said " in *"/$name "*) echo "$id ${said%% *}" ;; esac
    done
  done
fi
  } | sed 's/^[^ ]* \(.*\)/\1 is on no bridge/' | sort
})
echo "$found" | sed 's/^$/all on it/'
}
want_3='all on it'
make_3() {
wrong=$(
  link=$(ip -o link show dev cni0 2>/dev/null) || :
has=$(ip -o -4 address show dev cni0 2>/dev/null | awk '{ print $4; exit }')
share=$(sed -n 's/^FLANNEL_SUBNET=//p' /run/flannel/subnet.env 2>/dev/null) || :
case $link in
  '') ;;
  *,UP,* | *,UP'>'*) if [ -n "$share" ] && [ "$has" != "$share" ]; then echo "the bridge has the address ${has:-none}, flannel's is $share"; fi ;;
  *) echo 'the bridge is down' ;;
esac
)
if [ -n "$wrong" ]; then ip link delete cni0; fi
# A pod whose sandbox has ended gets another from kubelet, and that another place on the bridge.
{
  alone=$(ip -o link show type veth 2>/dev/null | grep -E ': veth[0-9a-f]{8}@' | grep -v ' master cni0 ' | sed -n 's/.* link-netns \([^ ]*\).*/\1/p')
if [ -n "$alone" ]; then
  crictl pods --state ready -q | while read -r id; do
    said=$(crictl inspectp -o go-template --template '{{.status.metadata.namespace}}/{{.status.metadata.name}}{{range .info.runtimeSpec.linux.namespaces}}{{with index . "path"}} {{.}}{{end}}{{end}}' "$id") || continue
    for name in $alone; do
      case "$said " in *"/$name "*) echo "$id ${said%% *}" ;; esac
    done
  done
fi
} | while read -r id name; do
  echo "$name is started anew"
  crictl --timeout 60s stopp "$id" >/dev/null || crictl --timeout 60s stopp "$id" >/dev/null
done
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
given=/run/landfall/runs/RUN/join-network/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/join-network/stop; stop=${stop:-$tmp/stop}
say landfall 1 3
step 1 make 60
step 2 make 180
step 3 make 30
say end
}
main
