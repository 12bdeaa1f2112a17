#!/bin/sh
# harbour · cp-0 · Connect the pods

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

probe_rollouts() {
probe overview | sed -n 's/^rollout|//p'
}

probe_cilium_objects() {
(
  dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
  tar -xzf /var/lib/landfall/upstream/helm.tar.gz -C "$dir" linux-amd64/helm 2>/dev/null &&
    HOME=$dir "$dir"/linux-amd64/helm template cilium /var/lib/landfall/upstream/cilium.tgz --namespace kube-system --kube-version 1.36.3 \
      --values /etc/kubernetes/landfall/cilium-values.yaml
)
}

probe_served_certificate() {
if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname cp-0 -verify_ip 10.0.0.11 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}

# ── 1 endpoint/in-pods: Have pods find the endpoint where the host finds it
# A pod on the network of its node gets a copy of /etc/hosts when it is started, and keeps it. When the name of the API server leads elsewhere from some day on, what goes by that name in there goes on with the address of that first day, until the machine with that address is gone.
read_1() {
for program in cilium-agent cilium-operator; do
  for pod in /var/lib/kubelet/pods/*/containers/"$program"; do
    awk -v name=api.harbour.internal -v to=10.0.0.11 -v program="$program" '
      { sub(/#.*/, "") }
      { for (i = 2; i <= NF; i++) if ($i == name && $1 != to) print program " finds it at " $1 }' "${pod%/containers/*}/etc-hosts" 2>/dev/null
  done
done | sort -u | grep . || echo 'all of them as the host has it'
}
want_1='all of them as the host has it'
make_1() {
for program in cilium-agent cilium-operator; do
  for id in $(crictl ps -q --name "^$program\$"); do crictl stop --timeout 10 "$id" >/dev/null || :; done
done
}

# ── 2 network/one-plugin: Have no other network plugin in the cluster
# Two plugins give the same pods two sets of addresses and routes, and which one a pod gets depends on the order of two files.
read_2() {
probe rollouts | awk -F '|' -v known='kube-flannel/DaemonSet/kube-flannel-ds=flannel;calico-system/DaemonSet/calico-node=calico;kube-system/DaemonSet/calico-node=calico, from a manifest;kube-system/DaemonSet/canal=canal;kube-system/DaemonSet/kube-flannel-ds=flannel, from an old manifest;kube-system/DaemonSet/kube-router=kube-router;kube-system/DaemonSet/weave-net=weave' '
  BEGIN { n = split(known, list, ";"); for (i = 1; i <= n; i++) { split(list[i], pair, "="); title[pair[1]] = pair[2] } }
  $1 in title { print "the cluster has " title[$1]; other = 1 }
  { seen = 1 }
  END { if (!seen) print "the cluster says nothing"; else if (!other) print "no other" }'
}
want_2='no other'

# ── 3 network/helm: Fetch Helm 3.21.3, to read a chart with
# Cilium's project publishes a chart and no manifest. Helm fills the chart in, on this host and without asking the cluster; what comes out is applied like every other manifest here, so Helm keeps no books in the cluster.
read_3() {
{ sha256sum </var/lib/landfall/upstream/helm.tar.gz | cut -c 1-64; } 2>/dev/null | grep . || echo absent
}
want_3=15e041a93a590dce8100f39385cd98c84a765c9e36aeeb9e2dc6ff9e4769e2e0
make_3() {
mkdir -p /var/lib/landfall/upstream
rm -f /var/lib/landfall/upstream/.helm.tar.gz.landfall
timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 download-file https://get.helm.sh/helm-v3.21.3-linux-amd64.tar.gz /var/lib/landfall/upstream/.helm.tar.gz.landfall
got=$({ sha256sum </var/lib/landfall/upstream/.helm.tar.gz.landfall | cut -c 1-64; } 2>/dev/null | grep . || echo absent)
if [ "$got" != 15e041a93a590dce8100f39385cd98c84a765c9e36aeeb9e2dc6ff9e4769e2e0 ]; then
  rm -f /var/lib/landfall/upstream/.helm.tar.gz.landfall
  echo "what was served has the sum $got"; exit 1
fi
sync /var/lib/landfall/upstream/.helm.tar.gz.landfall
mv -fT /var/lib/landfall/upstream/.helm.tar.gz.landfall /var/lib/landfall/upstream/helm.tar.gz
}

