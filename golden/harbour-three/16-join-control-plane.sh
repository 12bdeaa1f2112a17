#!/bin/sh
# harbour · cp-1 · Join the other control planes

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

probe_runtime_images() {
timeout 20 crictl images -o json 2>/dev/null | awk '
  /"repoTags":/ { tagging = !/]/; next }
  /"repoDigests":/ { digesting = !/]/; next }
  /]/ { tagging = digesting = 0 }
  tagging { split($0, p, "\""); tags[++t] = p[2] }
  digesting { split($0, p, "\""); sub(/.*@/, "", p[2]); digests = digests " " p[2] }
  /"size":/ { for (i = 1; i <= t; i++) print tags[i] digests; t = 0; digests = "" }'
}

probe_standing() {
if [ -e /etc/kubernetes/landfall/initialised ] || ! [ -d /var/lib/etcd/member ]; then echo 'no vote'
elif list=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system exec etcd-cp-0 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key --endpoints=https://127.0.0.1:2379 member list); then
  printf '%s\n' "$list" | awk -F ', ' -v name=cp-1 -v peer=https://10.0.0.12:2380 '
    $6 == "false" && ($3 == name || $4 == peer) { votes = 1 }
    END { print votes ? "votes" : "no vote" }'
fi
}

probe_certificate_ends() {
timeout 20 kubeadm certs check-expiration --config /etc/kubernetes/landfall/kubeadm.yaml -o json 2>/dev/null
}

probe_api() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get --raw /readyz
}

probe_overview() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,daemonsets,deployments,namespaces,certificatesigningrequests -A -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.status.addresses[?(@.type=="InternalIP")].address}|{.status.nodeInfo.kubeletVersion}|{.status.conditions[?(@.type=="Ready")].status}|{.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect}|{.metadata.labels}|{.status.conditions[?(@.type=="Ready")].message}{"\n"}{end}{range .items[?(@.kind=="DaemonSet")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Deployment")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Namespace")]}namespace|{.metadata.name}|{.metadata.deletionTimestamp}|{.metadata.uid}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}{"\n"}{end}'
}

probe_nodes() {
probe overview | sed -n 's/^node|//p'
}

probe_served_certificate() {
if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname cp-1 -verify_ip 10.0.0.12 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}

probe_etcd_members() {
[ "$(probe api)" = ok ] || return 0
list=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system exec etcd-cp-1 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key --endpoints=https://127.0.0.1:2379 member list) || return
printf '%s\n' "$list"
voters=$(printf '%s\n' "$list" | awk -F ', ' '$2 == "started" && $6 == "false" { print $5 }' | paste -sd , -)
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system exec etcd-cp-1 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key --endpoints="$voters" endpoint health 2>&1 || :
}

# ── 1 endpoint/held: See that 10.0.0.10 is held
# kubeadm writes the endpoint into everything it makes, and speaks to the API server through it at once. So the address is there first, and the API server behind it later.
read_1() {
if ip -4 -o addr show to 10.0.0.10/32 | grep -q .; then echo held
else
  timeout 1 bash -c ': </dev/tcp/$0/6443' 10.0.0.10 2>/dev/null || :
mac=$(ip -4 neigh show 10.0.0.10 dev eth0 2>/dev/null | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')
  if [ -n "$mac" ]; then echo held; else echo 'held by nobody'; fi
fi
}
want_1=held

# ── 2 control-plane/kubeadm-config: Write the file kubeadm reads
# kubeadm fills in whatever it is not told: the newest version it finds on the internet, the address of the default route, networks that may be in use. Told in a file, all of it can be read, compared and used again for the next upgrade.
read_2() {
{ stat -c '%04a %U:%G' /etc/kubernetes/landfall/kubeadm.yaml && cat /etc/kubernetes/landfall/kubeadm.yaml; } 2>/dev/null || echo absent
}
want_2='0600 root:root
# Written by Landfall: what kubeadm is told about harbour.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
  - ttl: 15m0s
localAPIEndpoint:
  advertiseAddress: 10.0.0.12
  bindPort: 6443
nodeRegistration:
  name: cp-1
  criSocket: unix:///var/run/crio/crio.sock
  kubeletExtraArgs:
    - name: node-ip
      value: 10.0.0.12
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: harbour
kubernetesVersion: v1.36.3
controlPlaneEndpoint: api.harbour.internal:6443
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
  dnsDomain: cluster.local
certificateValidityPeriod: 8760h0m0s
caCertificateValidityPeriod: 87600h0m0s
apiServer:
  certSANs:
    - api.harbour.internal
    - 10.0.0.10
    - 10.0.0.12
    - localhost
    - 127.0.0.1
  extraArgs:
    - name: kubelet-certificate-authority
      value: /etc/kubernetes/pki/ca.crt
    - name: shutdown-watch-termination-grace-period
      value: 10s
etcd:
  local:
    dataDir: /var/lib/etcd
    extraArgs:
      - name: election-timeout
        value: "1000"
      - name: heartbeat-interval
        value: "100"
      - name: quota-backend-bytes
        value: "8589934592"
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
serverTLSBootstrap: true
containerLogMaxSize: 50Mi
containerLogMaxFiles: 5
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack:
  maxPerCore: 32768
  min: 131072'
make_2() {
mkdir -p /etc/kubernetes/landfall
umask 077
cat >/etc/kubernetes/landfall/.kubeadm.yaml.landfall <<'END'
# Written by Landfall: what kubeadm is told about harbour.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
  - ttl: 15m0s
localAPIEndpoint:
  advertiseAddress: 10.0.0.12
  bindPort: 6443
nodeRegistration:
  name: cp-1
  criSocket: unix:///var/run/crio/crio.sock
  kubeletExtraArgs:
    - name: node-ip
      value: 10.0.0.12
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: harbour
kubernetesVersion: v1.36.3
controlPlaneEndpoint: api.harbour.internal:6443
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
  dnsDomain: cluster.local
certificateValidityPeriod: 8760h0m0s
caCertificateValidityPeriod: 87600h0m0s
apiServer:
  certSANs:
    - api.harbour.internal
    - 10.0.0.10
    - 10.0.0.12
    - localhost
    - 127.0.0.1
  extraArgs:
    - name: kubelet-certificate-authority
      value: /etc/kubernetes/pki/ca.crt
    - name: shutdown-watch-termination-grace-period
      value: 10s
etcd:
  local:
    dataDir: /var/lib/etcd
    extraArgs:
      - name: election-timeout
        value: "1000"
      - name: heartbeat-interval
        value: "100"
      - name: quota-backend-bytes
        value: "8589934592"
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
serverTLSBootstrap: true
containerLogMaxSize: 50Mi
containerLogMaxFiles: 5
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack:
  maxPerCore: 32768
  min: 131072
END
chmod 0600 /etc/kubernetes/landfall/.kubeadm.yaml.landfall
chown root:root /etc/kubernetes/landfall/.kubeadm.yaml.landfall
sync /etc/kubernetes/landfall/.kubeadm.yaml.landfall
mv -fT /etc/kubernetes/landfall/.kubeadm.yaml.landfall /etc/kubernetes/landfall/kubeadm.yaml
}

# ── 3 control-plane/config-valid: Have kubeadm's word that the file is sound
# Field names change from version to version. This kubeadm checks every one of them, without a cluster and without the internet.
read_3() {
timeout 20 kubeadm config validate --config /etc/kubernetes/landfall/kubeadm.yaml
}
want_3=ok

# ── 4 control-plane/images: Fetch the control plane's images
# Fetched now, with its own message when it fails, an image is not what kubeadm waits four minutes for in vain. All of them are fetched side by side. Where landfall.lock knows the digest of an image, it must be that very one.
read_4() {
have=$(printf '\n%s\n' "$(probe runtime_images)")
needed=$(probe kubeadm_images)
line=${have%"${have#?}"}
wrong=$(
  for image in $needed; do
    case $have in *"$line$image "*) ;; *) echo "$image is not here" ;; esac
  done
  for pair in ; do
    image=${pair% *} digest=${pair#* }
    case $have in *"$line$image "*) ;; *) continue ;; esac
    has=${have#*"$line$image "}; has=${has%%"$line"*}
    case " $has " in *" $digest "*) ;; *) echo "$image $has, accepted was $digest" ;; esac
  done
)
if [ -z "$needed" ]; then echo 'kubeadm does not say which'
else echo "${wrong:-all here}"; fi
}
want_4='all here'
make_4() {
pull() {
  for attempt in 1 2 3; do
    if said=$(crictl pull "$1" 2>&1); then echo "$1"; return; fi
  done
  echo "$1: $said"
  return 1
}
pids=
for image in $(kubeadm config images list --kubernetes-version v1.36.3 2>/dev/null); do
  pull "$image" &
  pids="$pids $!"
done
failed=
for pid in $pids; do wait "$pid" || failed=yes; done
[ -z "$failed" ]
}

