import type { Runtime } from '../model/runtime.ts';

/** Landfall's own folder on a host: what it must remember to be able to take everything back. */
export const OWN = '/var/lib/landfall';

/** The ports sshd listened on before it was moved, in one line. */
export const SSH_NOTE = `${OWN}/ssh-ports`;

/** What is known of logins while sshd is moved; all may read it, so that whoever logs in can. It goes with a reboot. */
export const SSH_STATE = '/run/landfall-ssh';

/** What is known of the firewall while new rules are yet to be confirmed. It goes with a reboot, and the rules with it. */
export const FIREWALL_STATE = '/run/landfall-firewall';

/** What the host was like before anything was made. */
export const BEFORE = `${OWN}/before`;

/** What was fetched from upstream for the network plugin: seen through Landfall's own folder, gone with it. */
export const UPSTREAM = `${OWN}/upstream`;

/** The files Landfall writes on a host. Each is copied to {@link BEFORE} before the first of them is written. */
export const FILES = {
  hosts: '/etc/hosts',
  hostname: '/etc/hostname',
  fstab: '/etc/fstab',
  /** Sorts last, so that of the files of the system it has the last word. */
  cloudInit: '/etc/cloud/cloud.cfg.d/99-zz-landfall.cfg',
  cloudNetwork: '/etc/cloud/cloud.cfg.d/99-zz-landfall-network.cfg',
  /** Read after /etc/default/grub and after what a cloud image brings. */
  grub: '/etc/default/grub.d/99-zz-landfall.cfg',
  chrony: '/etc/chrony/chrony.conf',
  chronySources: '/etc/chrony/sources.d/landfall.sources',
  journal: '/etc/systemd/journald.conf.d/99-zz-landfall.conf',
  bashrc: '/etc/bash.bashrc',
  /** A drop-in of apt-daily.service, apt-daily-upgrade.service and whatever else begins with `apt-`. */
  aptAside: '/etc/systemd/system/apt-.service.d/landfall.conf',
  /** Sorts after all others, so that it has the last word. */
  unattended: '/etc/apt/apt.conf.d/zz-landfall',
  needrestart: '/etc/needrestart/conf.d/zz-landfall.conf',
  backports: '/etc/apt/sources.list.d/landfall-backports.list',
  kubectlCompletion: '/usr/local/share/bash-completion/completions/kubectl',
  kubeadmCompletion: '/usr/local/share/bash-completion/completions/kubeadm',
  crictlCompletion: '/usr/local/share/bash-completion/completions/crictl',
  /** sshd takes the first value it reads of each setting: these sort before everybody else's. */
  sshPort: '/etc/ssh/sshd_config.d/00-landfall-port.conf',
  sshRoot: '/etc/ssh/sshd_config.d/00-landfall-root.conf',
  sshPasswords: '/etc/ssh/sshd_config.d/00-landfall-passwords.conf',
  /** Sorts after `addresses.conf`, which Ubuntu's generator writes, so that it has the last word. */
  sshSocket: '/etc/systemd/system/ssh.socket.d/zz-landfall-port.conf',
  modules: '/etc/modules-load.d/landfall.conf',
  /** Sorts after `99-sysctl.conf`, the link to /etc/sysctl.conf, so that what it says is the last word at boot. */
  sysctls: '/etc/sysctl.d/99-zz-landfall.conf',
  kubernetesKey: '/etc/apt/keyrings/kubernetes.asc',
  kubernetesList: '/etc/apt/sources.list.d/kubernetes.list',
  crioKey: '/etc/apt/keyrings/cri-o.asc',
  crioList: '/etc/apt/sources.list.d/cri-o.list',
  /** Named as Docker's own instructions name them. */
  dockerKey: '/etc/apt/keyrings/docker.asc',
  dockerList: '/etc/apt/sources.list.d/docker.list',
  crictl: '/etc/crictl.yaml',
  /** Sorts after the package's own `10-crio.conf`, so that it has the last word. */
  crio: '/etc/crio/crio.conf.d/20-landfall.conf',
  /** The package's own, which switches off what kubelet speaks with. */
  containerd: '/etc/containerd/config.toml',
  /** Whose cluster this host belongs to. */
  owner: '/etc/kubernetes/landfall/cluster',
  kubeadm: '/etc/kubernetes/landfall/kubeadm.yaml',
  /** What Cilium's chart is told, where Cilium is the network plugin. */
  ciliumValues: '/etc/kubernetes/landfall/cilium-values.yaml',
  /** The UID of kube-system: which cluster's data etcd has here. */
  clusterUid: '/etc/kubernetes/landfall/kube-system-uid',
  /** Written when kubeadm init has come to its end; consulted only while the API server does not answer. */
  initialised: '/etc/kubernetes/landfall/initialised',
} as const;

