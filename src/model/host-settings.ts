/** What a host does with IPv6: whatever it did before, nothing by its settings, or nothing because its kernel has none. */
export type Ipv6 = 'keep' | 'disabled' | 'absent';

/** The host's own settings, as the `host` section of cluster.yaml gives them. */
export interface HostSettings {
  /** Whether the hostname becomes the node's name or stays. */
  readonly hostname: 'node-name' | 'keep';
  /** Whether every node's name is kept in every node's /etc/hosts. */
  readonly nodeNames: boolean;
  /** Whether Landfall turns swap off, or refuses a host that has any. */
  readonly swap: 'disable' | 'refuse';
  readonly ipv6: Ipv6;
  readonly time: {
    /** The program that keeps the clock: chrony, or whichever the host has. */
    readonly service: 'chrony' | 'keep';
    /** Names or IPv4 addresses of time servers; none: those the distribution comes with. */
    readonly servers: readonly string[];
    /** Milliseconds the clock may be off. */
    readonly maxOffset: number;
  };
  readonly journal: {
    /** How much the journal may take, as journald writes sizes: `1G`. */
    readonly maxUse: string;
    /** Days after which it forgets; none: when there is no more room. */
    readonly maxDays?: number;
  };
  /** When kubelet begins a new file for what a container writes, and how many of them it keeps. */
  readonly containerLogs: { readonly maxSize: string; readonly maxFiles: number };
  /** Limits of the kernel that are raised to these, and left where they are higher already. */
  readonly limits: {
    readonly inotifyInstances: number;
    readonly inotifyWatches: number;
    readonly mapCount: number;
  };
}
