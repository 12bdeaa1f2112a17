import pMap from 'p-map';
import { type ExitCode, Problem, Problems } from '../model/problem.ts';
import { OPERATOR, type Work } from '../plan/work.ts';
import { compile, type ScriptMode } from '../shell/compile.ts';
import type { ScriptRecord } from '../shell/parse.ts';
import type { Phase, PhaseId } from '../steps/phase.ts';
import { unwanted } from '../steps/proxy.ts';
import type { Step } from '../steps/step.ts';
import { carry, collect } from './carry.ts';
import { EVENT_FORMAT, type StepState } from './event.ts';
import { problemOf } from './failure.ts';
import type { Hold } from './hold.ts';
import type { Lease } from './lease.ts';
import { patiently } from './patience.ts';
import { secretsOf } from './secret.ts';
import { AT_ONCE, hostOf } from './survey.ts';
import { signed } from './signature.ts';
import { now, type RunOptions } from './take.ts';

/** How a run ended. */
export interface Outcome {
  readonly exit: ExitCode;
  /** What was made: host and step, in the order it was done. */
  readonly made: readonly { readonly host: string; readonly step: string }[];
  readonly problems: readonly Problem[];
}

/** A run while it goes on. */
export interface Running {
  readonly options: RunOptions;
  /** The hosts as this run has taken them. */
  readonly holds: readonly Hold[];
  /** The cluster as this run has taken it; absent where none answered. */
  readonly lease?: Lease;
  readonly begun: number;
  readonly made: { host: string; step: string }[];
  readonly problems: Problem[];
  /** Late values, by name. */
  readonly slots: Map<string, string>;
  interrupted: boolean;
}

/** Whether nothing stands against going on. */
export function fine(running: Running): boolean {
  return running.problems.length === 0 && !running.interrupted;
}

/** The work grouped into phases, in order. */
export function byPhase(works: readonly Work[]): readonly (readonly Work[])[] {
  const groups = new Map<string, Work[]>();
  for (const work of works) groups.set(work.phase.id, [...(groups.get(work.phase.id) ?? []), work]);
  return [...groups.values()];
}

/** Begins a run: its first two events. */
export function begin(
  options: RunOptions,
  works: readonly Work[],
  holds: readonly Hold[],
  lease?: Lease,
): Running {
  options.on({ is: 'version', format: EVENT_FORMAT, landfall: options.version });
  options.on({
    is: 'run',
    at: now(),
    run: options.run,
    command: options.command,
    cluster: options.site.cluster.name,
    phases: byPhase(works).flatMap((group) =>
      group[0] === undefined
        ? []
        : [{ id: group[0].phase.id, title: group[0].phase.title, hosts: group.map((w) => w.host) }],
    ),
  });
  const { soon, now: atOnce } = options.stop;
  return {
    options: { ...options, site: signed(options) },
    holds,
    ...(lease === undefined ? {} : { lease }),
    begun: Date.now(),
    made: [],
    problems: [],
    slots: new Map(),
    interrupted: soon.aborted || atOnce.aborted,
  };
}

/** A problem's own fields, as they stand in events. */
function parts(problem: Problem): Omit<Problem, keyof Error> {
  const { name: _name, message: _message, stack: _stack, cause: _cause, ...rest } = problem;
  return rest;
}

/** Ends a run: its problems and its last event. */
export function end(running: Running): Outcome {
  const { made, problems, options } = running;
  for (const problem of problems) options.on({ is: 'problem', at: now(), problem: parts(problem) });
  const { soon, now: atOnce } = options.stop;
  const stopped: ExitCode = (atOnce.aborted ? atOnce : soon).reason === 143 ? 143 : 130;
  const exit: ExitCode = running.interrupted ? stopped : (problems[0]?.exit ?? 0);
  options.on({ is: 'end', at: now(), exit, made: made.length, ms: Date.now() - running.begun });
  return { exit, made, problems };
}

/** Does a part of a run; problems thrown on the way become the run's own, told with its others. */
export async function told<T>(running: Running, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Problems)) throw error;
    running.problems.push(...(error instanceof Problems ? error.problems : [error]));
    return undefined;
  }
}

