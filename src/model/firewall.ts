/** What a firewall does with what nobody has allowed: it is not there, it writes it down, or it drops it. */
export const FIREWALL_MODES = ['none', 'audit', 'enforce'] as const;

/** One of {@link FIREWALL_MODES}. */
export type FirewallMode = (typeof FIREWALL_MODES)[number];

/** One more thing that may be reached on every host. */
export interface Allowance {
  /** The port, or the first of several. */
  readonly port: number;
  /** The last of several. */
  readonly through?: number;
  readonly protocol: 'tcp' | 'udp';
  /** `nodes`, `pods`, IPv4 addresses and networks; absent: from anywhere. */
  readonly from?: readonly string[];
}

/** Who may reach the hosts, beside what the cluster needs by itself. */
export interface Firewall {
  readonly mode: FirewallMode;
  /** The IPv4 addresses and networks from where ssh and the API server may be reached; absent: from anywhere. */
  readonly admins?: readonly string[];
  readonly allow: readonly Allowance[];
}
