import type { StepId } from '../../src/steps/step.ts';

/*
 * What goes wrong before, during and after an installation: the catalogue's first sixty diagnoses, each with what programs
 * say of it and which step then names it. `src/steps/diagnoses.test.ts` shows these words to the steps;
 * `diagnoses.test.ts` beside this file makes hosts say them.
 */

/** A trouble with a number: `landfall explain` and every message know it by that. */
export interface Diagnosis {
  readonly what: string;
  /** What is read or printed when it has happened, and the step that is told so. */
  readonly told?: { readonly step: StepId; readonly line: string };
  /** The number it is told under when it comes to the same as another. */
  readonly as?: string;
  /** Where real hosts are made to show it: `here`, or another test; or why none can. */
  readonly lab: string;
}

const told = (step: StepId, line: string): { told: { step: StepId; line: string } } => ({
  told: { step, line },
});

const CALICO = 'no lab host has an image of Calico; recorded in the tests of its steps';
const LATER = 'a matter of workloads, or of what Landfall does not install yet';

export const DIAGNOSES: Readonly<Record<string, Diagnosis>> = {
  H01: {
    what: 'a package made for another release',
    ...told('prepare/dpkg', ' linux-headers-6.5.3-060503-generic depends on libc6 (>= 2.38); however:'),
    lab: 'apt-get --fix-broken removes such a package, so that apply goes on',
  },
  H02: {
    what: 'a boot that waits for an IPv6 address it was forbidden to have',
    lab: "a lab host boots without a kernel command line of its own and without netplan's waiting",
  },
  H03: { what: 'a clock that is far off', ...told('preflight/clock', '2007-01-01T00:00:00Z'), lab: 'here' },
  H04: { what: 'an sshd that does not listen where it was told', lab: 'the tests of the way to a host' },
  H05: { what: 'no completion in the shell', lab: 'nothing fails without it' },
  H06: {
    what: 'a repository without the package, or without the minor',
    ...told('packages/installed', 'E: Unable to locate package kubeadm'),
    lab: 'here',
  },
  H07: {
    what: 'a repository whose key has expired, or is another',
    ...told(
      'packages/known',
      'W: GPG error: … The following signatures were invalid: EXPKEYSIG 234654DA9A296436',
    ),
    lab: 'here',
  },
  H08: {
    what: 'a repository that was taken away',
    ...told(
      'packages/known',
      "E: The repository 'http://apt.kubernetes.io kubernetes-xenial Release' does not have a Release file.",
    ),
    lab: 'apt only warns of it as long as all that is wanted comes from elsewhere',
  },
  H09: {
    what: 'a package database somebody else has locked',
    ...told(
      'packages/installed',
      'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)',
    ),
    lab: 'the tests of packages, which wait the two minutes this takes',
  },
  H10: {
    what: 'a version looked up on the internet',
    ...told(
      'control-plane/init',
      'W1125 09:12:00.1 version.go:109] could not fetch a Kubernetes version from the internet: unable to get URL',
    ),
    lab: 'here',
  },
  H11: {
    what: 'a runtime that was never started',
    ...told(
      'control-plane/init',
      '\t[ERROR CRI]: could not connect to the container runtime: failed to create new CRI runtime service',
    ),
    lab: 'here',
  },
  H12: {
    what: 'a second runtime',
    ...told('preflight/other-runtime', 'listening: /run/containerd/containerd.sock'),
    lab: 'here',
  },
  H13: {
    what: 'a runtime that does not speak with kubelet',
    ...told(
      'runtime/answers',
      'rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService',
    ),
    lab: 'CRI-O always does; it takes a containerd whose plugin is switched off',
  },
  H14: {
    what: 'a file that names a runtime program which is gone',
    ...told('runtime/programs', '/usr/lib/cri-o-runc/sbin/runc is not there'),
    lab: 'here',
  },
  H15: {
    what: 'no folder for the books of CRI-O',
    ...told('runtime/crio', 'open /var/lib/crio/version: no such file or directory'),
    lab: 'break-cluster.test.ts: runtime/state-folder makes it before CRI-O misses it',
  },
  H16: {
    what: 'a network configuration before that of the plugin',
    ...told('runtime/no-stray-networks', '/etc/cni/net.d/05-mine.conflist'),
    lab: 'here',
  },
  H17: {
    what: 'bridged packets the firewall does not see',
    ...told(
      'control-plane/init',
      '\t[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]: /proc/sys/net/bridge/bridge-nf-call-iptables does not exist',
    ),
    lab: 'kubeadm does not look any more; break-host.test.ts: kernel/bridge-iptables',
  },
  H18: {
    what: 'a kernel that does not forward',
    ...told(
      'control-plane/init',
      '\t[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: /proc/sys/net/ipv4/ip_forward contents are not set to 1',
    ),
    lab: 'here',
  },
  H19: { what: 'swap', ...told('swap/off', 'on: /dev/sda2'), lab: 'here' },
  H20: { what: 'a machine that is too small', ...told('preflight/cpus', '1 CPU'), lab: 'here' },
  H21: {
    what: 'what an earlier cluster has left',
    ...told('control-plane/init', '\t[ERROR DirAvailable--var-lib-etcd]: /var/lib/etcd is not empty'),
    lab: 'here',
  },
  H22: {
    what: 'the old cgroups',
    ...told(
      'control-plane/kubelet',
      'E1125 run.go:72] "command failed" err="kubelet is configured to not run on a host using cgroup v1"',
    ),
    lab: 'here',
  },
  H23: {
    what: 'a node whose name leads nowhere',
    ...told('control-plane/init', '\t[WARNING Hostname]: hostname "cp-0" could not be reached'),
    lab: 'here',
  },
  H24: {
    what: 'a firewall that knows nothing of Kubernetes',
    ...told(
      'control-plane/init',
      '\t[WARNING Firewalld]: firewalld is active, please ensure ports [6443 10250] are open',
    ),
    lab: 'here',
  },
  H25: {
    what: 'a registry that turns the host away',
    ...told(
      'control-plane/images',
      'failed to pull image "registry.k8s.io/pause:3.10.2": unexpected status from HEAD request: 403 Forbidden',
    ),
    lab: 'here',
  },
  H26: {
    what: 'a registry that counts downloads',
    ...told(
      'proof/pod',
      'not Ready: Pending  ErrImagePull toomanyrequests: You have reached your pull rate limit',
    ),
    lab: "the lab's registry does not count",
  },
  H27: {
    what: 'an image named without its registry',
    ...told(
      'control-plane/images',
      'short-name "nginx:1.28.0" did not resolve to an alias and no unqualified-search registries are defined',
    ),
    lab: 'CRI-O as it is packaged takes such a name for one of docker.io, and then says that there is none',
  },
  H28: {
    what: 'two ideas of the pause image',
    ...told(
      'control-plane/init',
      'W1125 checks.go:827] detected that the sandbox image "registry.k8s.io/pause:3.9" of the container runtime is inconsistent with that used by kubeadm',
    ),
    lab: 'here',
  },
  H29: {
    what: 'a runtime too old for kubelet',
    ...told(
      'control-plane/init',
      '\t[WARNING ContainerRuntimeVersion]: You must update your container runtime to a version that supports the CRI method RuntimeConfig',
    ),
    lab: 'CRI-O has the version of its Kubernetes minor',
  },
  H30: {
    what: 'a file for another kubeadm',
    ...told(
      'control-plane/config-valid',
      'error: strict decoding error: unknown field "nodeRegistration.taint"',
    ),
    lab: 'here',
  },
  H31: {
    what: 'a kubelet that stops again',
    ...told('control-plane/kubelet', 'ActiveState=activating'),
    lab: 'here',
  },
  H32: {
    what: 'a flag kubelet does not know',
    ...told(
      'control-plane/kubelet',
      'E1125 run.go:72] "command failed" err="failed to parse kubelet flag: unknown flag: --container-runtime"',
    ),
    lab: 'here',
  },
  H33: {
    what: 'a feature gate that is gone',
    ...told(
      'control-plane/kubelet',
      'E1125 run.go:72] "command failed" err="failed to set feature gates from initial flags-based config: unrecognized feature gate: Gone"',
    ),
    lab: 'here',
  },
  H34: {
    what: 'a part of the control plane that does not come up',
    ...told(
      'control-plane/api-ready',
      'The connection to the server 10.0.0.11:6443 was refused - did you specify the right host or port?',
    ),
    lab: 'break-apart.test.ts: control-plane/api-ready, which waits its four minutes',
  },
  H35: {
    what: 'an endpoint nobody reaches',
    ...told(
      'control-plane/init',
      'error: Get "https://10.0.0.10:6443/healthz": dial tcp 10.0.0.10:6443: connect: no route to host',
    ),
    lab: 'takes an endpoint that is not the node itself',
  },
  H36: {
    what: 'an init without the internet that asks for a version',
    ...told(
      'control-plane/init',
      'could not fetch a Kubernetes version from the internet: unable to get URL "https://dl.k8s.io/release/stable-1.txt"',
    ),
    as: 'H10',
    lab: 'here',
  },
  H37: {
    what: 'a node without a network plugin',
    ...told(
      'network/nodes-ready',
      'cp-0: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/cni/net.d/.',
    ),
    lab: 'here',
  },
  H38: {
    what: 'pods that wait for a node to become ready',
    ...told(
      'network/dns',
      '0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate (taints of cp-0: node.kubernetes.io/not-ready)',
    ),
    lab: 'here',
  },
  H39: {
    what: 'pods that are kept away from control planes',
    ...told(
      'proof/pod',
      'not Ready: Pending 0/1 nodes are available: 1 node(s) had untolerated taint(s). (taints of cp-0: node-role.kubernetes.io/control-plane)',
    ),
    lab: 'here',
  },
  H40: {
    what: 'pods in the host’s network that run, and no others',
    ...told(
      'network/dns',
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_coredns-589f44dc88-gl5rg_kube-system_353faa40-1937-4c58-8e61-5b7f7e503f95_0(b732e8be465b): error adding pod kube-system_coredns-589f44dc88-gl5rg to CNI network "cbr0": plugin type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory',
    ),
    lab: 'here',
  },
  H41: {
    what: 'a pod that takes long to end',
    ...told('proof/cleaned', 'pod/web, asked to end, has until 2026-11-25T09:12:30Z'),
    lab: 'here',
  },
  H42: {
    what: 'an image without a tag, which moves or is not there',
    ...told(
      'network/dns',
      'ErrImagePull unable to pull image or OCI artifact: pull image err: initializing source docker://registry.k8s.io/coredns/coredns:latest: reading manifest latest in registry.k8s.io/coredns/coredns: manifest unknown',
    ),
    lab: 'here',
  },
  H43: {
    what: 'a NodePort that is closed from outside',
    ...told('proof/from-outside', '10.0.0.11: curl: (28) Connection timed out after 5001 milliseconds'),
    lab: 'here',
  },
  H44: { what: 'pods that do not reach each other', ...told('proof/pod-to-pod', 'TIMEOUT'), lab: 'here' },
  H45: { what: 'a token of Calico that has run out', lab: CALICO },
  H46: { what: 'a node Calico does not run on', lab: CALICO },
  H47: { what: 'a BGP neighbour that does not answer', lab: CALICO },
  H48: { what: 'a pool outside the pod network', lab: CALICO },
  H49: {
    what: 'no slice of the pod network left',
    ...told('network/nodes-ready', 'cp-0: Node cp-0 status is now: CIDRNotAvailable'),
    lab: 'takes 257 nodes',
  },
  H50: {
    what: 'two ideas of who manages cgroups',
    ...told(
      'control-plane/kubelet',
      'E1125 kubelet.go:1703] "Failed to start ContainerManager" err="failed to initialize top level QOS containers: root container [kubepods] doesn\'t exist"',
    ),
    lab: 'the cgroups of lab hosts are part of the machine’s: not to be played with',
  },
  H51: {
    what: 'a resolver that asks itself',
    ...told('preflight/resolver', 'nameserver 127.0.0.53 in /etc/resolv.conf'),
    lab: 'here',
  },
  H52: {
    what: 'names that are not resolved in pods',
    ...told('proof/dns-short', 'DNS: lookup web on 10.96.0.10:53: read: connection refused'),
    lab: 'here',
  },
  H53: { what: 'names that are resolved on some nodes only', lab: 'takes two nodes and real network cards' },
  H54: { what: 'large packets that get lost', ...told('preflight/mtu', 'eth0 has 1200'), lab: 'here' },
  H55: {
    what: 'a network of the cluster that is taken',
    ...told('preflight/networks', 'route 10.244.7.0/24 overlaps the pods of 10.244.0.0/16'),
    lab: 'here',
  },
  H56: { what: 'a full table of connections', lab: 'one table for the whole machine: not to be filled' },
  H57: { what: 'a port of the host two pods want', lab: LATER },
  H58: { what: 'a load balancer nobody provides', lab: LATER },
  H59: { what: 'an address of a load balancer nobody answers for', lab: LATER },
  H60: {
    what: 'a node without a network after its reboot',
    lab: 'create.test.ts and break-host.test.ts: what must hold at boot is asked for each setting',
  },
};
