/** A member of etcd as the others know it. */
export interface EtcdMember {
  /** As etcdctl takes it: hexadecimal digits. */
  readonly id: string;
  /** That of its node; empty until it has started for the first time. */
  readonly name: string;
  /** Where the other members reach it: `https://10.0.0.11:2380`. */
  readonly peer: string;
  /** One that only learns has no vote yet. */
  readonly learner: boolean;
  /** Whether it has answered. */
  readonly well: boolean;
}

/** How the votes stand. */
export interface Ballot {
  /** Members with a vote. */
  readonly voting: number;
  /** Those of them that answer. */
  readonly well: number;
  /** How many have to answer for etcd to go on. */
  readonly needed: number;
}

/** Counts the votes. */
export function ballot(members: readonly EtcdMember[]): Ballot {
  const voting = members.filter(({ learner }) => !learner);
  return {
    voting: voting.length,
    well: voting.filter(({ well }) => well).length,
    needed: Math.floor(voting.length / 2) + 1,
  };
}

/** Whether etcd goes on. */
export function holds({ well, needed }: Ballot): boolean {
  return well >= needed;
}

/**
 * Why a member must not be taken out: etcd does not go on as it is (`lost`), it is the last one (`last`), one that stays is not well while this
 * one is (`unwell`), or those that stay would be too few (`few`).
 */
export type RemovalFault = 'lost' | 'last' | 'unwell' | 'few';

/** What taking a member out of etcd would do. */
export interface Removal {
  readonly before: Ballot;
  readonly after: Ballot;
  /** Who is taken out: nobody when etcd has no such member. */
  readonly leaving: readonly EtcdMember[];
  readonly fault?: RemovalFault;
}

/**
 * Works out what etcd is like without a node's members: those of its name, and one of its address that has never started. Nothing
 * that is allowed here leaves fewer members well than have to be.
 * @param peer where etcd of that node would be reached, when the address is known.
 */
export function removal(members: readonly EtcdMember[], name: string, peer?: string): Removal {
  const leaving = members.filter((one) => one.name === name || (one.name === '' && one.peer === peer));
  const rest = members.filter((one) => !leaving.includes(one));
  const before = ballot(members);
  const after = ballot(rest);
  const fault = leaving.length === 0 ? undefined : faultOf(before, after, leaving);
  return { before, after, leaving, ...(fault === undefined ? {} : { fault }) };
}

function faultOf(before: Ballot, after: Ballot, leaving: readonly EtcdMember[]): RemovalFault | undefined {
  if (!holds(before)) return 'lost';
  if (after.voting === 0) return 'last';
  if (!holds(after)) return 'few';
  return leaving.some(({ well, learner }) => well && !learner) && after.well < after.voting
    ? 'unwell'
    : undefined;
}