# ── 4 network/cilium-chart: Fetch the chart of Cilium 1.20.2
# A chart is a manifest with blanks. This one names its images by digest, so its own sum, which landfall.lock holds, pins all that will run.
read_4() {
{ sha256sum </var/lib/landfall/upstream/cilium.tgz | cut -c 1-64; } 2>/dev/null | grep . || echo absent
}
want_4=b2afd87b7f75f875f92a14559f14f59b7babbb479d968e3fd625a20bf30ec20e
make_4() {
mkdir -p /var/lib/landfall/upstream
rm -f /var/lib/landfall/upstream/.cilium.tgz.landfall
timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 download-file https://helm.cilium.io/cilium-1.20.2.tgz /var/lib/landfall/upstream/.cilium.tgz.landfall
got=$({ sha256sum </var/lib/landfall/upstream/.cilium.tgz.landfall | cut -c 1-64; } 2>/dev/null | grep . || echo absent)
if [ "$got" != b2afd87b7f75f875f92a14559f14f59b7babbb479d968e3fd625a20bf30ec20e ]; then
  rm -f /var/lib/landfall/upstream/.cilium.tgz.landfall
  echo "what was served has the sum $got"; exit 1
fi
sync /var/lib/landfall/upstream/.cilium.tgz.landfall
mv -fT /var/lib/landfall/upstream/.cilium.tgz.landfall /var/lib/landfall/upstream/cilium.tgz
}

# ── 5 network/cilium-values: Write down what Cilium is told
# Everything the chart would guess or leave to a default that depends on the machine. Packets of pods travel inside UDP between nodes, 8950 bytes at most.
read_5() {
{ stat -c '%04a %U:%G' /etc/kubernetes/landfall/cilium-values.yaml && cat /etc/kubernetes/landfall/cilium-values.yaml; } 2>/dev/null || echo absent
}
want_5='0644 root:root
# Written by Landfall: what Cilium'\''s chart is told about harbour.
ipam:
  mode: kubernetes
routingMode: tunnel
tunnelProtocol: vxlan
MTU: 9000
kubeProxyReplacement: true
kubeProxyReplacementHealthzBindAddr: 0.0.0.0:10256
k8sServiceHost: api.harbour.internal
k8sServicePort: 6443
operator:
  replicas: 1
rollOutCiliumPods: true
hubble:
  listenAddress: null
  tls:
    enabled: false
  peerService:
    clusterDomain: cluster.local'
make_5() {
mkdir -p /etc/kubernetes/landfall
umask 077
cat >/etc/kubernetes/landfall/.cilium-values.yaml.landfall <<'END'
# Written by Landfall: what Cilium's chart is told about harbour.
ipam:
  mode: kubernetes
routingMode: tunnel
tunnelProtocol: vxlan
MTU: 9000
kubeProxyReplacement: true
kubeProxyReplacementHealthzBindAddr: 0.0.0.0:10256
k8sServiceHost: api.harbour.internal
k8sServicePort: 6443
operator:
  replicas: 1
rollOutCiliumPods: true
hubble:
  listenAddress: null
  tls:
    enabled: false
  peerService:
    clusterDomain: cluster.local
END
chmod 0644 /etc/kubernetes/landfall/.cilium-values.yaml.landfall
chown root:root /etc/kubernetes/landfall/.cilium-values.yaml.landfall
sync /etc/kubernetes/landfall/.cilium-values.yaml.landfall
mv -fT /etc/kubernetes/landfall/.cilium-values.yaml.landfall /etc/kubernetes/landfall/cilium-values.yaml
}

