#!/bin/sh
# harbour · cp-0 · Make the control plane

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

probe_api() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get --raw /readyz
}

probe_kept_in_cluster() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get --ignore-not-found ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy ConfigMap/landfall-applied -o jsonpath='{range .items[*]}{.kind}/{.metadata.name}{"\n"}{end}answered{"\n"}{.items[?(@.metadata.name=="kubeadm-config")].data.ClusterConfiguration}{"\n"}{.items[?(@.metadata.name=="kubelet-config")].data.kubelet}{"\n"}proxied{"\n"}{.items[?(@.metadata.name=="kube-proxy")].data.kubeconfig\.conf}{"\n"}written|{.items[?(@.metadata.name=="kube-proxy")].metadata.annotations.landfall/kubeconfig-written}|{.items[?(@.metadata.name=="kube-proxy")].spec.template.metadata.annotations.landfall/kubeconfig-written}{"\n"}recorded{"\n"}{.items[?(@.metadata.name=="landfall-applied")].data.history}{"\n"}spec{"\n"}{.items[?(@.metadata.name=="landfall-applied")].data.cluster\.yaml}'
}

probe_cluster_objects() {
probe kept_in_cluster | sed '/^answered$/q'
}

probe_certificate_ends() {
timeout 20 kubeadm certs check-expiration --config /etc/kubernetes/landfall/kubeadm.yaml -o json 2>/dev/null
}

probe_overview() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,daemonsets,deployments,namespaces,certificatesigningrequests -A -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.status.addresses[?(@.type=="InternalIP")].address}|{.status.nodeInfo.kubeletVersion}|{.status.conditions[?(@.type=="Ready")].status}|{.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect}|{.metadata.labels}|{.status.conditions[?(@.type=="Ready")].message}{"\n"}{end}{range .items[?(@.kind=="DaemonSet")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Deployment")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Namespace")]}namespace|{.metadata.name}|{.metadata.deletionTimestamp}|{.metadata.uid}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}{"\n"}{end}'
}

probe_nodes() {
probe overview | sed -n 's/^node|//p'
}

probe_kubeadm_settings() {
probe kept_in_cluster | sed -e '1,/^answered$/d' -e '/^proxied$/,$d'
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
  criSocket: unix:///var/run/crio/crio.sock
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
certificateValidityPeriod: 8760h0m0s
caCertificateValidityPeriod: 87600h0m0s
apiServer:
  certSANs:
    - api.harbour.internal
    - 10.0.0.11
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
  criSocket: unix:///var/run/crio/crio.sock
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
certificateValidityPeriod: 8760h0m0s
caCertificateValidityPeriod: 87600h0m0s
apiServer:
  certSANs:
    - api.harbour.internal
    - 10.0.0.11
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

# ── 2 control-plane/config-valid: Have kubeadm's word that the file is sound
# Field names change from version to version. This kubeadm checks every one of them, without a cluster and without the internet.
read_2() {
timeout 20 kubeadm config validate --config /etc/kubernetes/landfall/kubeadm.yaml
}
want_2=ok

# ── 3 control-plane/images: Fetch the control plane's images
# Fetched now, with its own message when it fails, an image is not what kubeadm waits four minutes for in vain. All of them are fetched side by side. Where landfall.lock knows the digest of an image, it must be that very one.
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
  anew=
  found=" $(probe cluster_objects 2>/dev/null | tr '\n' ' ')"
  case $found in
    *'answered ')
      for name in ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy; do case $found in *" $name "*) ;; *) open="$open $name" ;; esac; done ;;
    *)
      # One that is ready and tells nothing may be another cluster's, in which we have no rights.
      if [ "$(probe api)" = ok ]; then
        anew=
known=$(cat /etc/kubernetes/landfall/kube-system-uid 2>/dev/null) || :
uid=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --kubeconfig=/etc/kubernetes/controller-manager.conf get namespace kube-system -o 'jsonpath={.metadata.uid}' 2>/dev/null) || uid=
if [ -n "$known" ] && [ -n "$uid" ] && [ "$uid" != "$known" ]; then anew=yes; fi
      fi
      [ -e /etc/kubernetes/landfall/initialised ] || open=' what only the API server knows' ;;
  esac
  if [ -n "$anew" ]; then echo 'etcd has begun anew, empty'
  elif [ -n "$open" ]; then echo "half-done, open:$open"; else echo initialised; fi
