import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Listed } from '../../src/cli/list.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/run/event.ts';
import { type Break, type Breaks, HANDS, type Passes, type Refused } from './hands.ts';
import { THOROUGH } from '../thorough.ts';
import { type Desk, events, onHost, start, well, wellOnHost } from './harness.ts';

/** A cluster of one node whose steps are broken by hand, and the ways to break them. */
export interface Bench {
  readonly host: string;
  /** Every step of this cluster, in order. */
  readonly list: readonly Listed[];
  readonly breaks: Readonly<Record<string, Breaks>>;
  /** Which steps are broken here; all when it is left out. */
  readonly part?: (one: Listed) => boolean;
  /** Known only when the tests run. */
  readonly lab: () => Lab;
  readonly place: () => Desk;
}

/** One break of one step. */
export interface Act extends Break {
  readonly step: string;
}

/** How breaks are tried: many at once that apply makes right, those of them that bear no others beside them, and what apply leaves to somebody else. */
export type Way = 'together' | 'alone' | 'left';

/** Rounds of which each holds at most one break of each step, the first ways first. */
function rounds<T extends Act>(all: readonly T[]): readonly (readonly T[])[] {
  const nth = all.map((one) => all.filter((other) => other.step === one.step).indexOf(one));
  return [...new Set(nth)].sort().map((n) => all.filter((_, i) => nth[i] === n));
}

/** Rounds with a name each, for the tests' titles. */
function titled<T extends Act>(all: readonly (readonly T[])[]): readonly (readonly [string, readonly T[]])[] {
  return all.map((round) => [round.map((one) => `${one.step}: ${one.how}`).join('; '), round]);
}

const isRefused = (one: Act): one is Act & { readonly ends: Refused } =>
  one.ends !== undefined && 'says' in one.ends;
const isPassing = (one: Act): one is Act & { readonly ends: Passes } =>
  one.ends !== undefined && 'letGo' in one.ends;
/** Breaks that share rounds with all others, and those that do with some. */
function apart<T extends Act>(all: readonly T[]): readonly (readonly T[])[] {
  return [...new Set(all.map((one) => one.alone))].flatMap((why) =>
    rounds(all.filter((one) => one.alone === why)),
  );
}

