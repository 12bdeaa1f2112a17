#!/bin/sh
# harbour · worker-0 · Join the workers

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

probe_served_certificate() {
if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname worker-0 -verify_ip 10.0.0.21 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}

# ── 1 join/member: Join the cluster
# kubeadm asks the API server who it is, and believes it only when its authority has the very hash it was told. Then kubelet trades the token for a certificate of its own, with which it is a member from then on. A join that was cut short anywhere is brought to its end by the next one.
read_1() {
open=; begun=
for path in /etc/kubernetes/pki/ca.crt /etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env; do
  if [ -s "$path" ]; then begun=yes; else open="$open $path"; fi
done
if [ -e /etc/kubernetes/pki/ca.crt ] && ! grep -q -e '^-----END' /etc/kubernetes/pki/ca.crt; then open="$open /etc/kubernetes/pki/ca.crt"; fi
if [ -e /etc/kubernetes/bootstrap-kubelet.conf ]; then begun=yes; fi
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
if [ -z "$begun" ]; then echo 'no member'
elif [ "$owner" != harbour ]; then echo 'not ours: Landfall did not begin this'
elif [ -n "$open" ]; then echo "half joined, open:$open"
elif [ -e /etc/kubernetes/bootstrap-kubelet.conf ] || [ -e /run/landfall/join.yaml ] || ! [ -e /etc/kubernetes/landfall/initialised ]; then echo 'half joined, open: its end'
else echo member; fi
}
want_1=member
make_1() {
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null) || :
if [ "$owner" != harbour ]; then
  echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
fi
open=; begun=
for path in /etc/kubernetes/pki/ca.crt /etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env; do
  if [ -s "$path" ]; then begun=yes; else open="$open $path"; fi
done
if [ -e /etc/kubernetes/pki/ca.crt ] && ! grep -q -e '^-----END' /etc/kubernetes/pki/ca.crt; then open="$open /etc/kubernetes/pki/ca.crt"; fi
if [ -e /etc/kubernetes/bootstrap-kubelet.conf ]; then begun=yes; fi
# kubelet writes its kubelet.conf when it has its certificate: from there on no token is needed.
if [ -n "$open" ]; then
  met=
  if [ -n "$begun" ]; then met=--ignore-preflight-errors=Port-10250,DirAvailable--etc-kubernetes-manifests,FileAvailable--etc-kubernetes-kubelet.conf,FileAvailable--etc-kubernetes-bootstrap-kubelet.conf,FileAvailable--etc-kubernetes-pki-ca.crt; fi
  # A certificate cut short would be kept as it is.
  if ! grep -q -e '^-----END' /etc/kubernetes/pki/ca.crt 2>/dev/null; then rm -f /etc/kubernetes/pki/ca.crt; fi
  ticket=$(slot join-worker-0)
if [ -z "$ticket" ]; then echo 'no token was minted for this host in this run'; exit 1; fi
set -- $ticket
(
  umask 077
  mkdir -p /run/landfall
  rm -f /run/landfall/join.yaml
  cat >/run/landfall/join.yaml <<'END'
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  name: worker-0
  criSocket: unix:///var/run/crio/crio.sock
  taints: []
  kubeletExtraArgs:
    - name: node-ip
      value: 10.0.0.21
END
  printf 'discovery:
  bootstrapToken:
    apiServerEndpoint: "api.harbour.internal:6443"
    token: "%s"
    caCertHashes: ["%s"]
' "$1" "$2" >>/run/landfall/join.yaml
)
status=0
kubeadm join --config /run/landfall/join.yaml $met || status=$?
rm -f /run/landfall/join.yaml
if [ "$status" -ne 0 ]; then
  # kubeadm waits for kubelet and knows no more than that it does not come.
  journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2
  exit "$status"
fi
fi
rm -f /etc/kubernetes/bootstrap-kubelet.conf /run/landfall/join.yaml
find /etc/kubernetes -type f -exec sync {} +
if [ -d /var/lib/kubelet ]; then find /var/lib/kubelet -maxdepth 1 '(' -name '*.yaml' -o -name '*.env' ')' -exec sync {} +; fi
date -u +%FT%TZ >/etc/kubernetes/landfall/.initialised.landfall
sync /etc/kubernetes/landfall/.initialised.landfall
mv -fT /etc/kubernetes/landfall/.initialised.landfall /etc/kubernetes/landfall/initialised
}

# ── 2 join/kubelet: Run kubelet with the settings that lie on the disk
# kubelet starts every pod of the node, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.
read_2() {
state=$(systemctl show -p ActiveState kubelet)
since=$(systemctl show -p ActiveEnterTimestampMonotonic --value kubelet)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
if [ "$state" != ActiveState=active ]; then journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2
elif [ $(($(cut -d . -f 1 /proc/uptime) - ${since:-0} / 1000000)) -lt 3 ] && ! curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; then echo 'started just now'; fi
}
want_2='ActiveState=active
started after its files were written'
make_2() {
if systemctl -q is-active kubelet && { started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi; } | grep -qx 'started after its files were written'; then exit; fi
systemctl daemon-reload
systemctl restart kubelet
}