# ── 5 join/standing: Know whether etcd counts on this host already
# A join that was cut short may have been given its vote by then. Taken back it would be missed whenever votes are counted: of two voters, it is the majority. Only etcd’s own list says so.
read_5() {
case $(probe standing) in votes | 'no vote') echo known ;; *) echo 'etcd does not say' ;; esac
}
want_5=known

# ── 6 join/member: Join the control plane
# kubeadm fetches the keys every control plane shares, sealed with a key of its own, enters the host into etcd as one that learns, and starts the same programs as on the first. A join that was cut short is taken back and begun anew: half a control plane is of no use to anybody. But once etcd counts on its vote, it is brought to its end.
read_6() {
open=; begun=
for path in /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/ca.key /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key /etc/kubernetes/pki/apiserver-kubelet-client.crt /etc/kubernetes/pki/apiserver-kubelet-client.key /etc/kubernetes/pki/front-proxy-ca.crt /etc/kubernetes/pki/front-proxy-ca.key /etc/kubernetes/pki/front-proxy-client.crt /etc/kubernetes/pki/front-proxy-client.key /etc/kubernetes/pki/etcd/ca.crt /etc/kubernetes/pki/etcd/ca.key /etc/kubernetes/pki/etcd/server.crt /etc/kubernetes/pki/etcd/server.key /etc/kubernetes/pki/etcd/peer.crt /etc/kubernetes/pki/etcd/peer.key /etc/kubernetes/pki/etcd/healthcheck-client.crt /etc/kubernetes/pki/etcd/healthcheck-client.key /etc/kubernetes/pki/apiserver-etcd-client.crt /etc/kubernetes/pki/apiserver-etcd-client.key /etc/kubernetes/pki/sa.key /etc/kubernetes/pki/sa.pub /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf /etc/kubernetes/manifests/etcd.yaml /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/manifests/kube-controller-manager.yaml /etc/kubernetes/manifests/kube-scheduler.yaml /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env; do
  if [ -s "$path" ]; then begun=yes; else open="$open $path"; fi
done
if [ -d /var/lib/etcd/member ] || [ -e /etc/kubernetes/bootstrap-kubelet.conf ]; then begun=yes; fi
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
if [ -z "$begun" ]; then echo 'no member'
elif [ "$owner" != harbour ]; then echo 'not ours: Landfall did not begin this'
elif ! [ -e /etc/kubernetes/landfall/initialised ]; then echo 'half joined'
elif [ -n "$open" ]; then echo "a member that lacks:$open"
elif [ -e /etc/kubernetes/bootstrap-kubelet.conf ] || [ -e /run/landfall/join.yaml ]; then echo 'half joined, open: its end'
else echo member; fi
}
want_6=member
make_6() {
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null) || :
if [ "$owner" != harbour ]; then
  echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
fi
open=; begun=
for path in /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/ca.key /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key /etc/kubernetes/pki/apiserver-kubelet-client.crt /etc/kubernetes/pki/apiserver-kubelet-client.key /etc/kubernetes/pki/front-proxy-ca.crt /etc/kubernetes/pki/front-proxy-ca.key /etc/kubernetes/pki/front-proxy-client.crt /etc/kubernetes/pki/front-proxy-client.key /etc/kubernetes/pki/etcd/ca.crt /etc/kubernetes/pki/etcd/ca.key /etc/kubernetes/pki/etcd/server.crt /etc/kubernetes/pki/etcd/server.key /etc/kubernetes/pki/etcd/peer.crt /etc/kubernetes/pki/etcd/peer.key /etc/kubernetes/pki/etcd/healthcheck-client.crt /etc/kubernetes/pki/etcd/healthcheck-client.key /etc/kubernetes/pki/apiserver-etcd-client.crt /etc/kubernetes/pki/apiserver-etcd-client.key /etc/kubernetes/pki/sa.key /etc/kubernetes/pki/sa.pub /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf /etc/kubernetes/manifests/etcd.yaml /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/manifests/kube-controller-manager.yaml /etc/kubernetes/manifests/kube-scheduler.yaml /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env; do
  if [ -s "$path" ]; then begun=yes; else open="$open $path"; fi
