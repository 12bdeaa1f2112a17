import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import type { Step } from './step.ts';

/** A phase's stable name, for --only and the history. */
export type PhaseId = string;

/**
 * Where a phase's steps are asked and made: on nodes, on the seat (a control-plane node that is up), or here, on the operator's
 * machine. What is asked here is not part of a plan: it is asked when a run comes to it, on its way to what comes after.
 */
export type Stage = 'nodes' | 'seat' | 'operator';

/** All a step may depend on: the wish, what it resolved to, the node, and what was just read of the hosts. */
export interface Scene {
  readonly cluster: Cluster;
  readonly lock: Lock;
  readonly node: Node;
  /** Of the node's own host. */
  readonly facts: Facts;
  /** Of every host that was asked, by node name: what a host shares with others shows only beside them. */
  readonly hosts: Readonly<Record<string, Facts>>;
  /** The nodes whose hosts do not answer, and are left out; absent when all do. */
  readonly away?: readonly string[];
}

/** A part of the work with one reason, done on each of its hosts in one round trip. */
export interface Phase {
  readonly id: PhaseId;
  /** Shown as a line of the progress view: 'Prepare the host'. */
  readonly title: string;
  readonly why: string;
  readonly stage: Stage;
  /** Which nodes, when the stage is `nodes`. */
  readonly on: (cluster: Cluster) => readonly Node[];
  /** `always`, or only when this run has made something (the proof): such a phase is not part of a plan. */
  readonly when: 'always' | 'changed';
  /** How many hosts at a time; all of them together when absent. */
  readonly pace?: 'one by one';
  /** The phase whose traces this one clears away: in a run that has begun it, this one comes whatever failed in between. */
  readonly closes?: PhaseId;
  readonly steps: (scene: Scene) => readonly Step[];
}
