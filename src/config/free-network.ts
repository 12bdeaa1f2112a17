import { addressAt, type Cidr, networkOf, overlap, parseCidr } from '../model/network.ts';
import type { Seen } from '../model/surroundings.ts';

/** The networks of a cluster that somebody chooses. */
export type NetworkKey = 'pods' | 'services';

/** What is proposed before anything else; the first of each is the default. */
const USUAL: Readonly<Record<NetworkKey, readonly Cidr[]>> = {
  pods: ['10.244.0.0/16', '10.200.0.0/16', '172.20.0.0/16', '192.168.0.0/16', '100.64.0.0/16'].map(parsed),
  services: ['10.96.0.0/16', '10.100.0.0/16', '172.21.0.0/16', '192.168.128.0/20', '100.65.0.0/16'].map(
    parsed,
  ),
};

/** Addresses that are nobody's on the internet: RFC 1918, and RFC 6598 where no provider is between. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map(parsed);

/** The sizes that are tried, the roomiest first: a /24 is one node's pods, and 254 Services. */
const PREFIXES = [16, 20, 24];

/** A network nobody else was seen to use. */
export interface Proposal {
  readonly network: Cidr;
  /** The usual networks that come before it, each with something seen that lies in it. */
  readonly passed: readonly { readonly network: Cidr; readonly by: Seen }[];
}

/**
 * Proposes a network for pods or Services that shares no address with anything seen: one of the usual ones, else the roomiest
 * of the private addresses, from their ends, where people begin last. Undefined when not even a /24 of them is free.
 */
export function proposeNetwork(key: NetworkKey, seen: readonly Seen[]): Proposal | undefined {
  const by = (network: Cidr): Seen | undefined => seen.find((one) => overlap(one.network, network));
  const passed: { readonly network: Cidr; readonly by: Seen }[] = [];
  for (const network of USUAL[key]) {
    const other = by(network);
    if (other === undefined) return { network, passed };
    passed.push({ network, by: other });
  }
  for (const prefix of PREFIXES) {
    for (const whole of PRIVATE) {
      const network = lastFree(whole, prefix, by);
      if (network !== undefined) return { network, passed };
    }
  }
  return undefined;
}

/** Both networks of a cluster: apart from everything seen, and from each other. */
export function proposeNetworks(seen: readonly Seen[]): {
  readonly pods?: Proposal;
  readonly services?: Proposal;
} {
  const pods = proposeNetwork('pods', seen);
  const services = proposeNetwork(
    'services',
    pods === undefined ? seen : [...seen, { network: pods.network, what: 'the pods of this cluster' }],
  );
  return {
    ...(pods === undefined ? {} : { pods }),
    ...(services === undefined ? {} : { services }),
  };
}

/** The last network of this prefix length in a larger one that nothing overlaps. */
function lastFree(whole: Cidr, prefix: number, by: (network: Cidr) => Seen | undefined): Cidr | undefined {
  const size = 2 ** (32 - prefix);
  for (let first = whole.last + 1 - size; first >= whole.first; ) {
    const network = networkOf(addressAt(whole, first - whole.first), prefix);
    const other = by(network);
    if (other === undefined) return network;
    // The next one down that ends before what is in the way begins.
    first = Math.floor(Math.min(other.network.first, first) / size) * size - size;
  }
  return undefined;
}

function parsed(text: string): Cidr {
  const cidr = parseCidr(text);
  if (typeof cidr === 'string') throw new RangeError(`${text}: ${cidr}`);
  return cidr;
}
