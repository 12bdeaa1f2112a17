#!/bin/sh
# The article's way in one plain script, for measuring against: no readings, no guards, no explanations, runs once. Left out is what
# Landfall is not asked for here either: another kernel and the reboot into it, no IPv6, another port for sshd.
# usage: article.sh KUBERNETES CRIO POD_NETWORK FLANNEL_MANIFEST      e.g. article.sh 1.36.3 1.36.1 10.244.0.0/16 /root/flannel.yaml
set -eu
kubernetes=$1 crio=$2 pods=$3 flannel=$4
minor=${kubernetes%.*}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C KUBECONFIG=/etc/kubernetes/admin.conf

apt-get -q update
apt-get -qy upgrade
apt-get -qy purge multipath-tools polkitd udisks2
apt-get -qy autoremove
apt-get -qy install chrony
systemctl is-enabled chrony
chronyc tracking
chronyc sources

printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/kubernetes.conf
modprobe overlay
modprobe br_netfilter
printf 'net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\n' >/etc/sysctl.d/kubernetes.conf
sysctl -q -p /etc/sysctl.d/kubernetes.conf

mkdir -p /etc/apt/keyrings
core=https://pkgs.k8s.io/core:/stable:/v$minor/deb/
runtime=https://download.opensuse.org/repositories/isv:/cri-o:/stable:/v$minor/deb/
curl -fsSL "$core/Release.key" -o /etc/apt/keyrings/kubernetes.asc
curl -fsSL "$runtime/Release.key" -o /etc/apt/keyrings/cri-o.asc
echo "deb [signed-by=/etc/apt/keyrings/kubernetes.asc] $core /" >/etc/apt/sources.list.d/kubernetes.list
echo "deb [signed-by=/etc/apt/keyrings/cri-o.asc] $runtime /" >/etc/apt/sources.list.d/cri-o.list
apt-get -q update
apt-get -qy install "kubeadm=$kubernetes-*" "kubectl=$kubernetes-*" "kubelet=$kubernetes-*" cri-tools kubernetes-cni "cri-o=$crio-*" conntrack
apt-mark hold kubeadm kubectl kubelet cri-tools kubernetes-cni cri-o

systemctl enable --now crio
kubeadm config images pull --kubernetes-version "$kubernetes"
kubeadm init --kubernetes-version "$kubernetes" --pod-network-cidr "$pods" --skip-token-print
kubectl taint node "$(hostname)" node-role.kubernetes.io/control-plane:NoSchedule-
kubectl apply -f "$flannel"
kubectl -n kube-system rollout status deployment/coredns --timeout=240s

kubectl run nginx --image docker.io/library/nginx:1.28.0 --port 80
kubectl wait --for=condition=Ready pod/nginx --timeout=120s
curl -sSf -o /dev/null "http://$(kubectl get pod nginx -o 'jsonpath={.status.podIP}')/"
kubectl expose pod nginx --port 80 --type NodePort
curl -sSf -o /dev/null --retry 20 --retry-delay 1 --retry-all-errors \
  "http://127.0.0.1:$(kubectl get service nginx -o 'jsonpath={.spec.ports[0].nodePort}')/" || true
kubectl delete service/nginx pod/nginx --now
