import { type Ballot, ballot, type EtcdMember } from './quorum.ts';

/** What is found of etcd on a control plane that answers, asked on its host and not through the cluster. */
export interface EtcdFound {
  /** The node's name. */
  readonly name: string;
  /** Whether a control plane was made here: the file is there by which kubelet runs etcd, or where a recovery has put it. */
  readonly plane: boolean;
  /** Whether the data of the cluster's etcd lie on its disk. */
  readonly data: boolean;
  /** Whether etcd runs here with none of them: it was started without its data, and has begun an empty cluster. */
  readonly anew?: true;
  /** Whether etcd runs here. */
  readonly runs: boolean;
  /** Whether it decides: then most of the members agree. */
  readonly well: boolean;
  /** How far it has come in what the members have agreed on. Absent when etcd does not run. */
  readonly index?: number;
  /** The revision of its data. Absent when nothing could read it. */
  readonly revision?: number;
  /** Its own id and its cluster's, hexadecimal. */
  readonly member?: string;
  readonly cluster?: string;
  /** The members as it knows them; empty when etcd does not run. */
  readonly members: readonly Pick<EtcdMember, 'id' | 'name' | 'peer' | 'learner'>[];
  /** When a recovery was begun on this host that has not come to its end. */
  readonly begun?: string;
}

/** How etcd stands when it is asked whether it is to be recovered. */
export interface Loss {
  /** The votes: those of members whose hosts answer and have data count as well. */
  readonly ballot: Ballot;
  /** Who has a vote, by node name; empty names of members that never started are left out. */
  readonly voters: readonly string[];
  /** Who has data, the newest first. */
  readonly survivors: readonly EtcdFound[];
}

/**
 * Of two that have data, the one that knows more comes first. The revision can be read of all of them; of those that run, the index
 * counts what was agreed on besides writes.
 */
function newestFirst(a: EtcdFound, b: EtcdFound): number {
  return (b.revision ?? 0) - (a.revision ?? 0) || (b.index ?? 0) - (a.index ?? 0);
}

/**
 * Counts what is left of etcd.
 * @param planes the control planes of cluster.yaml, for when no etcd runs that could say who votes.
 */
export function lossOf(found: readonly EtcdFound[], planes: readonly string[]): Loss {
  const survivors = found.filter(({ data }) => data).toSorted(newestFirst);
  const told = survivors.find(({ members }) => members.length > 0)?.members;
  const isLeft = (name: string): boolean => survivors.some((one) => one.name === name);
  const members = told ?? planes.map((name) => ({ id: name, name, peer: '', learner: false }));
  return {
    ballot: ballot(members.map((one) => ({ ...one, well: isLeft(one.name) }))),
    voters: members.filter(({ learner, name }) => !learner && name !== '').map(({ name }) => name),
    survivors,
  };
}