/**
 * Files that only a control plane with a virtual address has. No host has one before (preflight refuses one that has), so there is
 * nothing to note of them.
 */
export const ENDPOINT_FILES = {
  keepalived: '/etc/keepalived/keepalived.conf',
  apiReady: '/etc/keepalived/landfall-api-ready',
  unit: '/etc/systemd/system/keepalived.service.d/landfall.conf',
  haproxy: '/etc/haproxy/haproxy.cfg',
  haproxyUnit: '/etc/systemd/system/haproxy.service.d/landfall.conf',
} as const;

/** What kubelet starts etcd by: kubeadm writes it. */
export const ETCD_MANIFEST = '/etc/kubernetes/manifests/etcd.yaml';

/** Files that keep etcd on a control plane. Their names are Landfall's alone. */
export const ETCD_FILES = {
  upkeep: '/usr/local/lib/landfall/etcd-upkeep',
  service: '/etc/systemd/system/landfall-etcd.service',
  timer: '/etc/systemd/system/landfall-etcd.timer',
  /** A folder: what was written down of etcd. */
  snapshots: '/var/backups/landfall/etcd',
} as const;

/**
 * Files that only some choices in cluster.yaml bring. Their names are Landfall's alone, so nothing was there before: they are not
 * copied to {@link BEFORE}.
 */
export const WISHED = {
  /** Of files that speak of one registry the one that sorts last holds. */
  mirrors: '/etc/containers/registries.conf.d/99-landfall.conf',
  /** Not in /etc/crio: it is read at each pull, and CRI-O need not be started anew for it. */
  logins: '/etc/kubernetes/landfall/registry-logins.json',
  loginsNamed: '/etc/crio/crio.conf.d/30-landfall-logins.conf',
  /** A folder with one for each registry: containerd reads it at each pull. */
  certs: '/etc/containerd/certs.d',
  /** Read when containerd starts. */
  containerdLogins: '/etc/containerd/conf.d/30-landfall-logins.toml',
  /** A folder: update-ca-certificates reads what is below its own. */
  authorities: '/usr/local/share/ca-certificates/landfall',
  aptProxy: '/etc/apt/apt.conf.d/zz-landfall-proxy',
  crioProxy: '/etc/systemd/system/crio.service.d/landfall-proxy.conf',
  containerdProxy: '/etc/systemd/system/containerd.service.d/landfall-proxy.conf',
  kubeletProxy: '/etc/systemd/system/kubelet.service.d/landfall-proxy.conf',
  /** The rules that hold at boot: those under which somebody has come in. */
  firewall: '/etc/landfall/firewall.nft',
  firewallUnit: '/etc/systemd/system/landfall-firewall.service',
  /** There while certificates are renewed, and until everything that uses them was started anew. */
  renewing: '/etc/kubernetes/landfall/renewing',
  renew: '/usr/local/sbin/landfall-renew',
  approve: '/usr/local/sbin/landfall-approve',
} as const;

/** What a recovery of etcd leaves on the hosts it is done on. */
export const RECOVERY = {
  /** Everything it needs to go on; gone when it has come to its end. */
  folder: `${OWN}/recovery`,
  /** When it was begun, as part of names: `20261126T094206Z`. */
  begun: `${OWN}/recovery/begun`,
  /** The control plane's manifests while they are aside. */
  manifests: `${OWN}/recovery/manifests`,
  /** When the cluster was begun anew out of what this host has, as `date -u +%FT%TZ` writes it. What joined before is of the old one. */
  done: '/etc/kubernetes/landfall/recovered',
} as const;

