import type { Clue } from './step.ts';

/*
 * kubeadm looks at the host before it does anything, too, and each of its checks has a name: `[ERROR Swap]: …`. Every one
 * of them is the business of a step that was right a moment before; these clues lead back to it.
 */

/** What kubeadm's own checks refuse, check by check. */
export const PREFLIGHT_ERRORS: readonly Clue[] = [
  {
    match: /found multiple CRI endpoints/,
    means: 'two container runtimes listen on this host, and kubeadm was not told which one is meant',
    try: 'landfall apply --only preflight/other-runtime says which; remove the one that is not wanted',
    diagnosis: 'H12',
  },
  {
    match: /unknown service runtime\.v1/,
    means: 'what answers on the socket of the runtime does not speak the interface kubelet uses',
    try: 'landfall apply --only runtime; systemctl status crio containerd',
    diagnosis: 'H13',
  },
  {
    match: /\[ERROR CRI\]|container runtime is not running|could not connect to the container runtime/,
    means: 'kubeadm cannot speak with the container runtime',
    try: 'systemctl status crio containerd; landfall apply --only runtime',
    diagnosis: 'H11',
  },
  {
    match: /\[ERROR IsPrivilegedUser\]/,
    means: 'kubeadm does not run as root',
    try: 'landfall apply --only preflight/root',
  },
  {
    match: /\[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-/,
    means:
      'the kernel does not show bridged packets to the firewall: br_netfilter is not loaded, or was turned off',
    try: 'landfall apply --only kernel',
    diagnosis: 'H17',
  },
  {
    match: /\[ERROR FileContent--proc-sys-net-ipv4-ip_forward\]/,
    means: 'the kernel does not forward packets, though it did a moment ago: another program turns it off',
    try: 'landfall apply --only kernel/ip-forward; grep -r ip_forward /etc/sysctl.d /etc/sysctl.conf /etc/ufw 2>/dev/null',
    diagnosis: 'H18',
  },
  {
    match: /\[ERROR FileContent--proc-sys-net-ipv6-/,
    means: 'kubeadm was told of IPv6 networks, which the kernel does not forward here',
    try: 'landfall apply --only control-plane/kubeadm-config: Landfall writes IPv4 networks alone',
    diagnosis: 'H18',
  },
  {
    match: /\[ERROR Swap\]|running with swap on is not supported/,
    means: 'swap is on',
    try: 'swapoff -a, and take its line out of /etc/fstab',
    diagnosis: 'H19',
  },
  {
    match: /\[ERROR (NumCPU|Mem)\]/,
    means: 'the machine is too small for a control plane',
    try: 'give it two CPUs and 2 GiB at least; landfall apply --only preflight says what it has',
    diagnosis: 'H20',
  },
  {
    match: /\[ERROR (Port-\d+|FileAvailable--|DirAvailable--)/,
    means: 'something of another cluster, or another program, is in the way',
    try: 'landfall apply --only preflight says what',
    diagnosis: 'H21',
  },
  {
    match: /\[ERROR SystemVerification\]|configured to not run on a host using cgroup v1/,
    means:
      'the host uses the old cgroup version 1, which kubelet refuses, or its kernel lacks something containers need',
    try: 'landfall apply --only preflight/cgroup; remove systemd.unified_cgroup_hierarchy=0 from the kernel command line and reboot',
    diagnosis: 'H22',
  },
  {
    match: /\[ERROR ImagePull\]/,
    means: 'an image of the control plane could not be fetched',
    try: 'landfall apply --only control-plane/images says why',
    diagnosis: 'H25',
  },
  {
    match: /\[ERROR (Service-|KubeletVersion\]|KubernetesVersion\])/,
    means: 'kubeadm, kubelet and the version wanted do not fit each other',
    try: 'landfall apply --only packages',
    diagnosis: 'H30',
  },
  {
    match: /\[ERROR FileExisting-/,
    means: 'a program that every server has is missing',
    try: 'landfall apply --only preflight/tools says which; landfall apply --only packages brings crictl',
  },
  {
    match: /\[ERROR HTTPProxy(CIDR)?\]/,
    means: 'kubeadm would speak with its own API server through a proxy',
    try: 'add the addresses of the nodes and both networks of the cluster to NO_PROXY in /etc/environment',
  },
  {
    match: /\[ERROR ExternalEtcdVersion\]/,
    means: 'kubeadm was told of an etcd outside the cluster; Landfall lets kubeadm run its own',
    try: 'landfall apply --only control-plane/kubeadm-config',
  },
  {
    match: /\[ERROR (Hostname)\]/,
    means: 'the name of the node is not one a node may have',
    try: 'landfall apply --only names/hostname',
    diagnosis: 'H97',
  },
];

/** What they only warn of: the cause of a failure when nothing else tells one. */
export const PREFLIGHT_WARNINGS: readonly Clue[] = [
  {
    match: /sandbox image .* inconsistent/,
    means: 'the runtime begins pods with another pause image than kubeadm expects',
    try: 'landfall apply --only runtime; look for another file in /etc/crio/crio.conf.d or /etc/containerd/conf.d that comes later',
    diagnosis: 'H28',
  },
  {
    match: /\[WARNING ContainerRuntimeVersion\]|update your container runtime to a version that supports/,
    means: 'the runtime is too old to tell kubelet how it manages cgroups',
    try: 'landfall apply --only packages: it brings one that goes with this Kubernetes',
    diagnosis: 'H29',
  },
  {
    match: /\[WARNING Firewalld\]|firewalld is active/,
    means:
      'firewalld is on; it does not know the ports of Kubernetes, and flushes rules of others when it reloads',
    try: 'systemctl disable --now firewalld, or open what the cluster needs in it',
    diagnosis: 'H24',
  },
  {
    match: /\[WARNING HTTPProxy(CIDR)?\]/,
    means: 'kubeadm speaks with its own API server, or with the networks of the cluster, through a proxy',
    try: 'add the addresses of the nodes and both networks of the cluster to NO_PROXY in /etc/environment',
  },
  {
    match: /\[WARNING Hostname\]/,
    means: 'the name of the node does not lead to an address: neither DNS nor /etc/hosts know it',
    try: 'a line in /etc/hosts with the address of the node and its name, not with 127.0.1.1',
    diagnosis: 'H23',
  },
];