done
if [ -d /var/lib/etcd/member ] || [ -e /etc/kubernetes/bootstrap-kubelet.conf ]; then begun=yes; fi
if [ -e /etc/kubernetes/landfall/initialised ]; then
  if [ -n "$open" ]; then echo "a member that lacks:$open"; exit 1; fi
else
  if [ -z "$(slot join-cp-1)" ]; then echo 'no token was minted for this host in this run'; exit 1; fi
standing=$(probe standing)
case $standing in
  votes)
    for path in $open; do
      case $path in
        /etc/kubernetes/kubelet.conf | /var/lib/kubelet/*) ;;
        *) echo "a voter that lacks:$open"; exit 1 ;;
      esac
    done ;;
  'no vote')
    if [ -n "$begun" ]; then (
      begun=
if [ -e /etc/kubernetes/kubelet.conf ] || [ -d /etc/kubernetes/pki ] || [ -d /var/lib/etcd/member ]; then begun=yes; fi
if [ -n "$begun" ]; then
  if kubeadm version >/dev/null 2>&1; then
    systemctl start crio 2>/dev/null || :
    config=/etc/kubernetes/admin.conf
    config=/nonexistent
    kubeadm reset --force --cri-socket unix:///var/run/crio/crio.sock --cleanup-tmp-dir --kubeconfig "$config" || echo 'what kubeadm has left is taken away without it'
  else echo 'kubeadm is gone: what it would take away is taken away without it'; fi
  systemctl stop kubelet 2>/dev/null || :
fi
if [ -S /var/run/crio/crio.sock ] && timeout 120 crictl --runtime-endpoint unix:///var/run/crio/crio.sock --timeout 60s rmp --force --all >/dev/null 2>&1; then
  systemctl stop kubepods.slice 2>/dev/null || :
else
  systemctl stop crio 2>/dev/null || :
  systemctl stop kubepods.slice 2>/dev/null || :
  for pin in /run/netns/* /run/ipcns/* /run/utsns/* /run/userns/* /run/pidns/*; do
  case ${pin##*/} in
    ????????-????-????-????-????????????) umount -l "$pin" 2>/dev/null || :; rm -f "$pin" ;;
  esac
done
rm -f /run/crio/version
fi
if [ -n "$begun" ]; then
  mounts() { cut -d ' ' -f 2 /proc/mounts | grep '^/var/lib/kubelet/' | sort -r; }
mounts | while read -r mount; do umount "$mount" 2>/dev/null || umount -l "$mount" || :; done
left=$(mounts)
if [ -n "$left" ]; then printf '%s\n' "$left" 'still mounted: what kubelet and etcd have written is left as it is'; exit 1; fi
for path in /etc/kubernetes/manifests /etc/kubernetes/pki /etc/kubernetes/tmp /var/lib/etcd /var/lib/kubelet; do
  if [ -d "$path" ]; then find "$path/" -xdev -mindepth 1 -delete; fi
done
rm -f /etc/kubernetes/admin.conf /etc/kubernetes/super-admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf /etc/kubernetes/bootstrap-kubelet.conf /etc/cni/net.d/10-flannel.conflist /run/flannel/subnet.env
fi
for at in /sys/fs/bpf/cilium /sys/fs/bpf/calico /sys/fs/bpf/tc/globals/cilium_* /sys/fs/bpf/tc/globals/cali_*; do
  if [ -e "$at" ]; then rm -rf "$at"; fi
done
if command -v tc >/dev/null 2>&1; then
  ip -o link show | awk '{ sub(/[:@].*/, "", $2); print $2 }' | while read -r link; do
    for way in ingress egress; do
      tc filter show dev "$link" "$way" 2>/dev/null | grep -o -e 'pref [0-9]* bpf.*cil_' -e 'pref [0-9]* bpf.*calico_' | cut -d ' ' -f 2 | sort -u |
        while read -r pref; do tc filter delete dev "$link" "$way" pref "$pref"; done
    done
  done
fi
for mount in /run/cilium/cgroupv2 /run/calico/cgroup; do
  if grep -q " $mount " /proc/mounts; then umount "$mount" || umount -l "$mount"; fi
done
ip -o link show | awk '{ sub(/[:@].*/, "", $2); print $2 }' |
  grep -E '^(cni0|flannel\.1|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|wg-v6\.cali|cali[0-9a-f]{11}|cilium_[a-z0-9]+|lxc[0-9a-f]{12}|lxc_health|tunl0)$' | while read -r link; do
  if [ "$link" = tunl0 ]; then ip addr flush dev tunl0 && ip link set tunl0 down
  # The other end of a pair goes with the first.
  else ip link delete "$link" 2>/dev/null || ! ip link show "$link" >/dev/null 2>&1; fi
done
ip -4 route show root 10.244.0.0/16 2>/dev/null | awk '{ print $1 ~ /^[0-9]/ ? $1 : $1 " " $2 }' | while read -r route; do
  ip -4 route delete $route 2>/dev/null || :
done
for family in -4 -6; do
  if ip $family rule show 2>/dev/null | grep -q '^100:.*lookup local'; then
    ip $family rule show | grep -q '^0:.*lookup local' || ip $family rule add pref 0 lookup local
    ip $family rule delete pref 100 lookup local
  fi
  for table in 2004 2005; do
    while ip $family rule show 2>/dev/null | grep -q "lookup $table"; do ip $family rule delete lookup "$table" || break; done
    ip $family route flush table "$table" 2>/dev/null || :
  done
