/** Somebody a firewall has not let in, or would not. */
export interface Stranger {
  /** The host that was called. */
  readonly host: string;
  /** An IPv4 or IPv6 address. */
  readonly from: string;
  readonly protocol: string;
  readonly port: number;
  readonly packets: number;
}
