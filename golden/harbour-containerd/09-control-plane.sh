#!/bin/sh
# harbour · cp-0 · Make the control plane

# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { printf '%s' "$1" | base64 -w0; }

# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them.
probe() {
  [ -e "$tmp/probes/$1" ] || { "probe_$1" >"$tmp/probes/.$1" 2>"$tmp/probes/$1.note"; mv "$tmp/probes/.$1" "$tmp/probes/$1"; }
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
    ( set -eu; "make_$n" ) </dev/null 2>&1
    status=$?
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

probe_api() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get --raw /readyz
}

probe_kept_by_kubeadm() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get --ignore-not-found ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy -o jsonpath='{range .items[*]}{.kind}/{.metadata.name}{"\n"}{end}answered{"\n"}{.items[?(@.metadata.name=="kubeadm-config")].data.ClusterConfiguration}'
}

probe_cluster_objects() {
probe kept_by_kubeadm | sed '/^answered$/q'
}

probe_overview() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,daemonsets,deployments,namespaces -A -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.status.addresses[?(@.type=="InternalIP")].address}|{.status.nodeInfo.kubeletVersion}|{.status.conditions[?(@.type=="Ready")].status}|{.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect}|{.metadata.labels}|{.status.conditions[?(@.type=="Ready")].message}{"\n"}{end}{range .items[?(@.kind=="DaemonSet")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Deployment")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Namespace")]}namespace|{.metadata.name}|{.metadata.deletionTimestamp}{"\n"}{end}'
}

probe_nodes() {
probe overview | sed -n 's/^node|//p'
}

probe_kubeadm_settings() {
probe kept_by_kubeadm | sed '1,/^answered$/d'
}

# ── 1 control-plane/kubeadm-config: Write the file kubeadm reads
# kubeadm fills in whatever it is not told: the newest version it finds on the internet, the address of the default route, networks that may be in use. Told in a file, all of it can be read, compared and used again for the next upgrade.
read_1() {
{ stat -c '%04a %U:%G' /etc/kubernetes/landfall/kubeadm.yaml && cat /etc/kubernetes/landfall/kubeadm.yaml; } 2>/dev/null || echo absent
}
want_1='0600 root:root
# Written by Landfall: what kubeadm is told about harbour.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
  - ttl: 15m0s
localAPIEndpoint:
  advertiseAddress: 10.0.0.11
  bindPort: 6443
nodeRegistration:
  name: cp-0
  criSocket: unix:///run/containerd/containerd.sock
  taints: []
  kubeletExtraArgs:
    - name: node-ip
      value: 10.0.0.11
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
apiServer:
  certSANs:
    - api.harbour.internal
    - 10.0.0.11
    - localhost
    - 127.0.0.1
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
containerLogMaxSize: 50Mi
containerLogMaxFiles: 5
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack:
  maxPerCore: 32768
  min: 131072'