fi
}
want_5=initialised
make_5() {
owner=$(cat /etc/kubernetes/landfall/cluster 2>/dev/null || sed -n 's/^clusterName: //p' /etc/kubernetes/landfall/kubeadm.yaml 2>/dev/null)
if [ "$owner" != harbour ]; then
  echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
fi
anew=
known=$(cat /etc/kubernetes/landfall/kube-system-uid 2>/dev/null) || :
uid=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --kubeconfig=/etc/kubernetes/controller-manager.conf get namespace kube-system -o 'jsonpath={.metadata.uid}' 2>/dev/null) || uid=
if [ -n "$known" ] && [ -n "$uid" ] && [ "$uid" != "$known" ]; then anew=yes; fi
if [ -n "$anew" ]; then echo 'etcd has begun anew, empty: nothing is made in it'; exit 1; fi
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

# ── 6 control-plane/certificates: Have certificates that stay valid
# The certificates of a control plane are made in one minute and end in one minute, and the whole control plane stops with them. They are renewed long before, by the authorities that are there, and what has read the old ones is started anew: on one control plane at a time.
read_6() {
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
want_6='none ends within 90 days'
make_6() {
: >/etc/kubernetes/landfall/renewing
sync /etc/kubernetes/landfall/renewing
kubeadm certs renew all --config /etc/kubernetes/landfall/kubeadm.yaml
find /etc/kubernetes -type f -exec sync {} +
for part in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for id in $(crictl ps -q --name "^$part\$"); do crictl stop --timeout 30 "$id" >/dev/null || :; done
done
rm -f /etc/kubernetes/landfall/renewing
}

# ── 7 control-plane/api-names: Have every name of the API server in its certificate
# A client refuses an API server whose certificate does not name what it was called by. kubeadm writes the certificate once; a name, or an address of this node, that is wished for later is put in by making it anew. Its key changes, its authority does not.
read_7() {
there=,$(openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName 2>/dev/null | tail -n 1 | tr -d ' '),
for name in api.harbour.internal 10.0.0.11 localhost 127.0.0.1; do
  case $there in
    *",DNS:$name,"* | *",IPAddress:$name,"*) ;;
    *) echo "lacks $name" ;;
  esac
done | grep . || echo 'all of them'
}
want_7='all of them'
make_7() {
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

# ── 8 control-plane/kubelet: Run kubelet with the settings that lie on the disk
# kubelet starts every pod of the node, the control plane among them, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.
read_8() {
state=$(systemctl show -p ActiveState kubelet)
since=$(systemctl show -p ActiveEnterTimestampMonotonic --value kubelet)
echo "$state"
started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi
if [ "$state" != ActiveState=active ]; then journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2
elif [ $(($(cut -d . -f 1 /proc/uptime) - ${since:-0} / 1000000)) -lt 3 ] && ! curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; then echo 'started just now'; fi
}
want_8='ActiveState=active
started after its files were written'
make_8() {
if systemctl -q is-active kubelet && { started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc kubelet)
newer=$({ find /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d /usr/lib/systemd/system/kubelet.service.d -type f -newermt "$started"; find /usr/bin/kubelet -newerct "$started"; } 2>/dev/null | sort | head -n 1)
if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi; } | grep -qx 'started after its files were written'; then exit; fi
systemctl daemon-reload
systemctl restart kubelet
}

# ── 9 control-plane/api-ready: Have an API server that is ready
# Everything from here on is said to the API server. It is ready when it reaches etcd and has finished starting, not when it merely listens.
read_9() {
probe api | grep . || echo 'not ready'
}
want_9=ok

# ── 10 control-plane/node: See the node in its own cluster
# kubelet registers the node under its name, with the address others will use, at its own version. A wrong address here shows only when a second node cannot be reached.
read_10() {
probe nodes | awk -F '|' -v name=cp-0 '$1 == name { print $1, $2, $3; seen = 1 } END { if (!seen) print "not seen" }'
}
want_10='cp-0 10.0.0.11 v1.36.3'

# ── 11 control-plane/settings: Run the cluster cluster.yaml describes
# Some things are decided once: the name of the cluster, the networks, the domain. kubeadm keeps them in the cluster. Changed in cluster.yaml alone they would be a wish nobody hears, so they are compared.
read_11() {
probe kubeadm_settings | tr -d '"' | sed -n 's/^ *\(\(''clusterName\|dnsDomain\|kubernetesVersion\|podSubnet\|serviceSubnet''\): .*\)$/\1/p' | sort
}
want_11='clusterName: harbour
dnsDomain: cluster.local
kubernetesVersion: v1.36.3
podSubnet: 10.244.0.0/16
serviceSubnet: 10.96.0.0/16'