done
if command -v nft >/dev/null 2>&1; then
  nft delete table arp calico-arp 2>/dev/null || :
  for family in ip ip6; do
    for table in kube-proxy calico; do nft delete table "$family" "$table" 2>/dev/null || :; done
    case $family in ip) tool=iptables-nft ;; *) tool=ip6tables-nft ;; esac
    command -v "$tool-save" >/dev/null 2>&1 || continue
    for table in filter nat mangle raw; do
      nft list table "$family" "$table" >/dev/null 2>&1 || continue
      kept=$("$tool-save" -t "$table" 2>/dev/null | grep -v -e KUBE- -e FLANNEL- -e CNI- -e flanneld -e cali- -e cali: -e CILIUM_) || :
      if printf '%s\n' "$kept" | grep -q -e '^-A' -e '^:[A-Z]* DROP'; then printf '%s\n' "$kept" | "$tool-restore"
      else nft delete table "$family" "$table"; fi
    done
  done
fi
if command -v ipset >/dev/null 2>&1; then
  ipset list -n 2>/dev/null | grep -e '^cali[46]0' -e '^cilium_' | while read -r set; do ipset destroy "$set" 2>/dev/null || :; done
fi
rm -rf /var/lib/landfall/recovery
rm -f /etc/kubernetes/landfall/initialised /etc/kubernetes/landfall/kube-system-uid /etc/kubernetes/landfall/recovered
    ) || echo 'not all of the earlier try could be taken back'; fi ;;
  *) echo 'etcd does not say whether this host votes; nothing is touched'; exit 1 ;;
esac
ticket=$(slot join-cp-1)
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
  name: cp-1
  criSocket: unix:///var/run/crio/crio.sock
  kubeletExtraArgs:
    - name: node-ip
      value: 10.0.0.12
END
  printf 'discovery:
  bootstrapToken:
    apiServerEndpoint: "api.harbour.internal:6443"
    token: "%s"
    caCertHashes: ["%s"]
controlPlane:
  localAPIEndpoint:
    advertiseAddress: "10.0.0.12"
    bindPort: 6443
  certificateKey: "%s"
' "$1" "$2" "$3" >>/run/landfall/join.yaml
)
status=0
if [ "$standing" = votes ]; then
  skip=--skip-phases=preflight,control-plane-prepare,check-etcd,etcd-join
if [ -z "$open" ]; then skip=$skip,kubelet-start; fi
kubeadm join --config /run/landfall/join.yaml "$skip" || status=$?
else
  kubeadm join --config /run/landfall/join.yaml --skip-phases=etcd-join,kubelet-wait-bootstrap,control-plane-join,wait-control-plane || status=$?
if [ "$status" -eq 0 ]; then
  find /etc/kubernetes -type f -exec sync {} +
if [ -d /var/lib/kubelet ]; then find /var/lib/kubelet -maxdepth 1 '(' -name '*.yaml' -o -name '*.env' ')' -exec sync {} +; fi
  mkdir -p /var/lib/etcd
  chmod 0700 /var/lib/etcd
  chattr +D /var/lib/etcd 2>/dev/null || :
  chattr +S /etc/kubernetes/manifests 2>/dev/null || :
  kubeadm join --config /run/landfall/join.yaml --skip-phases=preflight,control-plane-prepare,check-etcd,kubelet-start || status=$?
  chattr -R -S /etc/kubernetes/manifests 2>/dev/null || :
fi
fi
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

# ── 7 join/certificates: Have certificates that stay valid
# The certificates of a control plane are made in one minute and end in one minute, and the whole control plane stops with them. They are renewed long before, by the authorities that are there, and what has read the old ones is started anew: on one control plane at a time.
read_7() {
if [ -e /etc/kubernetes/landfall/renewing ]; then echo 'renewed, and not yet read by all that use them'
else probe certificate_ends | awk -v days=90 -v authorities=0 '
      /"name":/ { split($0, p, "\""); name = p[4] }
      /"residualTime":/ { gsub(/[^0-9-]/, ""); left[name] = int($0 / 86400); seen = 1 }
      /"missing": true/ { gone[name] = 1 } END {
        if (!seen) { print "kubeadm does not say"; exit 1 }
        for (name in left) {
          if ((name ~ /^(ca|etcd-ca|front-proxy-ca)$/) != authorities) continue
          if (name in gone) { if (name != "super-admin.conf") print name ": missing" }
          else if (left[name] < days) print name ": ends within " days " days"
        }
      }' | sort | grep . || echo 'none ends within 90 days'; fi
}
want_7='none ends within 90 days'
make_7() {
: >/etc/kubernetes/landfall/renewing
sync /etc/kubernetes/landfall/renewing
kubeadm certs renew all --config /etc/kubernetes/landfall/kubeadm.yaml
find /etc/kubernetes -type f -exec sync {} +
for part in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for id in $(crictl ps -q --name "^$part\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
done
rm -f /etc/kubernetes/landfall/renewing
}

# ── 8 join/api-names: Have every name of the API server in its certificate
# A client refuses an API server whose certificate does not name what it was called by. kubeadm writes the certificate once; a name, or an address of this node, that is wished for later is put in by making it anew. Its key changes, its authority does not.
read_8() {
there=,$(openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName 2>/dev/null | tail -n 1 | tr -d ' '),
for name in api.harbour.internal 10.0.0.10 10.0.0.12 localhost 127.0.0.1; do
  case $there in
    *",DNS:$name,"* | *",IPAddress:$name,"*) ;;
    *) echo "lacks $name" ;;
  esac
done | grep . || echo 'all of them'
}
want_8='all of them'
make_8() {
rm -rf /run/landfall/apiserver
( umask 077; mkdir -p /run/landfall/apiserver )
ln -s /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/ca.key /run/landfall/apiserver/
sed 's#^kind: ClusterConfiguration$#&\ncertificatesDir: /run/landfall/apiserver#' /etc/kubernetes/landfall/kubeadm.yaml >/run/landfall/apiserver/kubeadm.yaml
# As long as anybody goes by another endpoint, its name stays.
now=$(sed -n 's#^ *server: https://\(.*\):[0-9]*$#\1#p' /etc/kubernetes/admin.conf 2>/dev/null) || now=
if [ -n "$now" ] && ! grep -qxF -e "    - $now" /run/landfall/apiserver/kubeadm.yaml; then sed -i "s#^  certSANs:\$#&\n    - $now#" /run/landfall/apiserver/kubeadm.yaml; fi
kubeadm init phase certs apiserver --config /run/landfall/apiserver/kubeadm.yaml
for end in key crt; do
  cp -p /run/landfall/apiserver/apiserver."$end" /etc/kubernetes/pki/.apiserver."$end".landfall
  sync /etc/kubernetes/pki/.apiserver."$end".landfall
done
for end in key crt; do mv -fT /etc/kubernetes/pki/.apiserver."$end".landfall /etc/kubernetes/pki/apiserver."$end"; done
rm -rf /run/landfall/apiserver
}

