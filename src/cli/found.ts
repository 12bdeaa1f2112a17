import { NAME } from '../config/format.ts';
import { type Proposal, proposeNetworks } from '../config/free-network.ts';
import type { Initial } from '../config/write.ts';
import type { Facts } from '../model/facts.ts';
import { isIPv4 } from '../model/network.ts';
import type { Seen } from '../model/surroundings.ts';
import { bytes, count, listed } from '../report/words.ts';
import type { Way } from '../ssh/resolve.ts';
import type { Met } from './meet.ts';

/*
 * What a host that was read means for cluster.yaml, and how it is told. All of it is pure; what the host says of itself may hold
 * anything, and is made safe where it is written.
 */

/** How many networks are named before the rest are counted. */
const NAMED = 8;

/** A node's name after its host's: the first part of it, where that is one Kubernetes takes. */
export function nodeNameOf({ hostname }: Facts): string | undefined {
  const [label = ''] = hostname.toLowerCase().split('.');
  return NAME.test(label) && label !== 'localhost' ? label : undefined;
}

/** An address that has to be written down, and why. */
export interface Internal {
  readonly address: string;
  readonly why: string;
}

/**
 * The internalAddress a node needs: when ssh connects to an address that no device of the host carries, or when another one than
 * the one ssh connects to would be taken for it.
 * @param address as it will stand in cluster.yaml.
 */
export function internalOf(address: string, way: Pick<Way, 'hostname'>, facts: Facts): Internal | undefined {
  const own = facts.addresses.filter((one) => isIPv4(one.address)).map((one) => one.address);
  const { hostname } = way;
  if (own.includes(hostname)) {
    const taken = isIPv4(address) ? address : facts.defaultAddress;
    if (taken === hostname) return undefined;
    return { address: hostname, why: 'ssh connects to it; the default route leaves from another one' };
  }
  const inside = own.find((one) => one === facts.defaultAddress) ?? own[0];
  if (inside === undefined || !isIPv4(hostname)) return undefined;
  return { address: inside, why: `ssh connects to ${hostname}, which no device of the host carries` };
}

/** `10.0.0.0/24 (eth0)` */
function shown({ network, what }: Seen): string {
  return `${network.text} (${what})`;
}

/** What is around a host, the roomiest networks first. */
export function aroundText(around: readonly Seen[]): string {
  const sorted = around.toSorted((a, b) => a.network.prefix - b.network.prefix);
  return listed(sorted.map(shown), NAMED);
}

/** Why a network was proposed: what it is apart from, and what was in the way of others. */
export function proposalText(
  proposal: Proposal | undefined,
  apart: string,
  around: readonly Seen[],
): readonly string[] {
  if (proposal === undefined)
    return [
      `All private networks are taken: ${aroundText(around)}. Write one here that is free all the same; plan looks whether it is.`,
    ];
  const others = [...new Set(proposal.passed.map(({ by }) => by))].map((by) => {
    const passed = proposal.passed.filter((one) => one.by === by).map(({ network }) => network.text);
    return `${shown(by)} is in the way of ${listed(passed)}, which ${passed.length === 1 ? 'is' : 'are'} more usual.`;
  });
  return [apart, ...others];
}

/** `Debian GNU/Linux 12 (bookworm) on amd64, 4 CPUs, 8 GiB of memory` */
export function machineText(facts: Facts): string {
  return `${facts.osName} on ${facts.architecture}, ${count(facts.cpus, 'CPU')}, ${bytes(facts.memory)} of memory`;
}

/** `10.0.0.11/24 (eth0)`, with the others. */
export function addressesText({ addresses }: Facts): string {
  const own = addresses.filter(({ address }) => isIPv4(address));
  return own.length === 0
    ? 'no IPv4 address'
    : listed(
        own.map(({ address, prefix, device }) => `${address}/${prefix} (${device})`),
        NAMED,
      );
}

/**
 * What the only host was found to be, put into what is written: addresses, networks, and the reasons as comments.
 * @param today ISO 8601.
 */
export function withFindings(initial: Initial, met: Met, today: string): Initial {
  const { hostKey } = met;
  const pinned = hostKey === undefined ? {} : { hostKey };
  const nodes = initial.nodes.map((node) => ({ ...node, ...pinned }));
  const name = nodes[0]?.name ?? '';
  if (met.is !== 'read') {
    const unread = met.is === 'unasked' ? 'was not asked' : `could not be read (${met.problem.summary})`;
    const pods = `${name} ${unread}: this is the usual network, and plan looks whether a route of the host is in its way.`;
    return {
      ...initial,
      nodes,
      remarks: { pods: [pods], nodes: [`${name} ${unread}: what stands here is supposed.`] },
    };
  }
  const { facts, around, way } = met;
  const internal = internalOf(nodes[0]?.address ?? '', way, facts);
  const { pods, services } = proposeNetworks(around);
  return {
    ...initial,
    nodes: nodes.map((node) => ({
      ...node,
      ...(internal === undefined ? {} : { internalAddress: internal.address }),
    })),
    network: {
      ...initial.network,
      ...(pods === undefined ? {} : { pods: pods.network.text }),
      ...(services === undefined ? {} : { services: services.network.text }),
    },
    remarks: {
      pods: proposalText(pods, `Apart from all that ${name} has around it: ${aroundText(around)}.`, around),
      services: proposalText(services, 'Apart from the same, and from the pods.', around),
      nodes: [
        `${name} on ${today}: ${machineText(facts)}. It has ${addressesText(facts)}.`,
        ...(internal === undefined ? [] : [`internalAddress: ${internal.why}.`]),
      ],
    },
  };
}