/**
 * Carries phases out one after another until one does not come right. One that closes what another has opened comes then, too,
 * once that other was begun.
 */
export async function carryPhases(
  running: Running,
  phases: readonly (readonly Work[])[],
  mode: ScriptMode = 'make',
): Promise<void> {
  const begun = new Set<PhaseId>();
  try {
    for (const works of phases) {
      const phase = works[0]?.phase;
      running.interrupted ||= running.options.stop.soon.aborted || running.options.stop.now.aborted;
      if (phase === undefined || !fine(running)) continue;
      await running.lease?.keep();
      begun.add(phase.id);
      await carryPhase(running, phase, works, mode);
    }
  } finally {
    const left = phases.filter(([work]) => {
      const { id, closes } = work?.phase ?? {};
      return id !== undefined && !begun.has(id) && closes !== undefined && begun.has(closes);
    });
    if (left.length > 0) await carryAnyway(running, left);
  }
}

/** Carries out what clears away, whatever came before: something that failed, or the operator's wish to stop. */
export async function carryAnyway(running: Running, phases: readonly (readonly Work[])[]): Promise<void> {
  const never = new AbortController().signal;
  const options = { ...running.options, stop: { soon: never, now: never } };
  const own: Running = { ...running, options, problems: [], interrupted: false };
  await told(own, () => carryPhases(own, phases));
  running.problems.push(...own.problems);
}

const GIVEN_UP = 'given up; what goes on elsewhere is brought to the end of this phase';

/** Carries a phase out on all its hosts, to its end on each of them; then throws what has become of those that were lost. */
async function carryPhase(
  running: Running,
  phase: Phase,
  works: readonly Work[],
  mode: ScriptMode,
): Promise<void> {
  const begun = Date.now();
  const { on } = running.options;
  on({ is: 'phase', at: now(), phase: phase.id, title: phase.title, hosts: works.map((w) => w.host) });
  const single = phase.pace === 'one by one';
  const lost: Problem[] = [];
  let open = works.length;
  const tallies = await pMap(
    works,
    async (work): Promise<Tally> => {
      if (single && (!fine(running) || lost.length > 0)) return { made: 0, right: 0, failed: 0 };
      const teller = tell(running, work);
      try {
        await carryWork(running, work, mode, teller);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        lost.push(error);
        if (!single && open > 1)
          on({ is: 'notice', at: now(), code: 'run/given-up', host: work.host, text: GIVEN_UP });
      }
      open -= 1;
      return teller.tally();
    },
    { concurrency: single ? 1 : AT_ONCE },
  );
  const sum = (key: keyof Tally): number => tallies.reduce((n, t) => n + t[key], 0);
  const counts = { made: sum('made'), right: sum('right'), failed: sum('failed') };
  const all = works.reduce((n, { steps }) => n + steps.length, 0);
  const left = all - counts.made - counts.right - counts.failed;
  on({ is: 'phase-end', at: now(), phase: phase.id, ...counts, left, ms: Date.now() - begun });
  if (lost.length > 1) throw new Problems(lost);
  if (lost[0] !== undefined) throw lost[0];
}

/** How many steps have come to which end. */
type Tally = Readonly<Record<'made' | 'right' | 'failed', number>>;

/** How many lines of a step's own output are kept for telling why it failed. */
const KEPT_LINES = 60;

interface Current {
  readonly step: Step;
  readonly since: number;
  readonly output: string[];
}