/** What is noted of the host besides copies of its files. */
export const NOTES = {
  /** `key = value`, a line for each kernel setting Landfall or Kubernetes changes. */
  sysctls: `${BEFORE}/sysctls`,
  /** The names of the loaded modules. */
  modules: `${BEFORE}/modules`,
  /** The names of the installed packages, and of those removed but not purged. */
  packages: `${BEFORE}/packages`,
  /** Which of {@link FOLDERS} were there. */
  folders: `${BEFORE}/folders`,
  /** The hostname the kernel had. */
  hostname: `${BEFORE}/hostname`,
  /** The devices and files swap was on, noted when it is turned off. */
  swap: `${OWN}/swap`,
  /** `unit state active`, a line for each unit of the host that is told to start, or not to, noted before. */
  units: `${OWN}/units`,
  /** The package that kept the clock, noted before another takes its place. */
  timeService: `${OWN}/time-service`,
} as const;

/** What Landfall remembers of its own acts on a host that no reading could tell. */
export const ACTS = {
  /** Seconds since 1970 at which all packages were last upgraded. */
  upgraded: `${OWN}/upgraded`,
  /** What was purged, for putting it back. */
  purged: `${OWN}/purged`,
  /** The last reboot: when it was begun (seconds since 1970), in which boot, and what for; a line each. */
  rebooted: `${OWN}/rebooted`,
  /** How apt's timers were before they were started: `UNIT STATE`, a line each. */
  timers: `${OWN}/timers`,
} as const;

/** Folders (and a lock) that come while a cluster runs. Reset removes those that were not there before. */
export const FOLDERS = [
  '/etc/cni',
  '/etc/containerd',
  '/etc/crio',
  '/etc/containers',
  '/etc/kubernetes',
  '/opt/cni',
  '/opt/containerd',
  '/root/.kube',
  '/run/containerd',
  '/run/crio',
  '/run/calico',
  '/run/cilium',
  '/run/containers',
  '/run/crun',
  '/run/flannel',
  '/run/landfall-kubectl',
  '/run/nodeagent',
  '/run/nri',
  '/run/runc',
  '/run/xtables.lock',
  '/usr/libexec/crio',
  '/usr/libexec/kubernetes',
  '/var/lib/calico',
  '/var/lib/cilium',
  '/var/lib/cni',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/var/lib/crio',
  '/var/lib/etcd',
  '/var/lib/kubelet',
  '/var/log/calico',
  '/var/log/containers',
  '/var/log/crio',
  '/var/log/pods',
  '/var/run/kubernetes',
] as const;

/** Those of {@link FOLDERS} that are one runtime's alone. */
export const RUNTIME_FOLDERS = {
  'cri-o': [
    '/etc/crio',
    '/etc/containers',
    '/run/crio',
    '/run/containers',
    '/run/crun',
    '/usr/libexec/crio',
    '/var/lib/containers',
    '/var/lib/crio',
    '/var/log/crio',
  ],
  containerd: ['/etc/containerd', '/opt/containerd', '/run/containerd', '/var/lib/containerd'],
} as const satisfies Readonly<Record<Runtime, readonly (typeof FOLDERS)[number][]>>;

/** Kernel settings that Landfall, kubelet or kube-proxy change, whose values before are worth knowing. */
export const SETTINGS = [
  'net.ipv4.ip_forward',
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.ipv6.conf.all.disable_ipv6',
  'net.ipv6.conf.default.disable_ipv6',
  'fs.inotify.max_user_instances',
  'fs.inotify.max_user_watches',
  'vm.max_map_count',
  'vm.overcommit_memory',
  'vm.panic_on_oom',
  'kernel.panic',
  'kernel.panic_on_oops',
  'kernel.keys.root_maxkeys',
  'kernel.keys.root_maxbytes',
  'net.netfilter.nf_conntrack_max',
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait',
  'net.netfilter.nf_conntrack_tcp_timeout_established',
] as const;
