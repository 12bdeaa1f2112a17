import type { StepId } from '../../src/steps/step.ts';

/** How somebody breaks by hand what a step keeps: shell for the host, and what else than the step itself it must show. */
export interface Break {
  readonly how: string;
  /** Other steps that differ by the same act, because they look at the same thing from another side. */
  readonly also?: readonly StepId[];
}

const FILE = '/etc/apt/sources.list.d';

/** One way for each step that makes something. */
export const BREAKS: Readonly<Record<string, Break>> = {
  'prepare/owner': { how: 'rm /etc/kubernetes/landfall/cluster' },
  'prepare/dpkg': {
    how: `d=$(mktemp -d); mkdir $d/DEBIAN
printf 'Package: landfall-break\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <nobody@localhost>\\nDescription: half installed\\n' >$d/DEBIAN/control
dpkg-deb -b $d $d.deb >/dev/null && dpkg --unpack $d.deb; rm -rf $d $d.deb`,
  },
  'prepare/endpoint-name': { how: "sed -i '/ # kept by Landfall$/d' /etc/hosts" },
  'kernel/overlay': { how: "sed -i '/^overlay$/d' /etc/modules-load.d/landfall.conf" },
  'kernel/br-netfilter': { how: "sed -i '/^br_netfilter$/d' /etc/modules-load.d/landfall.conf" },
  'kernel/bridge-iptables': { how: "sed -i '/-call-iptables/d' /etc/sysctl.d/99-zz-landfall.conf" },
  'kernel/bridge-ip6tables': { how: "sed -i '/-call-ip6tables/d' /etc/sysctl.d/99-zz-landfall.conf" },
  'kernel/ip-forward': { how: 'sysctl -w net.ipv4.ip_forward=0' },
  'packages/kubernetes-key': { how: 'echo broken >>/etc/apt/keyrings/kubernetes.asc' },
  'packages/kubernetes-list': { how: `rm ${FILE}/kubernetes.list` },
  'packages/crio-key': { how: 'rm /etc/apt/keyrings/cri-o.asc' },
  'packages/crio-list': { how: `echo '# mine' >>${FILE}/cri-o.list` },
  'packages/installed': { how: 'apt-get -y purge nftables' },
  'packages/hold': { how: 'apt-mark unhold kubectl' },
  'runtime/no-stray-networks': { how: 'echo {} >/etc/cni/net.d/200-loopback.conflist' },
  'runtime/programs': {
    how: `printf '[crio.runtime.runtimes.runc]\\nruntime_path = "/usr/lib/cri-o-runc/sbin/runc"\\n' >/etc/crio/crio.conf.d/01-crio-runc.conf`,
    also: ['runtime/crio'],
  },
  'runtime/state-folder': { how: 'rm -rf /var/lib/crio' },
  'runtime/pause-image': {
    how: "sed -i 's/pause:.*/pause:3.1\"/' /etc/crio/crio.conf.d/20-landfall.conf",
    also: ['runtime/crio'],
  },
  'runtime/crictl': { how: 'rm /etc/crictl.yaml' },
  'runtime/crio': { how: 'systemctl disable crio' },
  'runtime/kubelet-enabled': { how: 'systemctl disable kubelet' },
  'control-plane/kubeadm-config': { how: 'chmod 0644 /etc/kubernetes/landfall/kubeadm.yaml' },
  'control-plane/no-torn-files': { how: ': >/etc/kubernetes/super-admin.conf' },
  'control-plane/init': {
    how: 'kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system delete configmap kubelet-config',
  },
  'network/flannel': {
    how: `kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-flannel patch configmap kube-flannel-cfg -p '{"data":{"net-conf.json":"{}"}}'`,
  },
  'workloads/taint': {
    how: 'kubectl --kubeconfig /etc/kubernetes/admin.conf taint node --all node-role.kubernetes.io/control-plane:NoSchedule',
  },
  'workloads/load-balancers': {
    how: 'kubectl --kubeconfig /etc/kubernetes/admin.conf label node --all node.kubernetes.io/exclude-from-external-load-balancers=',
  },
  'workloads/no-proof': {
    how: 'kubectl --kubeconfig /etc/kubernetes/admin.conf create namespace landfall-proof',
  },
};

/** Steps that make something and are not broken on a living host, and why not. */
export const UNBROKEN: Readonly<Record<string, string>> = {
  'prepare/note':
    'noted anew on a living host it would say that everything had always been there; reset would then leave it',
  'control-plane/images': 'no image of a running control plane can be removed: each is in use',
  'packages/known': 'while the packages are there nobody asks apt for them',
};