# ── 12 endpoint/kept: Keep the endpoint where kubeadm looks for it
# A node that joins, and every kubeconfig kubeadm makes from now on, is given the endpoint that is kept in the cluster. Where none is kept it is the address of one machine, and with that machine all of them would be lost.
read_12() {
said=$(probe kubeadm_settings)
if [ -z "$said" ]; then echo 'the API server does not answer'
else printf '%s\n' "$said" | tr -d '"' | sed -n 's/^ *controlPlaneEndpoint: *//p' | grep . || echo none; fi
}
want_12=api.harbour.internal:6443
again_12='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_12() {
kubeadm init phase upload-config kubeadm --config /etc/kubernetes/landfall/kubeadm.yaml
}

# ── 13 control-plane/token-issuer: Sign tokens in the name cluster.yaml gives the cluster
# Whoever trusts the tokens of service accounts knows the cluster by this name. It is in every token that is out, so it is decided when the cluster is made, and compared from then on.
read_13() {
sed -n 's/^ *- --service-account-issuer=//p' /etc/kubernetes/manifests/kube-apiserver.yaml 2>/dev/null | head -n 1 | grep . || echo 'none'
}
want_13=https://kubernetes.default.svc.cluster.local

# ── 14 control-plane/kept-settings: Keep in the cluster what later nodes are made by
# A node that joins is made by what kubeadm keeps in the cluster, not by cluster.yaml, and so is what an upgrade makes. What is wished for later is written there, too.
read_14() {
probe kubeadm_settings | awk -v wanted='certificateValidityPeriod: 8760h0m0s|- api.harbour.internal|- localhost|- 127.0.0.1|- name: kubelet-certificate-authority|- name: shutdown-watch-termination-grace-period|- name: election-timeout|value: 1000|- name: heartbeat-interval|value: 100|- name: quota-backend-bytes|value: 8589934592|serverTLSBootstrap: true' '
  { gsub(/^ +|"/, ""); there[$0] = 1 }
  END {
    n = split(wanted, w, "|")
    for (i = 1; i <= n; i++) if (!(w[i] in there)) { print "lacks " w[i]; bad = 1 }
    if (!bad) print "all of it"
  }'
}
want_14='all of it'
again_14='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_14() {
kubeadm init phase upload-config all --config /etc/kubernetes/landfall/kubeadm.yaml
}

# ── 15 endpoint/answers: See that api.harbour.internal:6443 answers here
# A kubelet that is told of an endpoint it cannot reach is lost to the cluster within a minute. So whoever is to use another one asks it first, by its name and with the certificate checked, from the very host.
read_15() {
path=/etc/kubernetes/admin.conf
server=https://api.harbour.internal:6443
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ -z "$said" ] || [ "$said" = "$server" ]; then echo 'it answers, or this host needs it no more than before'
else
  said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz 2>&1)
  if [ "$said" = ok ]; then echo 'it answers, or this host needs it no more than before'; else printf '%s\n' "$said" | tail -n 1; fi
fi
}
want_15='it answers, or this host needs it no more than before'