# ── 9 join/kubelet: Run kubelet with the settings that lie on the disk
# kubelet starts every pod of the node, the control plane among them, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.
read_9() {
state=$(systemctl show -p ActiveState kubelet)
since=$(systemctl show -p ActiveEnterTimestampMonotonic --value kubelet)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
if [ "$state" != ActiveState=active ]; then journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2
elif [ $(($(cut -d . -f 1 /proc/uptime) - ${since:-0} / 1000000)) -lt 3 ] && ! curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; then echo 'started just now'; fi
}
want_9='ActiveState=active
started after its files were written'
make_9() {
if systemctl -q is-active kubelet && { started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi; } | grep -qx 'started after its files were written'; then exit; fi
systemctl daemon-reload
systemctl restart kubelet
}

# ── 10 join/api-ready: Have an API server that is ready
# Everything from here on is said to the API server. It is ready when it reaches etcd and has finished starting, not when it merely listens.
read_10() {
probe api | grep . || echo 'not ready'
}
want_10=ok

# ── 11 join/node: Be known to the cluster
# kubelet registers its node when it starts, under its name, with the address others will use. A node that was deleted in the cluster comes back only with a kubelet that starts anew.
read_11() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get node cp-1 -o jsonpath='{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.nodeInfo.kubeletVersion}' 2>&1) || said=$(printf '%s\n' "$said" | tail -n 1); printf '%s\n' "$said"
}
want_11='cp-1 10.0.0.12 v1.36.3'
make_11() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get node cp-1 -o jsonpath='{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.nodeInfo.kubeletVersion}' 2>&1) || case $said in
  # Whatever else it is, a kubelet that starts anew does not help.
  *'not found'*) systemctl restart kubelet ;;
esac
}

# ── 12 endpoint/answers: See that api.harbour.internal:6443 answers here
# A kubelet that is told of an endpoint it cannot reach is lost to the cluster within a minute. So whoever is to use another one asks it first, by its name and with the certificate checked, from the very host.
read_12() {
path=/etc/kubernetes/admin.conf
server=https://api.harbour.internal:6443
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ -z "$said" ] || [ "$said" = "$server" ]; then echo 'it answers, or this host needs it no more than before'
else
  said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz 2>&1)
  if [ "$said" = ok ]; then echo 'it answers, or this host needs it no more than before'; else printf '%s\n' "$said" | tail -n 1; fi
fi
}
want_12='it answers, or this host needs it no more than before'

# ── 13 endpoint/kubelet: Have kubelet go to the right API server
# The kubelet of a control plane goes to the API server beside it, so that neither is told anything by one of another version, and no balancer is needed to start the one that stands behind it. It reads its kubeconfig when it starts; pods run on meanwhile.
read_13() {
path=/etc/kubernetes/kubelet.conf
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ -n "$said" ]; then echo "$said"; else echo https://10.0.0.12:6443; fi
if [ -e /run/landfall/unread/kubelet ]; then echo 'kubelet has not read it'; fi
}
want_13=https://10.0.0.12:6443
make_13() {
path=/etc/kubernetes/kubelet.conf
server=https://10.0.0.12:6443
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ "$said" != "$server" ]; then
  if [ "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz)" != ok ]; then
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

