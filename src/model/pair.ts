/** What the way from one node to another has come to, asked for one thing. */
export interface PairAnswer {
  readonly from: string;
  readonly to: string;
  readonly kind: 'tcp' | 'udp' | 'size' | 'vrrp' | 'adverts' | 'rtt' | 'clock';
  /** A port, or a number of bytes. */
  readonly what: number;
  /** `open`, `refused`, `silent`, `unreachable`, `passes`, `lost`, `untold`, or milliseconds: of a clock, by how much it is ahead. */
  readonly is: string;
}

/** Milliseconds an answer between two control planes may take: half of what etcd waits for a heartbeat. */
export const MOST_LATENCY = 50;

/** Milliseconds two clocks may be apart: from one second on etcd complains of its peers (etcd, `rafthttp`). */
export const MOST_APART = 1000;

/** Whether the answer means trouble. What cannot be told is none. @param between whether both nodes are control planes. */
export function isTrouble({ kind, is }: PairAnswer, between: boolean): boolean {
  if (kind === 'rtt') return between && Number(is) > MOST_LATENCY;
  if (kind === 'clock') return Math.abs(Number(is)) > MOST_APART;
  return is === 'silent' || is === 'unreachable' || is === 'lost';
}