async function carryWork(
  running: Running,
  work: Work,
  mode: ScriptMode,
  teller: ReturnType<typeof tell>,
): Promise<void> {
  const { options } = running;
  const { site, run } = options;
  const host = work.host === OPERATOR ? site.operator : hostOf(site, work.host);
  const detached = options.detached && work.host !== OPERATOR;
  const taken = work.steps.flatMap((s) => s.takes ?? []);
  const phase = await carry({
    host,
    keep: () => running.holds.find((h) => h.host === host)?.keep() ?? Promise.resolve(),
    run,
    command: options.command,
    phase: work.phase.id,
    detached,
    script: (folder) =>
      compile(work.steps, {
        mode,
        title: `${site.cluster.name} · ${work.host} · ${work.phase.title}`,
        slots: {
          ...Object.fromEntries(taken.map((name) => [name, running.slots.get(name) ?? ''])),
          ...secretsOf(site, work.steps, mode),
        },
        unset: work.host === OPERATOR ? [] : unwanted(site.cluster),
        ...(folder === undefined ? {} : { given: `${folder}/given`, stopFile: `${folder}/stop` }),
      }),
    onRecord: teller.onRecord,
    onOutput: teller.onOutput,
    onNotice: (code, text) => options.on({ is: 'notice', at: now(), code, host: work.host, text }),
    onAgain: teller.onAgain,
    stop: options.stop,
    patience: options.patience,
  });
  if (options.stop.soon.aborted || options.stop.now.aborted) running.interrupted = true;
  const names = work.steps.flatMap((s) => s.gives ?? []);
  if (names.length > 0 && detached) {
    const patience = { seconds: options.patience, stop: options.stop.now };
    const found = await patiently(patience, () => collect(host, run, phase, names));
    for (const [name, value] of Object.entries(found)) running.slots.set(name, value);
  }
}

/** Turns the records of one script into events, a tally, and problems. */
function tell(running: Running, work: Work) {
  const { on, run } = running.options;
  const made = new Set<string>();
  /** Steps in whose making the script was cut short: when they are right in the next one, they were made all the same. */
  const begun = new Set<string>();
  /** To which end each step has come. One that was made, and is right when all is read again, was made. */
  const ends = new Map<string, keyof Tally>();
  let current: Current | undefined;
  const place = { phase: work.phase.id, host: work.host };
  const event = (step: Step, state: StepState, more: object = {}): void => {
    const ms = current === undefined ? {} : { ms: Date.now() - current.since };
    on({ is: 'step', at: now(), ...place, step: step.id, title: step.title, state, ...ms, ...more });
  };
  const finished = (step: Step): void => {
    ends.set(step.id, 'made');
    if (!made.has(step.id)) running.made.push({ host: work.host, step: step.id });
    made.add(step.id);
    begun.delete(step.id);
    event(step, 'made');
  };
  const onRecord = (r: ScriptRecord): void => {
    if (r.is === 'begin' || r.is === 'end' || r.is === 'said' || r.is === 'told') return;
    const step = work.steps[r.step - 1];
    if (step === undefined) return;
    if (current?.step !== step) current = { step, since: Date.now(), output: [] };
    switch (r.is) {
      case 'right':
        if (begun.has(step.id)) return finished(step);
        if (!made.has(step.id)) ends.set(step.id, 'right');
        return event(step, 'right');
      case 'undoing':
        return event(step, 'making');
      case 'differs':
        begun.add(step.id);
        return event(step, 'making', { reading: r.reading, want: step.want });
      case 'waiting':
        return event(step, 'waiting', {
          reading: r.reading,
          ...(step.awaits === undefined ? {} : { awaits: step.awaits }),
          within: step.within ?? 0,
        });
      case 'made':
      case 'undone':
        return finished(step);
      case 'skipped':
        running.interrupted ||= r.asked;
        return event(step, 'skipped');
      default: {
        ends.set(step.id, 'failed');
        const status = r.is === 'failed' ? { status: r.status } : {};
        event(step, r.is, { reading: r.reading, want: step.want, ...status });
        const { reading, note } = r;
        running.problems.push(
          problemOf({
            host: work.host,
            step,
            state: r.is,
            reading,
            note,
            output: current.output,
            run,
            ...status,
          }),
        );
      }
    }
  };
  return {
    onRecord,
    onOutput: (text: string): void => {
      if (current === undefined) return;
      current.output.push(text);
      if (current.output.length > KEPT_LINES) current.output.shift();
      on({ is: 'output', at: now(), ...place, step: current.step.id, text });
    },
    onAgain: (): void => {
      for (const [step, how] of ends) if (how !== 'made') ends.delete(step);
      current = undefined;
    },
    tally: (): Tally => {
      const all = [...ends.values()];
      const n = (how: keyof Tally): number => all.filter((one) => one === how).length;
      return { made: n('made'), right: n('right'), failed: n('failed') };
    },
  };
}