# ── 14 endpoint/kubeconfigs: Have the kubeconfigs of the control plane name the right API server
# admin.conf is what kubeadm and whoever logs in here speak by, and what every copy of it was made from: it names the endpoint. The controllers and the scheduler go to the API server beside them, whatever becomes of the endpoint.
read_14() {
for pair in admin.conf=https://api.harbour.internal:6443 super-admin.conf=https://api.harbour.internal:6443 controller-manager.conf=https://10.0.0.12:6443 scheduler.conf=https://10.0.0.12:6443; do
  name=${pair%%=*} server=${pair#*=}
path=/etc/kubernetes/$name
mark=/run/landfall/unread/kube-${name%.conf}
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
  if [ -n "$said" ] && [ "$said" != "$server" ]; then echo "$name names $said"
  elif [ -e "$mark" ]; then echo "$name was not read again"; fi
done | grep . || echo 'each names what it should'
}
want_14='each names what it should'
make_14() {
for pair in admin.conf=https://api.harbour.internal:6443 super-admin.conf=https://api.harbour.internal:6443 controller-manager.conf=https://10.0.0.12:6443 scheduler.conf=https://10.0.0.12:6443; do
  name=${pair%%=*} server=${pair#*=}
path=/etc/kubernetes/$name
mark=/run/landfall/unread/kube-${name%.conf}
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
  if [ -n "$said" ] && [ "$said" != "$server" ]; then
    if [ "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz)" != ok ]; then
  echo "$server does not answer from here, so nothing is changed"; exit 1
fi
    case $name in
      *admin.conf) ;;
      *)
        mkdir -p /run/landfall/unread
        : >"$mark" ;;
    esac
    cp -p "$path" "$path.landfall"
sed "s#^\( *server: \).*#\1$server#" "$path" >"$path.landfall"
sync "$path.landfall"
mv -fT "$path.landfall" "$path"
  fi
  if [ -e "$mark" ]; then
    for id in $(crictl ps -q --name "^${mark##*/}\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
    rm -f "$mark"
  fi
done
}

# ── 15 join/serving-settings: Have kubelet ask the cluster for the certificate it serves
# Left to itself kubelet makes a certificate and signs it with its own key: nobody can tell it from a stranger’s, and it is never renewed.
read_15() {
if grep -qx 'serverTLSBootstrap: true' /var/lib/kubelet/config.yaml 2>/dev/null; then echo 'asks the cluster'; else echo 'makes its own'; fi
}
want_15='asks the cluster'
make_15() {
kubeadm upgrade node phase kubelet-config
rm -rf /etc/kubernetes/tmp/kubeadm-kubelet-config*
sync -f /var/lib/kubelet
systemctl restart kubelet
}

# ── 16 join/approver: Grant kubelets the certificates of their own names
# Kubernetes grants no certificate of the kind a kubelet serves, for whoever may ask for any name may stand in for any node. What is granted here is asked for by a node itself, and for exactly the name and the address that node has in cluster.yaml. Everything else is left to you.
read_16() {
{ stat -c '%04a %U:%G' /usr/local/sbin/landfall-approve && cat /usr/local/sbin/landfall-approve; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-approve.service && cat /etc/systemd/system/landfall-approve.service; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-approve.timer && cat /etc/systemd/system/landfall-approve.timer; } 2>/dev/null || echo absent
systemctl show -p ActiveState,UnitFileState landfall-approve.timer | sort
}
want_16='0755 root:root
#!/bin/sh
# Written by Landfall.
set -eu
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
cd /

# Grants the serving certificates that kubelets wait for, each for its own name and address and nothing else.
# "landfall-approve list" names the nodes whose requests it would grant, and grants none.
right() { # NODE ADDRESS USAGES REQUEST
  case $3 in
    '\''["digital signature","server auth"]'\'' | '\''["digital signature","key encipherment","server auth"]'\'') ;;
    *) echo "it is for $3"; return 1 ;;
  esac
  said=$(printf '\''%s'\'' "$4" | base64 -d | openssl req -verify -noout -subject -nameopt RFC2253 -text 2>&1) || { echo '\''it cannot be read'\''; return 1; }
  case $said in *'\''verify OK'\''*) ;; *) echo '\''it is not signed with its own key'\''; return 1 ;; esac
  subject=$(printf '\''%s\n'\'' "$said" | sed -n '\''s/^subject= *//p'\'')
  if [ "$subject" != "CN=system:node:$1,O=system:nodes" ]; then echo "it is for $subject"; return 1; fi
  names=$(printf '\''%s\n'\'' "$said" | awk '\''/X509v3 Subject Alternative Name:/ { getline; print }'\'' | tr '\'','\'' '\''\n'\'' | sed '\''s/^ *//'\'' | sort | paste -sd '\'' '\'' -)
  if [ "$names" != "DNS:$1 IP Address:$2" ]; then echo "it names $names, and cluster.yaml $1 at $2"; return 1; fi
}

seen=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,certificatesigningrequests -o jsonpath='\''{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.metadata.labels.node-restriction\.kubernetes\.io/landfall-address}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.metadata.name}|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}|{.spec.usages}|{.spec.request}{"\n"}{end}'\'')
printf '\''%s\n'\'' "$seen" | awk -F '\''|'\'' -v signer=kubernetes.io/kubelet-serving '\''
  $1 == "node" && $3 != "" { address["system:node:" $2] = $2 "|" $3 }
  $1 == "request" && $3 == signer && $5 == "" { print $2 "|" ($4 in address ? address[$4] : "|") "|" $4 "|" $6 "|" $7 }'\'' |
  while IFS='\''|'\'' read -r request node address who usages text; do
    if [ -z "$node" ]; then echo "$request is not granted: no node Landfall knows asks for it, but $who" >&2
    elif why=$(right "$node" "$address" "$usages" "$text"); then
      if [ "${1:-}" = list ]; then echo "$node"; else timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl certificate approve "$request"; fi
    else echo "$request of $node is not granted: $why" >&2; fi
  done
0644 root:root
# Written by Landfall.
[Unit]
Description=Grant kubelets the certificates of their own names
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/landfall-approve
0644 root:root
# Written by Landfall.
[Unit]
Description=Grant kubelets the certificates of their own names
[Timer]
OnBootSec=1min
OnUnitActiveSec=5min
AccuracySec=30s
[Install]
WantedBy=timers.target
ActiveState=active
UnitFileState=enabled'
make_16() {
mkdir -p /usr/local/sbin
cat >/usr/local/sbin/.landfall-approve.landfall <<'END'
#!/bin/sh
# Written by Landfall.
set -eu
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
cd /

# Grants the serving certificates that kubelets wait for, each for its own name and address and nothing else.
# "landfall-approve list" names the nodes whose requests it would grant, and grants none.
right() { # NODE ADDRESS USAGES REQUEST
  case $3 in
    '["digital signature","server auth"]' | '["digital signature","key encipherment","server auth"]') ;;
    *) echo "it is for $3"; return 1 ;;
  esac
  said=$(printf '%s' "$4" | base64 -d | openssl req -verify -noout -subject -nameopt RFC2253 -text 2>&1) || { echo 'it cannot be read'; return 1; }
  case $said in *'verify OK'*) ;; *) echo 'it is not signed with its own key'; return 1 ;; esac
  subject=$(printf '%s\n' "$said" | sed -n 's/^subject= *//p')
  if [ "$subject" != "CN=system:node:$1,O=system:nodes" ]; then echo "it is for $subject"; return 1; fi
  names=$(printf '%s\n' "$said" | awk '/X509v3 Subject Alternative Name:/ { getline; print }' | tr ',' '\n' | sed 's/^ *//' | sort | paste -sd ' ' -)
  if [ "$names" != "DNS:$1 IP Address:$2" ]; then echo "it names $names, and cluster.yaml $1 at $2"; return 1; fi
}

seen=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,certificatesigningrequests -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.metadata.labels.node-restriction\.kubernetes\.io/landfall-address}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.metadata.name}|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}|{.spec.usages}|{.spec.request}{"\n"}{end}')
printf '%s\n' "$seen" | awk -F '|' -v signer=kubernetes.io/kubelet-serving '
  $1 == "node" && $3 != "" { address["system:node:" $2] = $2 "|" $3 }
  $1 == "request" && $3 == signer && $5 == "" { print $2 "|" ($4 in address ? address[$4] : "|") "|" $4 "|" $6 "|" $7 }' |
  while IFS='|' read -r request node address who usages text; do
    if [ -z "$node" ]; then echo "$request is not granted: no node Landfall knows asks for it, but $who" >&2
    elif why=$(right "$node" "$address" "$usages" "$text"); then
      if [ "${1:-}" = list ]; then echo "$node"; else timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl certificate approve "$request"; fi
    else echo "$request of $node is not granted: $why" >&2; fi
  done
