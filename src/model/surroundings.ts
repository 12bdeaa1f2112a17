import type { Cidr } from './network.ts';

/** A network that is somebody else's, as a host tells of it: no network of a cluster may share an address with it. */
export interface Seen {
  readonly network: Cidr;
  /** What leads or lies there, for people: `eth0`, `name server 10.0.0.53`. */
  readonly what: string;
}
