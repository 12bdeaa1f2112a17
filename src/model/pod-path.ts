import type { Encapsulation } from './cluster.ts';
import type { Member } from './member.ts';

/** Bytes VXLAN puts around a packet on an IPv4 network: outer IP 20, UDP 8, VXLAN 8, inner Ethernet 14. */
export const VXLAN_OVERHEAD = 50;

/** The smallest largest packet a pod may have: below it IPv6 stops and DNS answers are torn. */
export const LEAST_MTU = 1280;

/** The largest: what Ethernet devices with jumbo frames carry. */
export const MOST_MTU = 9216;

/** How many bytes an encapsulation takes from each packet; `cross-subnet` from those that need it, so from all. */
export function overhead(encapsulation: Encapsulation): number {
  return encapsulation === 'none' ? 0 : VXLAN_OVERHEAD;
}

/** The way between nodes that suits these: see {@link choosePodPath}. */
export interface PodPath {
  readonly encapsulation: Encapsulation;
  readonly mtu: number;
}

/** What of the path the user has decided; the rest is chosen. */
export type PodPathWish = Partial<PodPath>;

/** Why a wish cannot come true on these nodes. */
export interface PodPathFault {
  readonly field: 'encapsulation' | 'mtu';
  readonly summary: string;
  readonly why: string;
  readonly try: string;
}

/** A plugin's usual way; but never packets as they are between guests: their networks mostly drop addresses they did not give out. */
function usual(
  members: readonly Member[],
  [first, ...others]: readonly [Encapsulation, ...Encapsulation[]],
): Encapsulation {
  if (first !== 'cross-subnet' || members.every(({ physical }) => physical)) return first;
  return others[0] ?? first;
}

/**
 * Chooses how packets of pods travel: in the plugin's usual way, unless that is `cross-subnet` and a node is a guest on some
 * machine. The MTU is the least of all nodes' devices less what encapsulation takes, so that a packet made on one node arrives on every other.
 * @param members the nodes; at least one
 * @param able what the plugin can, its usual one first
 * @returns the path, or why the wish cannot be met
 */
export function choosePodPath(
  members: readonly Member[],
  able: readonly [Encapsulation, ...Encapsulation[]],
  wish: PodPathWish,
): PodPath | PodPathFault {
  const least = members.reduce((a, b) => (b.mtu < a.mtu ? b : a));
  const subnets = new Set(members.map(({ subnet }) => subnet));
  const encapsulation = wish.encapsulation ?? usual(members, able);
  if (encapsulation === 'none' && subnets.size > 1) {
    return {
      field: 'encapsulation',
      summary: 'the nodes are not in one subnet, so packets of pods cannot travel as they are',
      why: `${members.map(({ name, subnet }) => `${name} is in ${subnet}`).join(', ')}; a router between them knows no pods`,
      try: `encapsulation: ${able.includes('cross-subnet') ? 'cross-subnet' : able[0]}`,
    };
  }
  const room = least.mtu - overhead(encapsulation);
  if (wish.mtu !== undefined && wish.mtu > room) {
    return {
      field: 'mtu',
      summary: `packets of ${wish.mtu} bytes do not fit through the network of ${least.name}`,
      why: `its device carries ${least.mtu} bytes${overhead(encapsulation) === 0 ? '' : `, of which encapsulation takes ${overhead(encapsulation)}`}; larger packets vanish, and connections hang once they carry more than a greeting`,
      try: `mtu: ${room}   or leave it out: it is then chosen from what the devices carry`,
    };
  }
  if (room < LEAST_MTU) {
    return {
      field: 'mtu',
      summary: `the network of ${least.name} carries packets of ${least.mtu} bytes only`,
      why: `pods would be left with ${room}, and need ${LEAST_MTU}`,
      try: `raise the MTU of that device (ip link show on ${least.name})`,
    };
  }
  return { encapsulation, mtu: wish.mtu ?? room };
}