END
chmod 0755 /usr/local/sbin/.landfall-approve.landfall
sync /usr/local/sbin/.landfall-approve.landfall
mv -fT /usr/local/sbin/.landfall-approve.landfall /usr/local/sbin/landfall-approve
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/.landfall-approve.service.landfall <<'END'
# Written by Landfall.
[Unit]
Description=Grant kubelets the certificates of their own names
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/landfall-approve
END
chmod 0644 /etc/systemd/system/.landfall-approve.service.landfall
sync /etc/systemd/system/.landfall-approve.service.landfall
mv -fT /etc/systemd/system/.landfall-approve.service.landfall /etc/systemd/system/landfall-approve.service
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/.landfall-approve.timer.landfall <<'END'
# Written by Landfall.
[Unit]
Description=Grant kubelets the certificates of their own names
[Timer]
OnBootSec=1min
OnUnitActiveSec=5min
AccuracySec=30s
[Install]
WantedBy=timers.target
END
chmod 0644 /etc/systemd/system/.landfall-approve.timer.landfall
sync /etc/systemd/system/.landfall-approve.timer.landfall
mv -fT /etc/systemd/system/.landfall-approve.timer.landfall /etc/systemd/system/landfall-approve.timer
systemctl enable landfall-approve.timer
systemctl restart landfall-approve.timer
}

# ── 17 join/serving-address: Write down in the cluster at which address each node is
# What a kubelet asks for is held against this, not against what the kubelet says of itself: a label that no kubelet may set, with the address cluster.yaml gives the node.
read_17() {
if [ -z "$(probe nodes)" ]; then
  echo 'the API server names no node'
else
  probe nodes | awk -F '|' -v wanted='cp-1|"node-restriction.kubernetes.io/landfall-address":"10.0.0.12"' '
  BEGIN { n = split(wanted, pairs, " "); for (i = 1; i <= n; i++) { split(pairs[i], p, "|"); mark[p[1]] = p[2] } }
  ($1 in mark) && !index($6, mark[$1]) { print $1 }' | grep . || echo 'all of them'
fi
}
want_17='all of them'
again_17='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_17() {
open=" $(probe nodes | awk -F '|' -v wanted='cp-1|"node-restriction.kubernetes.io/landfall-address":"10.0.0.12"' '
  BEGIN { n = split(wanted, pairs, " "); for (i = 1; i <= n; i++) { split(pairs[i], p, "|"); mark[p[1]] = p[2] } }
  ($1 in mark) && !index($6, mark[$1]) { print $1 }' | paste -sd ' ' -) "
case $open in *' cp-1 '*) timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl label node cp-1 node-restriction.kubernetes.io/landfall-address=10.0.0.12 --overwrite ;; esac
}

# ── 18 join/serving: Have kubelet serve a certificate the cluster has signed
# The API server hands commands and whole sessions to whoever answers at the address of a node, and metrics are read from there. Only a certificate of the cluster’s own authority shows that it is the node’s kubelet.
read_18() {
probe served_certificate
}
want_18='signed by the cluster'
make_18() {
now() {
  if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname cp-1 -verify_ip 10.0.0.12 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}
tries=0
until /usr/local/sbin/landfall-approve list 2>/dev/null | grep -qxF cp-1 || [ "$(now)" = 'signed by the cluster' ] || [ "$tries" -ge 60 ]; do
  tries=$((tries + 1)); sleep 1
done
/usr/local/sbin/landfall-approve
}

# ── 19 join/etcd-member: Have a vote in etcd
# A new member first learns what the others know, and votes when it has caught up. Until then it bears no loss; so the next control plane waits for this one.
read_19() {
probe etcd_members | awk -F ', ' -v own=cp-1 '$2 == "started" && $6 == "false" { voters++; name[$5] = $3 }
$2 == "unstarted" && $6 == "false" { voters++; bad = bad " " $4 }
/ is healthy: / { well++ }
/ is unhealthy: / { split($0, p, " is unhealthy: "); bad = bad " " (p[1] in name ? name[p[1]] : p[1]) }
  $2 == "started" && $3 == own { state = $6 == "true" ? own " still learns" : own " votes" }
  END {
    if (!voters) print "etcd does not answer"
    else if (bad != "" || well < voters) print "not healthy:" bad
    else print (state == "" ? own " is no member" : state)
  }'
}
want_19='cp-1 votes'

# ── 20 join/renewal: Renew certificates when nobody comes by
# A cluster that works is left alone, and a year later all its certificates end. So each control plane looks once a day, at an hour of its own, and renews what ends soon; it waits for another day while another control plane is not well, as long as there are days left.
read_20() {
{ stat -c '%04a %U:%G' /usr/local/sbin/landfall-renew && cat /usr/local/sbin/landfall-renew; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-renew.service && cat /etc/systemd/system/landfall-renew.service; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-renew.timer && cat /etc/systemd/system/landfall-renew.timer; } 2>/dev/null || echo absent
systemctl show -p ActiveState,UnitFileState landfall-renew.timer | sort
}
want_20='0755 root:root
#!/bin/sh
# Written by Landfall.
set -eu
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
cd /

# Renews this control plane'\''s certificates when one of them ends soon, and has everything read what is new.
soon() { timeout 20 kubeadm certs check-expiration --config /etc/kubernetes/landfall/kubeadm.yaml -o json 2>/dev/null | awk -v days="$1" -v authorities=0 '\''
      /"name":/ { split($0, p, "\""); name = p[4] }
      /"residualTime":/ { gsub(/[^0-9-]/, ""); left[name] = int($0 / 86400); seen = 1 }
      /"missing": true/ { gone[name] = 1 } END {
        if (!seen) { print "kubeadm does not say"; exit 1 }
        for (name in left) {
          if ((name ~ /^(ca|etcd-ca|front-proxy-ca)$/) != authorities) continue
          if (name in gone) { if (name != "super-admin.conf") print name ": missing" }
          else if (left[name] < days) print name ": ends within " days " days"
        }
      }'\'' | sort; }

ending=$(soon 90)
if [ ! -e /etc/kubernetes/landfall/renewing ]; then
  case $ending in
    '\'''\'') exit ;;
    '\''kubeadm does not say'\'') echo "$ending"; exit 1 ;;
  esac
