import type { Applied } from '../model/applied.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import type { Disturbs, StepId } from '../steps/step.ts';

/** What a plan says of a step: right already, to be made, a check that does not hold, or known only later. */
export type Forecast = 'right' | 'make' | 'wrong' | 'unknown';

/** One step of one host, compared. */
export interface Finding {
  readonly phase: string;
  readonly step: StepId;
  readonly title: string;
  readonly forecast: Forecast;
  /** What the reading printed, without trailing newlines. */
  readonly reading: string;
  readonly want: string;
  /** What the reading's programs complained about on standard error. */
  readonly note?: string;
  /** The steps that must hold before this reading means anything, when unknown. */
  readonly until?: readonly StepId[];
  readonly disturbs?: Disturbs;
  readonly long?: boolean;
}

/** What was read of one host and what follows from it. `here` is the operator's machine. */
export interface HostPlan {
  readonly host: string;
  readonly address: string;
  readonly facts: Facts;
  readonly findings: readonly Finding[];
}

/** A host that could not be asked, and is left out. */
export interface Absence {
  readonly host: string;
  readonly address: string;
  /** That of the problem: `ssh/unreachable`. */
  readonly code: string;
  readonly summary: string;
}

/** A forecast: every reading against its want. The host decides again right before each make. */
export interface Plan {
  readonly format: '1.0';
  readonly cluster: string;
  readonly lock: Lock;
  /** SHA-256 (hex) of cluster.yaml as it was read. */
  readonly source: string;
  readonly hosts: readonly HostPlan[];
  /** Absent when all hosts answered. */
  readonly away?: readonly Absence[];
  /** What the cluster says was applied to it; absent when it says nothing, or there is none yet. */
  readonly applied?: Applied;
  /** When it was read (UTC, ISO 8601), how long that took in milliseconds, and in how many round trips. */
  readonly at: string;
  readonly ms: number;
  readonly trips: number;
}

/** Whether there is nothing to do and nothing wrong, on the hosts that answered. */
export function isEmpty(plan: Plan): boolean {
  return plan.hosts.every((host) => host.findings.every((f) => f.forecast === 'right'));
}
