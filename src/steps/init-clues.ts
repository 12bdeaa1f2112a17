import { API_CLUES, IMAGE_CLUES } from './clues.ts';
import type { Clue } from './step.ts';

/** What kubeadm init says when it cannot go on, and what it means. */
export const INIT_CLUES: readonly Clue[] = [
  {
    match: /\[ERROR CRI\]|container runtime is not running/,
    means: 'kubeadm cannot speak with CRI-O',
    try: 'systemctl status crio; landfall apply --only runtime',
    diagnosis: 'H11',
  },
  {
    match: /could not fetch a Kubernetes version|remote version is much newer/,
    means: 'kubeadm looked for a version on the internet: it was not told one',
    try: 'grep kubernetesVersion /etc/kubernetes/landfall/kubeadm.yaml',
    diagnosis: 'H10',
  },
  {
    match: /\[ERROR FileContent--proc-sys-net-ipv4-ip_forward\]/,
    means: 'the kernel does not forward packets, though it did a moment ago: another program turns it off',
    try: 'sysctl net.ipv4.ip_forward; grep -r ip_forward /etc/sysctl.d /etc/sysctl.conf /etc/ufw 2>/dev/null',
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
    try: 'give it two CPUs and 2 GiB at least',
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
    means: 'the host uses the old cgroup version 1, which kubelet refuses',
    try: 'remove systemd.unified_cgroup_hierarchy=0 from the kernel command line and reboot',
    diagnosis: 'H22',
  },
  {
    match: /\[ERROR ImagePull\]/,
    means: 'an image of the control plane could not be fetched',
    try: 'landfall apply --only control-plane/images says why',
    diagnosis: 'H25',
  },
  {
    match: /\[ERROR Service-|\[ERROR KubeletVersion\]|\[ERROR KubernetesVersion\]/,
    means: 'kubeadm, kubelet and the version wanted do not fit each other',
    try: 'landfall apply --only packages',
    diagnosis: 'H30',
  },
  {
    match: /unknown flag: --/,
    means: 'kubelet is given a flag this version does not know any more',
    try: 'grep -r -- -- /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet, and take it out',
    diagnosis: 'H32',
  },
  {
    match: /unrecognized feature gate/,
    means: 'a feature gate is set that this version does not know any more',
    try: 'grep -r feature /var/lib/kubelet/config.yaml /etc/kubernetes/manifests',
    diagnosis: 'H33',
  },
  {
    match: /kubelet is not healthy|localhost:10248|127\.0\.0\.1:10248/,
    means: 'kubelet does not start, or stops again',
    try: 'journalctl -u kubelet -n 50 --no-pager says why: swap, cgroups, a flag, or the runtime',
    diagnosis: 'H31',
  },
  {
    match:
      /failed while waiting for the control plane|control plane (component|components).*not (healthy|ready)|kube-(apiserver|controller-manager|scheduler) is not healthy/i,
    means: 'a part of the control plane does not become healthy',
    try: 'crictl ps -a | grep -e apiserver -e etcd; crictl logs ID of the one that exited',
    diagnosis: 'H34',
  },
  {
    match: /failed to initialize top level QOS containers|Failed to start ContainerManager/,
    means: 'kubelet and CRI-O disagree on who manages cgroups, or the host gives them none',
    try: 'grep cgroupDriver /var/lib/kubelet/config.yaml; crio status config | grep cgroup_manager: both must say systemd',
    diagnosis: 'H50',
  },
  {
    match: /\[WARNING Firewalld\]|firewalld is active/,
    means:
      'firewalld is on; it does not know the ports of Kubernetes, and flushes rules of others when it reloads',
    try: 'systemctl disable --now firewalld, or open what the cluster needs in it',
    diagnosis: 'H24',
  },
  {
    match: /no route to host|i\/o timeout.*:6443/,
    means:
      "the cluster's endpoint cannot be reached: the name points elsewhere, or a load balancer does not pass on yet",
    try: 'getent hosts the endpoint of cluster.yaml, from the node',
    diagnosis: 'H35',
  },
  {
    match: /cannot list resource|User "kubernetes-admin" cannot/,
    means: "kubeadm's own user has no rights yet: an init that was cut short before it gave them",
    try: 'landfall apply; if it stays: kubectl --kubeconfig /etc/kubernetes/super-admin.conf get clusterrolebinding kubeadm:cluster-admins',
    diagnosis: 'H73',
  },
  ...IMAGE_CLUES,
  ...API_CLUES,
];