fi
printf '\''%s\n'\'' "$ending"
if [ -e /run/landfall/lock ] && ! flock -n /run/landfall/lock true; then echo '\''Landfall is at work here: another day'\''; exit; fi
if [ -z "$(soon 7)" ]; then
  # What is started anew here must not be missed: not by etcd, which counts its votes.
  for other in $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -l node-role.kubernetes.io/control-plane -o jsonpath='\''{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'\''); do
    [ "$other" = 10.0.0.12 ] || curl -fs -o /dev/null -m 5 --noproxy '\''*'\'' --cacert /etc/kubernetes/pki/ca.crt "https://$other:"6443/readyz || { echo "the control plane at $other is not ready: another day"; exit; }
  done
fi
: >/etc/kubernetes/landfall/renewing
sync /etc/kubernetes/landfall/renewing
kubeadm certs renew all --config /etc/kubernetes/landfall/kubeadm.yaml
find /etc/kubernetes -type f -exec sync {} +
for part in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for id in $(crictl ps -q --name "^$part\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
done
rm -f /etc/kubernetes/landfall/renewing
tries=0
until curl -fs -o /dev/null -m 5 --noproxy '\''*'\'' --cacert /etc/kubernetes/pki/ca.crt https://10.0.0.12:6443/readyz; do
  tries=$((tries + 1))
  if [ "$tries" -ge 240 ]; then echo '\''renewed, and the API server is not back after four minutes'\''; exit 1; fi
  sleep 1
done
echo renewed
0644 root:root
# Written by Landfall.
[Unit]
Description=Renew the certificates of the control plane before they end
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/landfall-renew
0644 root:root
# Written by Landfall.
[Unit]
Description=Renew the certificates of the control plane before they end
[Timer]
OnCalendar=*-*-* 08:30:00
RandomizedDelaySec=25min
FixedRandomDelay=true
[Install]
WantedBy=timers.target
ActiveState=active
UnitFileState=enabled'
make_20() {
mkdir -p /usr/local/sbin
cat >/usr/local/sbin/.landfall-renew.landfall <<'END'
#!/bin/sh
# Written by Landfall.
set -eu
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
cd /

# Renews this control plane's certificates when one of them ends soon, and has everything read what is new.
soon() { timeout 20 kubeadm certs check-expiration --config /etc/kubernetes/landfall/kubeadm.yaml -o json 2>/dev/null | awk -v days="$1" -v authorities=0 '
      /"name":/ { split($0, p, "\""); name = p[4] }
      /"residualTime":/ { gsub(/[^0-9-]/, ""); left[name] = int($0 / 86400); seen = 1 }
      /"missing": true/ { gone[name] = 1 } END {
        if (!seen) { print "kubeadm does not say"; exit 1 }
        for (name in left) {
          if ((name ~ /^(ca|etcd-ca|front-proxy-ca)$/) != authorities) continue
          if (name in gone) { if (name != "super-admin.conf") print name ": missing" }
          else if (left[name] < days) print name ": ends within " days " days"
        }
      }' | sort; }

ending=$(soon 90)
if [ ! -e /etc/kubernetes/landfall/renewing ]; then
  case $ending in
    '') exit ;;
    'kubeadm does not say') echo "$ending"; exit 1 ;;
  esac
fi
printf '%s\n' "$ending"
if [ -e /run/landfall/lock ] && ! flock -n /run/landfall/lock true; then echo 'Landfall is at work here: another day'; exit; fi
if [ -z "$(soon 7)" ]; then
  # What is started anew here must not be missed: not by etcd, which counts its votes.
  for other in $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.12:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -l node-role.kubernetes.io/control-plane -o jsonpath='{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'); do
    [ "$other" = 10.0.0.12 ] || curl -fs -o /dev/null -m 5 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt "https://$other:"6443/readyz || { echo "the control plane at $other is not ready: another day"; exit; }
  done
fi
: >/etc/kubernetes/landfall/renewing
sync /etc/kubernetes/landfall/renewing
kubeadm certs renew all --config /etc/kubernetes/landfall/kubeadm.yaml
find /etc/kubernetes -type f -exec sync {} +
for part in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for id in $(crictl ps -q --name "^$part\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
done
rm -f /etc/kubernetes/landfall/renewing
tries=0
until curl -fs -o /dev/null -m 5 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt https://10.0.0.12:6443/readyz; do
  tries=$((tries + 1))
  if [ "$tries" -ge 240 ]; then echo 'renewed, and the API server is not back after four minutes'; exit 1; fi
  sleep 1
done
echo renewed
END
chmod 0755 /usr/local/sbin/.landfall-renew.landfall
sync /usr/local/sbin/.landfall-renew.landfall
mv -fT /usr/local/sbin/.landfall-renew.landfall /usr/local/sbin/landfall-renew
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/.landfall-renew.service.landfall <<'END'
# Written by Landfall.
[Unit]
Description=Renew the certificates of the control plane before they end
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/landfall-renew
END
chmod 0644 /etc/systemd/system/.landfall-renew.service.landfall
sync /etc/systemd/system/.landfall-renew.service.landfall
mv -fT /etc/systemd/system/.landfall-renew.service.landfall /etc/systemd/system/landfall-renew.service
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/.landfall-renew.timer.landfall <<'END'
# Written by Landfall.
[Unit]
Description=Renew the certificates of the control plane before they end
[Timer]
OnCalendar=*-*-* 08:30:00
RandomizedDelaySec=25min
FixedRandomDelay=true
[Install]
WantedBy=timers.target
END
chmod 0644 /etc/systemd/system/.landfall-renew.timer.landfall
sync /etc/systemd/system/.landfall-renew.timer.landfall
mv -fT /etc/systemd/system/.landfall-renew.timer.landfall /etc/systemd/system/landfall-renew.timer
systemctl enable landfall-renew.timer
systemctl restart landfall-renew.timer
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
given=/run/landfall/runs/RUN/join-control-plane/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/join-control-plane/stop; stop=${stop:-$tmp/stop}
cat >"$tmp/slots"/join-cp-1 <<'END'
the value of join-cp-1
END
say landfall 1 20
step 1 check 20
step 2 make 0
step 3 check 0
step 4 make 0
step 5 check 90
step 6 make 0
step 7 make 0
step 8 make 0
step 9 make 30
step 10 check 240
step 11 make 60
step 12 check 60
step 13 make 0
step 14 make 0
step 15 make 0
step 16 make 0
step 17 make 30
step 18 make 120
step 19 check 180
step 20 make 0
say end
}
main
