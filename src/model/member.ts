import type { Node } from './cluster.ts';
import type { Facts } from './facts.ts';
import { isIPv4, networkOf } from './network.ts';

/**
 * The address the cluster's members use to reach a node: what cluster.yaml says, else the source address of the host's
 * default route; undefined when neither is known.
 */
export function memberAddress(node: Node, facts: Facts | undefined): string | undefined {
  if (node.internalAddress !== undefined) return node.internalAddress;
  if (isIPv4(node.address)) return node.address;
  return facts?.defaultAddress;
}

/** A node's place in the network its packets to other nodes take. */
export interface Member {
  readonly name: string;
  /** Bytes of the largest packet of the device that carries the node's address. */
  readonly mtu: number;
  /** The subnet of that address: `10.0.0.0/24`. */
  readonly subnet: string;
  /** Whether the node is a machine and not a guest on one. */
  readonly physical: boolean;
}

/** What Ethernet carries when nobody has said otherwise. */
const ETHERNET_MTU = 1500;

/** A node as its facts show it. An address its host does not carry (another check tells) counts as on a common Ethernet. */
export function memberOf(node: Node, facts: Facts): Member {
  const address = memberAddress(node, facts);
  const found = facts.addresses.find((one) => one.address === address);
  const link = facts.links.find(({ device }) => device === found?.device);
  return {
    name: node.name,
    mtu: link?.mtu ?? ETHERNET_MTU,
    subnet: found === undefined ? (address ?? 'no subnet') : networkOf(found.address, found.prefix).text,
    physical: facts.virtualization === 'none',
  };
}
