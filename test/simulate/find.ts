import fc from 'fast-check';
import { play } from './play.ts';
import { type Schedule, schedules, scheduleText } from './schedule.ts';
import type { Bug } from './site.ts';

/** What to look for, and where. */
export interface Search {
  readonly schedules: number;
  readonly seed: number;
  readonly bugs?: ReadonlySet<Bug>;
  readonly onPlayed?: (count: number) => void;
}

/** A schedule in which something is that must never be, made as small as it goes. */
export interface Found {
  readonly schedule: Schedule;
  readonly violation: string;
  readonly story: readonly string[];
}

/** Plays random schedules until one shows what must never be; undefined when none does. */
export async function find({ schedules: count, seed, bugs, onPlayed }: Search): Promise<Found | undefined> {
  let played = 0;
  const holds = fc.asyncProperty(schedules, async (schedule) => {
    onPlayed?.((played += 1));
    return (await play(schedule, bugs)).violation === undefined;
  });
  const { counterexample } = await fc.check(holds, { numRuns: count, seed });
  const schedule = counterexample?.[0];
  if (schedule === undefined) return undefined;
  const { violation = '', story } = await play(schedule, bugs);
  return { schedule, violation, story };
}

/** What was found, for people. */
export function foundText({ schedule, violation, story }: Found, { seed }: Search): string {
  return [
    `seed ${seed}, shrunk to:`,
    scheduleText(schedule),
    '',
    'what happened:',
    ...story,
    '',
    violation,
    '',
    `the schedule as a value: ${JSON.stringify(schedule)}`,
  ].join('\n');
}