# ── 16 endpoint/kubelet: Have kubelet go to the right API server
# The kubelet of a control plane goes to the API server beside it, so that neither is told anything by one of another version, and no balancer is needed to start the one that stands behind it. It reads its kubeconfig when it starts; pods run on meanwhile.
read_16() {
path=/etc/kubernetes/kubelet.conf
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ -n "$said" ]; then echo "$said"; else echo https://10.0.0.11:6443; fi
if [ -e /run/landfall/unread/kubelet ]; then echo 'kubelet has not read it'; fi
}
want_16=https://10.0.0.11:6443
make_16() {
path=/etc/kubernetes/kubelet.conf
server=https://10.0.0.11:6443
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
if [ "$said" != "$server" ]; then
  if [ "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz)" != ok ]; then
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

# ── 17 endpoint/kubeconfigs: Have the kubeconfigs of the control plane name the right API server
# admin.conf is what kubeadm and whoever logs in here speak by, and what every copy of it was made from: it names the endpoint. The controllers and the scheduler go to the API server beside them, whatever becomes of the endpoint.
read_17() {
for pair in admin.conf=https://api.harbour.internal:6443 super-admin.conf=https://api.harbour.internal:6443 controller-manager.conf=https://10.0.0.11:6443 scheduler.conf=https://10.0.0.11:6443; do
  name=${pair%%=*} server=${pair#*=}
path=/etc/kubernetes/$name
mark=/run/landfall/unread/kube-${name%.conf}
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
  if [ -n "$said" ] && [ "$said" != "$server" ]; then echo "$name names $said"
  elif [ -e "$mark" ]; then echo "$name was not read again"; fi
done | grep . || echo 'each names what it should'
}
want_17='each names what it should'
make_17() {
for pair in admin.conf=https://api.harbour.internal:6443 super-admin.conf=https://api.harbour.internal:6443 controller-manager.conf=https://10.0.0.11:6443 scheduler.conf=https://10.0.0.11:6443; do
  name=${pair%%=*} server=${pair#*=}
path=/etc/kubernetes/$name
mark=/run/landfall/unread/kube-${name%.conf}
said=$(sed -n 's/^ *server: //p' "$path" 2>/dev/null) || said=
  if [ -n "$said" ] && [ "$said" != "$server" ]; then
    if [ "$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl --server="$server" get --raw /readyz)" != ok ]; then
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

# ── 18 control-plane/serving-settings: Have kubelet ask the cluster for the certificate it serves
# Left to itself kubelet makes a certificate and signs it with its own key: nobody can tell it from a stranger’s, and it is never renewed.
read_18() {
if grep -qx 'serverTLSBootstrap: true' /var/lib/kubelet/config.yaml 2>/dev/null; then echo 'asks the cluster'; else echo 'makes its own'; fi
}
want_18='asks the cluster'
make_18() {
kubeadm upgrade node phase kubelet-config
rm -rf /etc/kubernetes/tmp/kubeadm-kubelet-config*
sync -f /var/lib/kubelet
systemctl restart kubelet
}

# ── 19 control-plane/approver: Grant kubelets the certificates of their own names
# Kubernetes grants no certificate of the kind a kubelet serves, for whoever may ask for any name may stand in for any node. What is granted here is asked for by a node itself, and for exactly the name and the address that node has in cluster.yaml. Everything else is left to you.
read_19() {
{ stat -c '%04a %U:%G' /usr/local/sbin/landfall-approve && cat /usr/local/sbin/landfall-approve; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-approve.service && cat /etc/systemd/system/landfall-approve.service; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-approve.timer && cat /etc/systemd/system/landfall-approve.timer; } 2>/dev/null || echo absent
systemctl show -p ActiveState,UnitFileState landfall-approve.timer | sort
}
want_19='0755 root:root
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

seen=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,certificatesigningrequests -o jsonpath='\''{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.metadata.labels.node-restriction\.kubernetes\.io/landfall-address}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.metadata.name}|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}|{.spec.usages}|{.spec.request}{"\n"}{end}'\'')
printf '\''%s\n'\'' "$seen" | awk -F '\''|'\'' -v signer=kubernetes.io/kubelet-serving '\''
  $1 == "node" && $3 != "" { address["system:node:" $2] = $2 "|" $3 }
  $1 == "request" && $3 == signer && $5 == "" { print $2 "|" ($4 in address ? address[$4] : "|") "|" $4 "|" $6 "|" $7 }'\'' |
  while IFS='\''|'\'' read -r request node address who usages text; do
    if [ -z "$node" ]; then echo "$request is not granted: no node Landfall knows asks for it, but $who" >&2
    elif why=$(right "$node" "$address" "$usages" "$text"); then
      if [ "${1:-}" = list ]; then echo "$node"; else timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl certificate approve "$request"; fi
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
make_19() {
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

seen=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,certificatesigningrequests -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.metadata.labels.node-restriction\.kubernetes\.io/landfall-address}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.metadata.name}|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}|{.spec.usages}|{.spec.request}{"\n"}{end}')
printf '%s\n' "$seen" | awk -F '|' -v signer=kubernetes.io/kubelet-serving '
  $1 == "node" && $3 != "" { address["system:node:" $2] = $2 "|" $3 }
  $1 == "request" && $3 == signer && $5 == "" { print $2 "|" ($4 in address ? address[$4] : "|") "|" $4 "|" $6 "|" $7 }' |
  while IFS='|' read -r request node address who usages text; do
    if [ -z "$node" ]; then echo "$request is not granted: no node Landfall knows asks for it, but $who" >&2
    elif why=$(right "$node" "$address" "$usages" "$text"); then
      if [ "${1:-}" = list ]; then echo "$node"; else timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl certificate approve "$request"; fi
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

