import type { EtcdSettings } from './etcd.ts';
import type { Certificates } from './certificates.ts';
import type { Firewall } from './firewall.ts';
import type { PackageSettings } from './host-packages.ts';
import type { HostSettings } from './host-settings.ts';
import type { HostSsh } from './host-ssh.ts';
import type { Authority, Proxy } from './outside.ts';
import type { Registries } from './registries.ts';
import type { Runtime } from './runtime.ts';

/** What a node does: run the control plane, or only workloads. */
export type Role = 'control-plane' | 'worker';

/** The network plugins Landfall installs, and `none`. */
export const NETWORK_PLUGINS = ['flannel', 'calico', 'cilium', 'none'] as const;

/** One of {@link NETWORK_PLUGINS}. */
export type NetworkPlugin = (typeof NETWORK_PLUGINS)[number];

/**
 * How packets of pods travel from node to node: always inside UDP (`vxlan`), only to nodes of another subnet
 * (`cross-subnet`), or as they are (`none`).
 */
export const ENCAPSULATIONS = ['vxlan', 'cross-subnet', 'none'] as const;

/** One of {@link ENCAPSULATIONS}. */
export type Encapsulation = (typeof ENCAPSULATIONS)[number];

/** Who turns Services into rules: kube-proxy, or the network plugin in its place. */
export const KUBE_PROXY_FATES = ['keep', 'replace'] as const;

/** One of {@link KUBE_PROXY_FATES}. */
export type KubeProxyFate = (typeof KUBE_PROXY_FATES)[number];

/** A machine that is to be a member of the cluster, as written in cluster.yaml. */
export interface Node {
  /** The Kubernetes node name: a lower-case RFC 1123 label. */
  readonly name: string;
  readonly role: Role;
  /** An IP address, a DNS name, or an alias of the user's ssh_config. */
  readonly address: string;
  /** The address the cluster's members use between themselves, when `address` is not an IP or is another one. */
  readonly internalAddress?: string;
  /** Whether a control-plane node takes ordinary workloads too. Always true of a worker. */
  readonly workloads: boolean;
  /** Labels the node is to have in the cluster, beside others. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Taints the node is to have in the cluster, beside others, as kubectl takes them: `dedicated=db:NoSchedule`. */
  readonly taints?: readonly string[];
  /** The container runtime of this node, when it is another than the cluster's. */
  readonly runtime?: Runtime;
  /** Whether etcd's disk may be slower here than etcd asks for. */
  readonly slowDisk?: boolean;
  /** A pinned host key as in known_hosts without the host: `ssh-ed25519 AAAA…`. */
  readonly hostKey?: string;
}

/** How hosts are reached; everything absent is left to the user's own ssh_config. */
export interface SshOptions {
  readonly user?: string;
  readonly port?: number;
  /** An ssh_config file to use instead of the user's own; a path relative to cluster.yaml. */
  readonly config?: string;
  readonly identityFile?: string;
}

/** What is made of the hosts themselves, subject by subject. */
export type Host = HostSettings &
  PackageSettings & {
    /** Who may log in; what is absent is left as each host has it. */
    readonly ssh?: HostSsh;
  };

/** An address that is no host's own: at any time one of the control planes holds it. */
export interface VirtualAddress {
  readonly address: string;
  /** The network device that takes it up, on every control plane; absent, the one that carries the node's own address. */
  readonly interface?: string;
  /** What the control planes' messages about it are told from others' by: 1 to 255. */
  readonly routerId: number;
  /** Whether HAProxy on its holder leads to all API servers; absent, the holder's own API server answers. */
  readonly balance?: boolean;
}

/** A cluster as the user wants it: cluster.yaml with every default filled in. Nothing secret is in it. */
export interface Cluster {
  readonly name: string;
  /** A minor (`1.36`) or an exact version (`1.36.3`). What it resolved to is in the {@link Lock}. */
  readonly kubernetes: string;
  /** What kubeadm gets as controlPlaneEndpoint: a name and a port that outlive any one node. */
  readonly endpoint: {
    readonly host: string;
    readonly port: number;
    /** True when Landfall keeps the name in each node's /etc/hosts, because nobody else does. */
    readonly kept: boolean;
    /** What the kept name leads to when it is to outlive the first control plane; absent, that one's own address. */
    readonly virtual?: VirtualAddress;
    /** What else the API server is called by: names and IPv4 addresses. */
    readonly names?: readonly string[];
  };
  readonly certificates: Certificates;
  readonly network: {
    readonly plugin: NetworkPlugin;
    /** The user's own choice; absent, it is chosen from facts once and kept in the {@link Lock}. */
    readonly encapsulation?: Encapsulation;
    /** Bytes of a pod's largest packet, the user's own choice; absent, it is chosen from facts and kept in the {@link Lock}. */
    readonly mtu?: number;
    readonly kubeProxy: KubeProxyFate;
    /** CIDR the pods get their addresses from. */
    readonly pods: string;
    /** CIDR the Services get their addresses from. */
    readonly services: string;
    readonly domain: string;
  };
  /** The container runtime of every node that names none of its own. */
  readonly runtime: Runtime;
  readonly etcd: EtcdSettings;
  /** Where images are pulled from; absent when nothing is wished of it. */
  readonly registries?: Registries;
  /** Authorities trusted beside those of the distribution; absent when nothing is wished of it. */
  readonly trust?: readonly Authority[];
  /** Absent where the hosts reach the outside by themselves. */
  readonly proxy?: Proxy;
  /** Absent where nothing is wished of it. */
  readonly firewall?: Firewall;
  readonly ssh: SshOptions;
  /** What is made of the hosts themselves. */
  readonly host: Host;
  /** The lab whose hosts these are, when they are lab hosts. */
  readonly lab?: string;
  readonly nodes: readonly Node[];
}

/** The endpoint as kubeadm is told it: `api.harbour.internal:6443`. */
export function endpointOf({ endpoint }: Pick<Cluster, 'endpoint'>): string {
  return `${endpoint.host}:${endpoint.port}`;
}

/** The endpoint as a kubeconfig names it: `https://api.harbour.internal:6443`. */
export function endpointServer(cluster: Pick<Cluster, 'endpoint'>): string {
  return `https://${endpointOf(cluster)}`;
}

/** Which of kubeadm's kubeconfigs on a node names the endpoint; the others of a control plane name the API server beside them. */
export function endpointKubeconfig({ role }: Pick<Node, 'role'>): 'admin.conf' | 'kubelet.conf' {
  return role === 'worker' ? 'kubelet.conf' : 'admin.conf';
}

/** Whether the cluster is made on this node; every other node joins it. */
export function isFirstControlPlane(cluster: Cluster, { name }: Pick<Node, 'name'>): boolean {
  return controlPlanes(cluster)[0]?.name === name;
}

/** The nodes that join a control plane which is there, in the order of cluster.yaml. */
export function joiningControlPlanes(cluster: Cluster): readonly Node[] {
  return controlPlanes(cluster).slice(1);
}

/** The nodes that run workloads alone, in the order of cluster.yaml. */
export function workers(cluster: Cluster): readonly Node[] {
  return cluster.nodes.filter((node) => node.role === 'worker');
}

/** The nodes that run the control plane, in the order of cluster.yaml. */
export function controlPlanes(cluster: Cluster): readonly Node[] {
  return cluster.nodes.filter((node) => node.role === 'control-plane');
}
