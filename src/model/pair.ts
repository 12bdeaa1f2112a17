/** What the way from one node to another has come to, asked for one thing. */
export interface PairAnswer {
  readonly from: string;
  readonly to: string;
  readonly kind: 'tcp' | 'udp' | 'size' | 'vrrp' | 'adverts' | 'rtt';
  /** A port, or a number of bytes. */
  readonly what: number;
  /** `open`, `refused`, `silent`, `unreachable`, `passes`, `lost`, `untold`, or milliseconds. */
  readonly is: string;
}

/** Milliseconds an answer between two control planes may take: half of what etcd waits for a heartbeat. */
export const MOST_LATENCY = 50;

/** Whether the answer means trouble. What cannot be told is none. @param between whether both nodes are control planes. */
export function isTrouble({ kind, is }: PairAnswer, between: boolean): boolean {
  if (kind === 'rtt') return between && Number(is) > MOST_LATENCY;
  return is === 'silent' || is === 'unreachable' || is === 'lost';
}
