import type { HostWishes } from './host.ts';

/** What a node does: run the control plane, or only workloads. */
export type Role = 'control-plane' | 'worker';

/** The network plugins Landfall installs. */
export type NetworkPlugin = 'flannel' | 'none';

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
  };
  readonly network: {
    readonly plugin: NetworkPlugin;
    /** CIDR the pods get their addresses from. */
    readonly pods: string;
    /** CIDR the Services get their addresses from. */
    readonly services: string;
    readonly domain: string;
  };
  readonly runtime: 'cri-o';
  readonly ssh: SshOptions;
  readonly host?: HostWishes;
  /** The lab whose hosts these are, when they are lab hosts. */
  readonly lab?: string;
  readonly nodes: readonly Node[];
}

/** The nodes that run the control plane, in the order of cluster.yaml. */
export function controlPlanes(cluster: Cluster): readonly Node[] {
  return cluster.nodes.filter((node) => node.role === 'control-plane');
}