# ── 20 control-plane/serving-address: Write down in the cluster at which address each node is
# What a kubelet asks for is held against this, not against what the kubelet says of itself: a label that no kubelet may set, with the address cluster.yaml gives the node.
read_20() {
if [ -z "$(probe nodes)" ]; then
  echo 'the API server names no node'
else
  probe nodes | awk -F '|' -v wanted='cp-0|"node-restriction.kubernetes.io/landfall-address":"10.0.0.11"' '
  BEGIN { n = split(wanted, pairs, " "); for (i = 1; i <= n; i++) { split(pairs[i], p, "|"); mark[p[1]] = p[2] } }
  ($1 in mark) && !index($6, mark[$1]) { print $1 }' | grep . || echo 'all of them'
fi
}
want_20='all of them'
again_20='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_20() {
open=" $(probe nodes | awk -F '|' -v wanted='cp-0|"node-restriction.kubernetes.io/landfall-address":"10.0.0.11"' '
  BEGIN { n = split(wanted, pairs, " "); for (i = 1; i <= n; i++) { split(pairs[i], p, "|"); mark[p[1]] = p[2] } }
  ($1 in mark) && !index($6, mark[$1]) { print $1 }' | paste -sd ' ' -) "
case $open in *' cp-0 '*) timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl label node cp-0 node-restriction.kubernetes.io/landfall-address=10.0.0.11 --overwrite ;; esac
}

# ── 21 control-plane/super-admin: Leave no super-admin.conf behind
# kubeadm needs it while it makes the cluster, and never after. It may do everything, whatever the rules of the cluster say, for a year, and cannot be taken back but with the authority itself. A copy in a backup is enough. When it is needed, root makes it anew: kubeadm init phase kubeconfig super-admin.
read_21() {
if [ -e /etc/kubernetes/super-admin.conf ]; then echo 'lies there'; else echo gone; fi
}
want_21=gone
make_21() {
rm -f /etc/kubernetes/super-admin.conf
}

# ── 22 control-plane/renewal: Renew certificates when nobody comes by
# A cluster that works is left alone, and a year later all its certificates end. So each control plane looks once a day, at an hour of its own, and renews what ends soon; it waits for another day while another control plane is not well, as long as there are days left.
read_22() {
{ stat -c '%04a %U:%G' /usr/local/sbin/landfall-renew && cat /usr/local/sbin/landfall-renew; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-renew.service && cat /etc/systemd/system/landfall-renew.service; } 2>/dev/null || echo absent
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-renew.timer && cat /etc/systemd/system/landfall-renew.timer; } 2>/dev/null || echo absent
systemctl show -p ActiveState,UnitFileState landfall-renew.timer | sort
}
want_22='0755 root:root
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
  for other in $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -l node-role.kubernetes.io/control-plane -o jsonpath='\''{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'\''); do
    [ "$other" = 10.0.0.11 ] || curl -fs -o /dev/null -m 5 --noproxy '\''*'\'' --cacert /etc/kubernetes/pki/ca.crt "https://$other:"6443/readyz || { echo "the control plane at $other is not ready: another day"; exit; }
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
until curl -fs -o /dev/null -m 5 --noproxy '\''*'\'' --cacert /etc/kubernetes/pki/ca.crt https://10.0.0.11:6443/readyz; do
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
OnCalendar=*-*-* 08:00:00
RandomizedDelaySec=25min
FixedRandomDelay=true
[Install]
WantedBy=timers.target
ActiveState=active
UnitFileState=enabled'
make_22() {
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
  for other in $(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes -l node-role.kubernetes.io/control-plane -o jsonpath='{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'); do
    [ "$other" = 10.0.0.11 ] || curl -fs -o /dev/null -m 5 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt "https://$other:"6443/readyz || { echo "the control plane at $other is not ready: another day"; exit; }
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
until curl -fs -o /dev/null -m 5 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt https://10.0.0.11:6443/readyz; do
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
OnCalendar=*-*-* 08:00:00
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
given=/run/landfall/runs/RUN/control-plane/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/control-plane/stop; stop=${stop:-$tmp/stop}
say landfall 1 22
step 1 make 0
step 2 check 0
step 3 make 0
step 4 make 0
step 5 make 30
step 6 make 0
step 7 make 0
step 8 make 30
step 9 check 240
step 10 check 60
step 11 check 0
step 12 make 30
step 13 check 0
step 14 make 30
step 15 check 60
step 16 make 0
step 17 make 0
step 18 make 0
step 19 make 0
step 20 make 30
step 21 make 0
step 22 make 0
say end
}
main