/** What is done with a bench: a step is broken, plan finds exactly that, apply makes it right or says what to do, and then nothing is left to do. */
export function breaking({ host, list, breaks, part = () => true, lab, place }: Bench) {
  const order = list.map(({ step }) => step.id as string);
  /** What is asked on this machine: in no plan, and made on the way to what leans on it. */
  const here = list.filter(({ phase }) => phase.stage === 'operator').map(({ step }) => step.id as string);
  const acts: readonly Act[] = list.filter(part).flatMap(({ step: { id: step } }) => {
    const entry = breaks[step];
    if (entry === undefined || 'cannot' in entry) return [];
    return (THOROUGH ? entry : entry.slice(0, 1)).map((one) => ({ step, ...one }));
  });

  /** All steps whose reading means nothing while one of these does not hold. */
  function after(broken: ReadonlySet<string>): ReadonlySet<string> {
    const open = new Set<string>();
    // In the order of the list nothing comes before what it comes after.
    for (const { step } of list)
      if (step.after?.some((id) => broken.has(id) || open.has(id))) open.add(step.id);
    return open;
  }

  const byHand = (script: string): Promise<string> => wellOnHost(lab(), host, `${HANDS}\n${script}`);

  const planned = async (): Promise<Plan> =>
    JSON.parse((await well(place(), 'plan', '--json')).stdout) as Plan;

  async function forecasts(): Promise<Readonly<Record<string, string>>> {
    const open = (await planned()).hosts
      .flatMap(({ findings }) => findings)
      .filter((f) => f.forecast !== 'right');
    return Object.fromEntries(open.map((f) => [f.step, f.forecast]));
  }

  /** What a plan must say when these are broken: each of them, what comes after them as unknown, and nothing else. */
  function expected(broken: ReadonlySet<string>): Readonly<Record<string, string>> {
    const unknown = after(broken);
    return Object.fromEntries(
      list.flatMap(({ step }) => {
        if (unknown.has(step.id)) return [[step.id, 'unknown']];
        return broken.has(step.id) ? [[step.id, step.make === undefined ? 'wrong' : 'make']] : [];
      }),
    );
  }

  /** Plan finds exactly these. */
  async function found(broken: ReadonlySet<string>): Promise<void> {
    expect(await forecasts()).toEqual(expected(broken));
  }

  const touched = (one: Act): readonly string[] => [one.step, ...Object.keys(one.also ?? {})];

  /**
   * Breaks these, the last of the list first, and looks: before a break would hide what no plan has shown yet, and at the end.
   * Gives the steps that are broken now.
   */
  async function breakAll(round: readonly Act[]): Promise<ReadonlySet<string>> {
    const broken = new Set<string>();
    const shown = new Set<string>();
    for (const one of round.toSorted((a, b) => order.indexOf(b.step) - order.indexOf(a.step))) {
      const hidden = after(new Set(touched(one)));
      if ([...broken].some((step) => hidden.has(step) && !shown.has(step))) {
        await found(broken);
        for (const step of broken) shown.add(step);
      }
      await byHand(one.by);
      for (const step of touched(one)) broken.add(step);
    }
    await found(broken);
    return broken;
  }

  /** Applies; what apply is seen to wait for is let go. */
  async function apply(round: readonly (Act & { readonly ends: Passes })[] = []) {
    const { child, ended } = start(place(), ['apply', '--yes', '--json', '--no-proof']);
    const going: Promise<unknown>[] = [];
    const waiting = new Set(round);
    let rest = '';
    child.stdout?.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = JSON.parse(line) as RunEvent;
        if (event.is !== 'step' || event.state !== 'waiting') continue;
        for (const one of waiting) {
          if (event.step !== one.step && event.step !== one.ends.orAt) continue;
          waiting.delete(one);
          going.push(byHand(one.ends.letGo));
        }
      }
    });
    const end = await ended;
    await Promise.all(going);
    const told = events(end);
    return {
      status: end.status,
      held: [...waiting].map(({ step }) => step),
      problems: told.flatMap((e) => (e.is === 'problem' ? [e.problem] : [])),
      made: told.flatMap((e) => (e.is === 'step' && e.state === 'made' ? [e.step as string] : [])),
    };
  }

  /** Nothing is left to do, or will be in a moment: what a hand has put back may still have to start. */
  async function settled(): Promise<void> {
    const limit = Date.now() + 5 * 60_000;
    let open = await forecasts();
    while (Object.keys(open).length > 0 && Date.now() < limit) {
      await setTimeout(2000);
      open = await forecasts();
    }
    expect(open).toEqual({});
  }

  /** A plan of its own after each round; else the next round's, which finds nothing but what that has broken, is the same question. */
  const nothingLeft = async (): Promise<void> => {
    if (THOROUGH) expect(await forecasts()).toEqual({});
  };

  const tidy = async (round: readonly Act[]): Promise<void> => {
    for (const one of round) if (one.tidy !== undefined) await byHand(one.tidy);
  };

  const isCheck = (one: Act): boolean =>
    list.find(({ step }) => step.id === one.step)?.step.make === undefined;

  /** Only apply mends what it can make, and only hands what it cannot; and what a break touches is in the list. */
  function sound(): void {
    expect(acts.filter((one) => isCheck(one) && one.ends === undefined).map((one) => one.step)).toEqual([]);
    for (const one of acts) expect(order).toEqual(expect.arrayContaining([...touched(one)]));
  }

  /** What apply makes right. */
  function made(ways: readonly Way[]): void {
    const chosen = acts.filter(
      (one) => one.ends === undefined && ways.includes(one.alone === undefined ? 'together' : 'alone'),
    );
    describe('what apply makes right', () => {
      test.each(titled(apart(chosen)))('%s', async (_, round) => {
        const broken = await breakAll(round);
        const { status, problems, made } = await apply();
        expect([status, problems]).toEqual([0, []]);
        const known = [...broken].filter((step) => !after(broken).has(step));
        expect(known.filter((step) => !made.includes(step))).toEqual([]);
        const foreseen = new Set([...broken, ...after(broken), ...here]);
        expect(made.filter((step) => !foreseen.has(step))).toEqual([]);
        await tidy(round);
        await nothingLeft();
      });
    });
  }

  /** What apply waits for, and what only hands make right. */
  function left(): void {
    describe('what apply waits for', () => {
      test.each(titled(apart(acts.filter(isPassing))))('%s', async (_, round) => {
        await breakAll(round);
        const { status, problems, made, held } = await apply(round);
        const changed = made.filter((step) => !here.includes(step));
        expect([status, problems, changed, held]).toEqual([0, [], [], []]);
        await nothingLeft();
      });
    });

    describe('what only hands make right', () => {
      // Checks of one phase are told together; a make that fails ends its phase, so it is tried by itself.
      const all = acts.filter(isRefused);
      const phaseOf = (one: Act): string => list.find(({ step }) => step.id === one.step)?.phase.id ?? '';
      const phases = [...new Set(all.map(phaseOf))];
      const shared = phases.flatMap((phase) =>
        apart(all.filter((one) => isCheck(one) && phaseOf(one) === phase)),
      );
      const single = all.filter((one) => !isCheck(one)).map((one) => [one]);
      test.each(titled([...shared, ...single]))('%s', async (_, round) => {
        try {
          const broken = await breakAll(round);
          const { status, problems } = await apply();
          expect(status).toBe(1);
          expect(problems.map((p) => p.code).filter((code) => !broken.has(code))).toEqual([]);
          for (const one of round) {
            const problem = problems.find((p) => p.code === one.step);
            expect(Object.values(problem ?? {}).join('\n')).toMatch(one.ends.says);
            expect([one.step, problem?.try]).toEqual([one.step, expect.stringMatching(/\S/)]);
          }
        } finally {
          for (const one of round) await onHost(lab(), host, `${HANDS}\n${one.ends.mend}`);
        }
        await settled();
      });
    });
  }

  /** The tests of every break that is tried in one of these ways, on a cluster that lives. */
  function mending(...ways: readonly Way[]): void {
    // A round that failed leaves what it broke: the next ones tell of their own faults alone.
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await apply();
    });
    made(ways);
    if (ways.includes('left')) left();
  }

  return { order, planned, forecasts, byHand, apply, settled, sound, mending };
}