# ── 6 network/cilium: Put Cilium 1.20.2 into the cluster
# Kubernetes says that every pod reaches every other by its address, and leaves the doing to a plugin. Cilium does it with programs it loads into the kernel (eBPF), and enforces NetworkPolicy there. Without a plugin no node becomes ready.
read_6() {
said=
if [ "$(probe api)" = ok ]; then
  said=$(probe cilium_objects | KUBECTL_EXTERNAL_DIFF='diff -N -q' timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl diff --server-side --field-manager=landfall --force-conflicts -f -
  echo "status $?")
fi
case $said in
  'status 0') echo 'as wanted' ;;
  *'status 1') printf '%s\n' "$said" | sed -n 's/^Files .*[/]\([^/ ]*\) differ$/\1/p' ;;
  *) echo 'not there, or the API server does not answer' ;;
esac
}
want_6='as wanted'
again_6='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_6() {
probe cilium_objects | timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl apply --server-side --field-manager=landfall --force-conflicts -f -
}

# ── 7 control-plane/serving: Have kubelet serve a certificate the cluster has signed
# The API server hands commands and whole sessions to whoever answers at the address of a node, and metrics are read from there. Only a certificate of the cluster’s own authority shows that it is the node’s kubelet.
read_7() {
probe served_certificate
}
want_7='signed by the cluster'
make_7() {
now() {
  if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname cp-0 -verify_ip 10.0.0.11 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}
tries=0
until /usr/local/sbin/landfall-approve list 2>/dev/null | grep -qxF cp-0 || [ "$(now)" = 'signed by the cluster' ] || [ "$tries" -ge 60 ]; do
  tries=$((tries + 1)); sleep 1
done
/usr/local/sbin/landfall-approve
}

# ── 8 network/conflist: Find the plugin's configuration, and none before it
# The runtime takes the first file of /etc/cni/net.d. Only when that is the one Cilium has written do pods get addresses of the cluster.
read_8() {
first=$(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1)
if [ "$first" != /etc/cni/net.d/05-cilium.conflist ]; then echo "${first:-none}"
elif grep -q '"type": *"cilium' /etc/cni/net.d/05-cilium.conflist
then echo '/etc/cni/net.d/05-cilium.conflist, as Cilium wrote it'
else echo '/etc/cni/net.d/05-cilium.conflist, changed since Cilium wrote it'; fi
}
want_8='/etc/cni/net.d/05-cilium.conflist, as Cilium wrote it'
make_8() {
case $(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1) in '' | /etc/cni/net.d/05-cilium.conflist) ;; *) exit 1 ;; esac
ready() {
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get pods -l k8s-app=cilium --field-selector spec.nodeName=cp-0 \
    -o 'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}'
}
# Where many join at once an API server may be too busy to answer: a question that took five seconds counts for twelve.
seek() { pods=$(ready) || { pods=; tries=$((tries + 12)); }; }
# Just after the runtime was restarted a pod that has long written it is not ready, and looks like one that is about to.
tries=0; seek
while [ -z "$pods" ] && [ "$tries" -lt 150 ] && ! [ -e /etc/cni/net.d/05-cilium.conflist ]; do tries=$((tries + 1)); sleep 0.4; seek; done
if [ -n "$pods" ]; then timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system delete pod $pods --wait=false
else
  echo 'the pod that writes it is about to start'
  # A pod that came too early is tried again only after ten to fifteen seconds; one in its place at once.
  tries=0
  while [ -e /etc/cni/net.d/05-cilium.conflist ] && ! [ -e /etc/cni/net.d/05-cilium.conflist ] && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system delete pod -l k8s-app=kube-dns --field-selector status.phase=Pending --wait=false
fi
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
given=/run/landfall/runs/RUN/network/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/network/stop; stop=${stop:-$tmp/stop}
say landfall 1 8
step 1 make 60
step 2 check 0
step 3 make 0
step 4 make 0
step 5 make 0
step 6 make 30
step 7 make 120
step 8 make 300
say end
}
main
