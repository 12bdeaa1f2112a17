import type { Runtime } from './runtime.ts';

/** An address of a host as `ip -o addr` shows it. */
export interface HostAddress {
  readonly device: string;
  readonly address: string;
  /** Prefix length in bits. */
  readonly prefix: number;
}

/** A network device that carries an address. */
export interface HostLink {
  readonly device: string;
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
}

/** How one logs in to a host. */
export interface SshFacts {
  /** What listens: sshd itself, or systemd for it (`ssh.socket`: Ubuntu's way; then sshd's own `Port` means nothing). */
  readonly by: 'service' | 'socket';
  /** The user Landfall has logged in as, before it became root. */
  readonly login: string;
  /** The ports sshd listened on before Landfall moved it; absent when it has not. */
  readonly before?: readonly number[];
  /** The ports logins are taken on now, when they were asked for. */
  readonly ports?: readonly number[];
}

/** What was just read of a host in one round trip; decides what differs by release or machine. */
export interface Facts {
  /** `ID` of os-release: debian, ubuntu. */
  readonly os: string;
  /** `VERSION_ID`: 12, 24.04. */
  readonly osVersion: string;
  /** `VERSION_CODENAME`: bookworm, noble. */
  readonly codename: string;
  /** `PRETTY_NAME`, for people. */
  readonly osName: string;
  /** dpkg's word: amd64, arm64. */
  readonly architecture: string;
  readonly kernel: string;
  readonly hostname: string;
  readonly cpus: number;
  /** Bytes of memory. */
  readonly memory: number;
  readonly cgroup: 1 | 2;
  readonly bootId: string;
  readonly machineId: string;
  /** What the firmware says the machine is, lower case; absent where it says nothing. */
  readonly productUuid?: string;
  readonly addresses: readonly HostAddress[];
  /** The devices of {@link addresses}. */
  readonly links: readonly HostLink[];
  /** `systemd-detect-virt`'s word: `none` on a real machine; kvm, vmware, …; empty when it is not known. */
  readonly virtualization: string;
  /** Destinations in `ip -4 route` with their devices, `default` included. */
  readonly routes: readonly { readonly to: string; readonly device: string }[];
  /** Source address of the default route; what a node's address defaults to. */
  readonly defaultAddress?: string;
  readonly ssh?: SshFacts;
  /** Whether the host has a firewall of Landfall's; absent when it has none. */
  readonly firewall?: true;
  /** Whether keepalived has a file here; absent when it has none. */
  readonly keepalived?: true;
  /** Whether the host has become a member of a cluster, all the way: absent on any other. */
  readonly member?: true;
  /** What of one lies on a host that is no member all the way: data of etcd, credentials of a kubelet. Absent when nothing does. */
  readonly remains?: readonly ('etcd' | 'kubelet')[];
  /** The API server each kubeconfig of kubeadm's names, by the file's name below /etc/kubernetes; absent where there is none. */
  readonly servers?: Readonly<Record<string, string>>;
  /** When the host came to the cluster it is of, by its own joining or by a recovery (UTC, `2026-11-26T09:42:06Z`). */
  readonly epoch?: string;
  /** When the cluster was begun anew out of what this host has, when it was. */
  readonly recovered?: string;
  /** Whether a recovery has begun here that has not come to its end. */
  readonly recovering?: true;
  /** Whether the host is a control plane of the cluster as it was before another one's data were made the cluster's. */
  readonly leftBehind?: true;
  /** The runtimes Landfall has put there; absent where there is none. */
  readonly runtimes?: readonly Runtime[];
  /** The lines of /etc/landfall-lab: the concessions of a lab host. Absent on every other host. */
  readonly lab?: readonly string[];
  /** The packages upstream's repositories hold, when they were asked for, by package: versions, newest first. */
  readonly available?: Readonly<Record<string, readonly string[]>>;
  /** SHA-256 (hex) of the repositories' signing keys, when they were asked for. */
  readonly keys?: Readonly<Record<string, string>>;
}
