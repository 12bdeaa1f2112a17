import type { Asked } from './asked.ts';
import type { Place } from './truth.ts';
import { answers } from './world.ts';

/** How a making goes on: waits so many milliseconds, in which anything may happen to the machine. */
export type Pause = (ms: number) => Promise<void>;

/** What a making says when it fails. */
export class Failed extends Error {}

/** The making of one step on a machine. */
export interface Making extends Place {
  readonly step: Asked;
  readonly pause: Pause;
  /** The late values the script has brought along. */
  readonly slots: ReadonlyMap<string, string>;
}

/** @throws Failed when the machine's own API server does not answer. */
export function needApi({ world, machine }: Place): void {
  if (!answers(world, machine)) throw new Failed('the API server does not answer');
}