# ── 3 join/node: Be known to the cluster
# kubelet registers its node when it starts, under its name, with the address others will use. A node that was deleted in the cluster comes back only with a kubelet that starts anew.
read_3() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl get node worker-0 -o jsonpath='{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.nodeInfo.kubeletVersion}' 2>&1) || said=$(printf '%s\n' "$said" | tail -n 1); printf '%s\n' "$said"
}
want_3='worker-0 10.0.0.21 v1.36.3'
make_3() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl get node worker-0 -o jsonpath='{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.nodeInfo.kubeletVersion}' 2>&1) || case $said in
  # Whatever else it is, a kubelet that starts anew does not help.
  *'not found'*) systemctl restart kubelet ;;
esac
}

# ── 4 endpoint/answers: See that api.harbour.internal:6443 answers here
# A kubelet that is told of an endpoint it cannot reach is lost to the cluster within a minute. So whoever is to use another one asks it first, by its name and with the certificate checked, from the very host.
read_4() {
path=/etc/kubernetes/kubelet.conf
server=https://api.harbour.internal:6443
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ -z "$said" ] || [ "$said" = "$server" ]; then echo 'it answers, or this host needs it no more than before'
else
  said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz 2>&1)
  if [ "$said" = ok ]; then echo 'it answers, or this host needs it no more than before'; else printf '%s\n' "$said" | tail -n 1; fi
fi
}
want_4='it answers, or this host needs it no more than before'

# ── 5 endpoint/kubelet: Have kubelet go to the right API server
# A worker’s kubelet goes by way of the endpoint, as it was when the node joined. One that still goes by another would be lost with that one. It reads its kubeconfig when it starts; pods run on meanwhile.
read_5() {
path=/etc/kubernetes/kubelet.conf
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ -n "$said" ]; then echo "$said"; else echo https://api.harbour.internal:6443; fi
if [ -e /run/landfall/unread/kubelet ]; then echo 'kubelet has not read it'; fi
}
want_5=https://api.harbour.internal:6443
make_5() {
path=/etc/kubernetes/kubelet.conf
server=https://api.harbour.internal:6443
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ "$said" != "$server" ]; then
  if [ "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz)" != ok ]; then
  echo "$server does not answer from here, so nothing is changed"; exit 1
fi
  mkdir -p /run/landfall/unread
  : >/run/landfall/unread/kubelet
  cp -p "$path" "$path.landfall"
sed "s#^\( *server: \).*#\1$server#" "$path" >"$path.landfall"
sync "$path.landfall"
mv -fT "$path.landfall" "$path"
fi
systemctl restart kubelet
# Another node has its turn only when this kubelet is well.
tries=0
until curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; do
  tries=$((tries + 1))
  if [ "$tries" -ge 30 ]; then echo 'kubelet is not well half a minute after its start'; exit 1; fi
  sleep 1
done
rm -f /run/landfall/unread/kubelet
}

# ── 6 join/serving-settings: Have kubelet ask the cluster for the certificate it serves
# Left to itself kubelet makes a certificate and signs it with its own key: nobody can tell it from a stranger’s, and it is never renewed.
read_6() {
if grep -qx 'serverTLSBootstrap: true' /var/lib/kubelet/config.yaml 2>/dev/null; then echo 'asks the cluster'; else echo 'makes its own'; fi
}
want_6='asks the cluster'
make_6() {
kubeadm upgrade node phase kubelet-config
rm -rf /etc/kubernetes/tmp/kubeadm-kubelet-config*
sync -f /var/lib/kubelet
systemctl restart kubelet
}

# ── 7 join/serving-asked: See that kubelet asks for its certificate
# It asks when it has started and knows its address. A control plane then holds what it asks for against cluster.yaml; until it is granted, no log of this node’s pods can be read by way of the cluster.
read_7() {
if [ "$(probe served_certificate)" = 'signed by the cluster' ] || timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl get csr -o jsonpath='{range .items[*]}{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}{"\n"}{end}' | grep -qxF 'kubernetes.io/kubelet-serving|system:node:worker-0|'; then echo asked
else echo 'it has not asked for one'; fi
}
want_7=asked

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
given=/run/landfall/runs/RUN/join/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/join/stop; stop=${stop:-$tmp/stop}
cat >"$tmp/slots"/join-worker-0 <<'END'
the value of join-worker-0
END
say landfall 1 7
step 1 make 0
step 2 make 30
step 3 make 60
step 4 check 60
step 5 make 0
step 6 make 0
step 7 check 60
say end
}
main