make_1() {
mkdir -p /etc/kubernetes/landfall
umask 077
cat >/etc/kubernetes/landfall/.kubeadm.yaml.landfall <<'END'
# Written by Landfall: what kubeadm is told about harbour.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
  - ttl: 15m0s
localAPIEndpoint:
  advertiseAddress: 10.0.0.11
  bindPort: 6443
nodeRegistration:
  name: cp-0
  criSocket: unix:///run/containerd/containerd.sock
  taints: []
  kubeletExtraArgs:
    - name: node-ip
      value: 10.0.0.11
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
apiServer:
  certSANs:
    - api.harbour.internal
    - 10.0.0.11
    - localhost
    - 127.0.0.1
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
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

# ── 2 control-plane/config-valid: Have kubeadm's word that the file is sound
# Field names change from version to version. This kubeadm checks every one of them, without a cluster and without the internet.
read_2() {
timeout 20 kubeadm config validate --config /etc/kubernetes/landfall/kubeadm.yaml
}
want_2=ok

# ── 3 control-plane/images: Fetch the control plane's images
# Fetched now, with its own message when it fails, an image is not what kubeadm waits four minutes for in vain. Where landfall.lock knows the digest of an image, it must be that very one.
read_3() {
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
want_3='all here'
make_3() {
kubeadm config images pull --config /etc/kubernetes/landfall/kubeadm.yaml --cri-socket unix:///run/containerd/containerd.sock
}

# ── 4 control-plane/no-torn-files: Clear away files a cut-short init left torn
# kubeadm keeps the keys and certificates it finds, and stops at one it finds alone or empty. Nothing has used such a file yet: it was torn while being written. Whole ones are left, and so is everything once the cluster has data.
read_4() {
cd /etc/kubernetes/pki 2>/dev/null || cd /
# No grep match, no end of file: the file was cut short, or is empty.
torn=" $(grep -L -e '^-----END' ./*.key ./*.crt ./*.pub etcd/*.key etcd/*.crt 2>/dev/null | sed 's#^\./##' | tr '\n' ' ')"
whole() { case $torn in *" $1 "*) false ;; *) [ -e "$1" ] ;; esac; }
found=$({
  for pair in ca apiserver apiserver-kubelet-client front-proxy-ca front-proxy-client etcd/ca etcd/server etcd/peer etcd/healthcheck-client apiserver-etcd-client; do
    if [ -e "$pair.key" ] && ! { whole "$pair.key" && whole "$pair.crt"; }; then echo "$pair"; fi
  done
  if [ -e sa.key ] && ! { whole sa.key && whole sa.pub; }; then echo sa; fi
  cd /etc/kubernetes 2>/dev/null && grep -L -e client-key admin.conf super-admin.conf kubelet.conf controller-manager.conf scheduler.conf 2>/dev/null
})
echo "$found" | sed 's/^$/none/'
}
want_4=none
make_4() {
whole() { [ -s "$1" ] && tail -n 1 "$1" | grep -q '^-----END'; }
data=; [ ! -d /var/lib/etcd/member ] || data=yes
cd /etc/kubernetes/pki 2>/dev/null || cd /
for family in 'ca apiserver apiserver-kubelet-client' 'front-proxy-ca front-proxy-client' 'etcd/ca etcd/server etcd/peer etcd/healthcheck-client apiserver-etcd-client'; do
  lost=
  for pair in $family; do
    if [ -e "$pair.key" ] && ! { whole "$pair.key" && whole "$pair.crt"; }; then
      case $pair in
        *ca) if [ -n "$data" ]; then echo "the authority $pair is damaged, and the cluster has data"; exit 1; fi; lost=yes ;;
      esac
      rm -f "$pair.key" "$pair.crt"
    elif [ -n "$lost" ]; then rm -f "$pair.key" "$pair.crt"; fi
  done
  case $lost$family in 'yesca '*) rm -f /etc/kubernetes/*.conf ;; esac
done
if [ -e sa.key ] && ! { whole sa.key && whole sa.pub; }; then
  if [ -n "$data" ]; then echo 'the key that signs service accounts is damaged, and the cluster has data'; exit 1; fi
  rm -f sa.key sa.pub
fi
cd /etc/kubernetes
for name in admin.conf super-admin.conf kubelet.conf controller-manager.conf scheduler.conf; do
  if [ -e "$name" ] && ! grep -q client-key "$name"; then rm -f "$name"; fi
done
}

# ── 5 control-plane/init: Make the cluster
# kubeadm makes the keys and certificates, starts etcd and the control plane as pods that kubelet runs by itself, and writes into the new cluster what later nodes need to know. Its phases keep what they find whole, so an init that was cut short anywhere is brought to its end by running it again.
read_5() {
part() { # NAME FILE...: whole, begun or absent
  name=$1; shift; there=0
  for path; do if [ -s "$path" ]; then there=$((there + 1)); fi; done
  if [ "$there" -eq 0 ]; then open="$open $name"; return; fi
  begun=yes
  if [ "$there" -lt $# ]; then open="$open $name"; fi
}
open=; begun=
cd /etc/kubernetes 2>/dev/null || cd /
for pair in ca apiserver apiserver-kubelet-client front-proxy-ca front-proxy-client etcd/ca etcd/server etcd/peer etcd/healthcheck-client apiserver-etcd-client; do set -- "$@" "pki/$pair.crt" "pki/$pair.key"; done
part certificates "$@" pki/sa.key pki/sa.pub
part kubeconfigs admin.conf kubelet.conf controller-manager.conf scheduler.conf
part manifests manifests/etcd.yaml manifests/kube-apiserver.yaml manifests/kube-controller-manager.yaml manifests/kube-scheduler.yaml
part kubelet /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
if [ -z "$begun" ]; then echo 'no cluster'
elif [ "$owner" != harbour ]; then echo 'not ours: Landfall did not begin this'
elif [ -n "$open" ]; then echo "half-done, open:$open"
else
  found=" $(probe cluster_objects 2>/dev/null | tr '\n' ' ')"
  case $found in
    *'answered ')
      for name in ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy; do case $found in *" $name "*) ;; *) open="$open $name" ;; esac; done ;;
    *) [ -e /etc/kubernetes/landfall/initialised ] || open=' what only the API server knows' ;;
  esac
  if [ -n "$open" ]; then echo "half-done, open:$open"; else echo initialised; fi
fi
}
want_5=initialised
make_5() {
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
if [ "$owner" != harbour ]; then
  echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
fi
met=
if [ -n "$(ls /etc/kubernetes/manifests 2>/dev/null)" ] || [ -e /var/lib/kubelet/config.yaml ]; then
  # An earlier try has come this far: that its own files and processes are there is no error.
  met=--ignore-preflight-errors=Port-6443,Port-10250,Port-10257,Port-10259,Port-2379,Port-2380,DirAvailable--var-lib-etcd,FileAvailable--etc-kubernetes-manifests-etcd.yaml,FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml,FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml,FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml
fi
kubeadm init --config /etc/kubernetes/landfall/kubeadm.yaml --skip-token-print --skip-certificate-key-print --skip-phases=show-join-command $met || {
  status=$?
  # kubeadm waits for kubelet and knows no more than that it does not come.
  journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2
  exit "$status"
}
# kubeadm leaves them to the page cache, where a power cut would take them from a cluster that has data by now.
find /etc/kubernetes -type f -exec sync {} +
date -u +%FT%TZ >/etc/kubernetes/landfall/.initialised.landfall
sync /etc/kubernetes/landfall/.initialised.landfall
mv -fT /etc/kubernetes/landfall/.initialised.landfall /etc/kubernetes/landfall/initialised
}

# ── 6 control-plane/kubelet: Run kubelet with the settings that lie on the disk
# kubelet starts every pod of the node, the control plane among them, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.
read_6() {
state=$(systemctl show -p ActiveState kubelet)
since=$(systemctl show -p ActiveEnterTimestampMonotonic --value kubelet)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
if [ "$state" != ActiveState=active ]; then journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2
elif [ $(($(cut -d . -f 1 /proc/uptime) - ${since:-0} / 1000000)) -lt 3 ] && ! curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; then echo 'started just now'; fi
}
want_6='ActiveState=active
started after its files were written'
make_6() {
if systemctl -q is-active kubelet && { started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi; } | grep -qx 'started after its files were written'; then exit; fi
systemctl daemon-reload
systemctl restart kubelet
}

# ── 7 control-plane/api-ready: Have an API server that is ready
# Everything from here on is said to the API server. It is ready when it reaches etcd and has finished starting, not when it merely listens.
read_7() {
probe api | grep . || echo 'not ready'
}
want_7=ok

# ── 8 control-plane/node: See the node in its own cluster
# kubelet registers the node under its name, with the address others will use, at its own version. A wrong address here shows only when a second node cannot be reached.
read_8() {
probe nodes | awk -F '|' -v name=cp-0 '$1 == name { print $1, $2, $3; seen = 1 } END { if (!seen) print "not seen" }'
}
want_8='cp-0 10.0.0.11 v1.36.3'

# ── 9 control-plane/settings: Run the cluster cluster.yaml describes
# Some things are decided once: the endpoint, the networks, the domain. kubeadm keeps them in the cluster. Changed in cluster.yaml alone they would be a wish nobody hears, so they are compared.
read_9() {
probe kubeadm_settings | tr -d '"' | sed -n 's/^ *\(\(''clusterName\|controlPlaneEndpoint\|dnsDomain\|kubernetesVersion\|podSubnet\|serviceSubnet''\): .*\)$/\1/p' | sort
}
want_9='clusterName: harbour
controlPlaneEndpoint: api.harbour.internal:6443
dnsDomain: cluster.local
kubernetesVersion: v1.36.3
podSubnet: 10.244.0.0/16
serviceSubnet: 10.96.0.0/16'

# ── 10 control-plane/certificates: Have certificates that stay valid
# The control plane's certificates live for a year and then all end on the same day. With less than thirty days left it is time to renew them.
read_10() {
timeout 20 kubeadm certs check-expiration --config /etc/kubernetes/landfall/kubeadm.yaml -o json 2>/dev/null | awk '
  /"name":/ { split($0, p, "\""); name = p[4] }
  /"residualTime":/ { gsub(/[^0-9-]/, ""); left[name] = int($0 / 86400); seen = 1 }
  /"missing": true/ { gone[name] = 1 }
  END {
    if (!seen) { print "kubeadm does not say"; exit }
    for (name in left) if (name in gone) { if (name != "super-admin.conf") { print name ": missing"; bad = 1 } }
      else if (left[name] < 30) { print name ": " left[name] " days left"; bad = 1 }
    if (!bad) print "none ends within 30 days"
  }' | sort
}
want_10='none ends within 30 days'

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
given=/run/landfall/runs/RUN/control-plane/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/control-plane/stop; stop=${stop:-$tmp/stop}
say landfall 1 10
step 1 make 0
step 2 check 0
step 3 make 0
step 4 make 0
step 5 make 30
step 6 make 30
step 7 check 240
step 8 check 60
step 9 check 0
step 10 check 0
say end
}
main
