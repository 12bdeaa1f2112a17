import pMap from 'p-map';
import { type ExitCode, Problem } from '../model/problem.ts';
import { isEmpty } from '../plan/plan.ts';
import { type Choice, layOut, OPERATOR, type Work } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import type { ScriptRecord } from '../shell/parse.ts';
import type { Host } from '../ssh/host.ts';
import type { Step } from '../steps/step.ts';
import { carry, collect, followAdrift, type StopSignals } from './carry.ts';
import { EVENT_FORMAT, type OnEvent, type StepState } from './event.ts';
import { problemOf } from './failure.ts';
import { type Hold, hold, holderOf } from './hold.ts';
import { hostOf, type Site, type Survey, survey } from './survey.ts';

/** How a run is carried out. */
export interface ApplyOptions {
  readonly site: Site;
  /** What was read and shown; when another operator's work had to be followed first it is read anew. */
  readonly survey: Survey;
  readonly choice: Choice;
  /** The run's name, see `newRun`. */
  readonly run: string;
  readonly command: string;
  readonly version: string;
  readonly on: OnEvent;
  readonly stop: StopSignals;
  /** Seconds a lost host is waited for. */
  readonly patience: number;
  /** Whether the proof is wanted even when nothing was made. */
  readonly prove: boolean;
  /** Whether the proof may run at all. */
  readonly proof: boolean;
  /** Whether scripts are started detached on hosts; false only where hosts have no systemd of their own. */
  readonly detached: boolean;
  /** Called once the hosts are ours and before anything is made. */
  readonly onBegin?: (survey: Survey) => void;
}

/** How a run ended. */
export interface Outcome {
  readonly exit: ExitCode;
  /** What was made: host and step, in the order it was done. */
  readonly made: readonly { readonly host: string; readonly step: string }[];
  readonly problems: readonly Problem[];
  /** The readings after the run; absent when it did not come to its end. */
  readonly after?: Survey;
}

interface Running {
  readonly options: ApplyOptions;
  readonly made: { host: string; step: string }[];
  readonly problems: Problem[];
  readonly slots: Map<string, string>;
  interrupted: boolean;
}

const now = (): string => new Date().toISOString();

/**
 * Makes true what the survey found otherwise: takes the hosts, follows what an earlier run left going on, carries the
 * phases out in order from the first that has something to do, reads everything again, and proves the cluster from outside.
 * Problems of steps are in the outcome; problems of getting at hosts are thrown.
 */
export async function apply(options: ApplyOptions): Promise<Outcome> {
  const begun = Date.now();
  const running: Running = { options, made: [], problems: [], slots: new Map(), interrupted: false };
  const { on } = options;
  const holds = await takeAll(options);
  try {
    const before = await followAll(holds, options);
    options.onBegin?.(before);
    on({ is: 'version', format: EVENT_FORMAT, landfall: options.version });
    on({
      is: 'run',
      at: now(),
      run: options.run,
      command: options.command,
      cluster: options.site.cluster.name,
      phases: byPhase(before.works).map((works) => ({
        id: works[0]?.phase.id ?? '',
        title: works[0]?.phase.title ?? '',
        hosts: works.map((w) => w.host),
      })),
    });
    await carryAll(running, toDo(before));
    const after = finished(running) ? await verify(running) : undefined;
    if (finished(running) && options.proof && (running.made.length > 0 || options.prove))
      await prove(running, after ?? before);
    return end(running, begun, after);
  } catch (error) {
    if (error instanceof Problem) on({ is: 'problem', at: now(), problem: parts(error) });
    on({
      is: 'end',
      at: now(),
      exit: error instanceof Problem ? error.exit : 70,
      made: running.made.length,
      ms: Date.now() - begun,
    });
    throw error;
  } finally {
    await Promise.all(holds.map((h) => h.release()));
  }
}

function end(running: Running, begun: number, after: Survey | undefined): Outcome {
  const { made, problems } = running;
  for (const problem of problems) running.options.on({ is: 'problem', at: now(), problem: parts(problem) });
  const exit: ExitCode = running.interrupted ? 130 : problems.length > 0 ? 1 : 0;
  running.options.on({ is: 'end', at: now(), exit, made: made.length, ms: Date.now() - begun });
  return { exit, made, problems, ...(after === undefined ? {} : { after }) };
}

/** A problem's own fields, as they stand in events. */
export function parts(problem: Problem): Omit<Problem, keyof Error> & { readonly summary: string } {
  const { name: _name, message: _message, stack: _stack, ...rest } = problem;
  return { ...rest, summary: problem.summary };
}

function finished(running: Running): boolean {
  return running.problems.length === 0 && !running.interrupted;
}

async function takeAll(options: ApplyOptions): Promise<readonly Hold[]> {
  if (!options.detached) return [];
  const self = holderOf(options.run, options.command, new Date());
  const taken: Hold[] = [];
  try {
    for (const node of options.site.cluster.nodes)
      taken.push(await hold(hostOf(options.site, node.name), self));
  } catch (error) {
    await Promise.all(taken.map((h) => h.release()));
    throw error;
  }
  return taken;
}

/** Follows what goes on without its operator; then what was read before means nothing any more and is read again. */
async function followAll(holds: readonly Hold[], options: ApplyOptions): Promise<Survey> {
  const adrift = holds.flatMap((h) => h.adrift.map((a) => ({ ...a, host: h.host })));
  if (adrift.length === 0) return options.survey;
  for (const { run, phase, host } of adrift) {
    const text = `run ${run} goes on here without its operator (${phase}); following it to its end first`;
    options.on({ is: 'notice', at: now(), code: 'run/adrift', host: host.name, text });
    await followAdrift({
      host,
      run,
      phase,
      onRecord: () => undefined,
      onOutput: () => undefined,
      onNotice: (code, said) => options.on({ is: 'notice', at: now(), code, host: host.name, text: said }),
      stop: options.stop,
      patience: options.patience,
    });
  }
  return survey(options.site, options.choice);
}

/** The work grouped into phases, in order. */
export function byPhase(works: readonly Work[]): readonly (readonly Work[])[] {
  const groups = new Map<string, Work[]>();
  for (const work of works) groups.set(work.phase.id, [...(groups.get(work.phase.id) ?? []), work]);
  return [...groups.values()];
}

/** Everything from the first phase with something to do: what comes after a change may be changed by it. */
function toDo(before: Survey): readonly (readonly Work[])[] {
  const open = new Set(
    before.plan.hosts.flatMap((h) => h.findings.filter((f) => f.forecast !== 'right').map((f) => f.phase)),
  );
  const phases = byPhase(before.works);
  const first = phases.findIndex((works) => open.has(works[0]?.phase.id ?? ''));
  return first < 0 ? [] : phases.slice(first);
}

async function carryAll(running: Running, phases: readonly (readonly Work[])[]): Promise<void> {
  for (const works of phases) {
    if (!finished(running)) return;
    const phase = works[0]?.phase;
    if (phase === undefined) continue;
    const begun = Date.now();
    running.options.on({
      is: 'phase',
      at: now(),
      phase: phase.id,
      title: phase.title,
      hosts: works.map((w) => w.host),
    });
    const tallies = await pMap(works, (work) => carryOne(running, work), { concurrency: 50 });
    const sum = (key: keyof Tally): number => tallies.reduce((n, t) => n + t[key], 0);
    running.options.on({
      is: 'phase-end',
      at: now(),
      phase: phase.id,
      made: sum('made'),
      right: sum('right'),
      failed: sum('failed'),
      ms: Date.now() - begun,
    });
  }
}

interface Tally {
  made: number;
  right: number;
  failed: number;
}

const KEPT_LINES = 20;

async function carryOne(running: Running, work: Work): Promise<Tally> {
  const { options } = running;
  const { site, run, on } = options;
  const host: Host = work.host === OPERATOR ? site.operator : hostOf(site, work.host);
  const made = new Set<string>();
  let tally: Tally = { made: 0, right: 0, failed: 0 };
  let current: { step: Step; since: number; output: string[] } | undefined;
  const tell = (step: Step, state: StepState, more: object = {}): void =>
    on({
      is: 'step',
      at: now(),
      phase: work.phase.id,
      host: work.host,
      step: step.id,
      title: step.title,
      state,
      ...(current === undefined ? {} : { ms: Date.now() - current.since }),
      ...more,
    });
  const begin = (step: Step): void => {
    current = { step, since: Date.now(), output: [] };
  };
  const onRecord = (r: ScriptRecord): void => {
    if (r.is === 'begin' || r.is === 'end' || r.is === 'said') return;
    const step = work.steps[r.step - 1];
    if (step === undefined) return;
    if (current?.step !== step) begin(step);
    if (r.is === 'right') {
      tally.right += 1;
      tell(step, 'right');
    } else if (r.is === 'differs') {
      begin(step);
      tell(step, 'making', { reading: r.reading, want: step.want });
    } else if (r.is === 'waiting') {
      tell(step, 'waiting', {
        reading: r.reading,
        ...(step.awaits === undefined ? {} : { awaits: step.awaits }),
        within: step.within ?? 0,
      });
    } else if (r.is === 'made') {
      tally.made += 1;
      if (!made.has(step.id)) running.made.push({ host: work.host, step: step.id });
      made.add(step.id);
      tell(step, 'made');
    } else if (r.is === 'skipped') {
      running.interrupted ||= r.asked;
      tell(step, 'skipped');
    } else if (r.is === 'failed' || r.is === 'unproven' || r.is === 'wrong') {
      tally.failed += 1;
      const status = r.is === 'failed' ? { status: r.status } : {};
      tell(step, r.is, { reading: r.reading, want: step.want, ...status });
      running.problems.push(
        problemOf({
          host: work.host,
          step,
          state: r.is,
          reading: r.reading,
          note: r.note,
          output: current?.output ?? [],
          ...status,
          run,
        }),
      );
    }
  };
  const taken = work.steps.flatMap((s) => s.takes ?? []);
  await carry({
    host,
    run,
    phase: work.phase.id,
    detached: options.detached && work.host !== OPERATOR,
    script: (folder) =>
      compile(work.steps, {
        mode: 'make',
        title: `${site.cluster.name} · ${work.host} · ${work.phase.title}`,
        slots: Object.fromEntries(taken.map((name) => [name, running.slots.get(name) ?? ''])),
        ...(folder === undefined ? {} : { given: `${folder}/given`, stopFile: `${folder}/stop` }),
      }),
    onRecord,
    onOutput: (text) => {
      if (current === undefined) return;
      current.output.push(text);
      if (current.output.length > KEPT_LINES * 4) current.output.splice(0, KEPT_LINES);
      on({ is: 'output', at: now(), phase: work.phase.id, host: work.host, step: current.step.id, text });
    },
    onNotice: (code, text) => on({ is: 'notice', at: now(), code, host: work.host, text }),
    onAgain: () => {
      tally = { made: tally.made, right: 0, failed: 0 };
      current = undefined;
    },
    stop: options.stop,
    patience: options.patience,
  });
  if (options.stop.soon.aborted || options.stop.now.aborted) running.interrupted = true;
  await takeGiven(running, work, host);
  return tally;
}

async function takeGiven(running: Running, work: Work, host: Host): Promise<void> {
  const names = work.steps.flatMap((s) => s.gives ?? []);
  if (names.length === 0 || work.host === OPERATOR || !running.options.detached) return;
  const found = await collect(host, running.options.run, work.phase.id, names);
  for (const [name, value] of Object.entries(found)) running.slots.set(name, value);
}

/** Reads everything again: a run is done when nothing is left to do. */
async function verify(running: Running): Promise<Survey> {
  const { site, choice } = running.options;
  const again = await survey({ ...site, lock: running.options.survey.plan.lock }, choice);
  if (isEmpty(again.plan)) return again;
  const open = again.plan.hosts.flatMap((h) =>
    h.findings.filter((f) => f.forecast !== 'right').map((f) => `${h.host}: ${f.step}`),
  );
  running.problems.push(
    new Problem({
      code: 'run/unsettled',
      summary: 'every step was made, yet read again at the end some are not as wanted',
      saw: open.slice(0, 10).join('\n'),
      why: 'something changes these back, or one step undoes another',
      try: 'landfall plan shows what differs now',
    }),
  );
  return again;
}

/**
 * Proves the cluster from inside and outside. Its last phase takes away what the proof put there, whatever came before:
 * a check that failed, or the operator's wish to stop.
 */
async function prove(running: Running, known: Survey): Promise<void> {
  const { cluster } = running.options.site;
  const ground = { cluster, lock: known.plan.lock, facts: known.facts };
  const phases = byPhase(layOut(running.options.site.phases, ground, 'changed'));
  try {
    await carryAll(running, phases.slice(0, -1));
  } finally {
    const never = new AbortController().signal;
    const cleaning: Running = {
      ...running,
      interrupted: false,
      problems: [],
      options: { ...running.options, stop: { soon: never, now: never } },
    };
    await carryAll(cleaning, phases.slice(-1));
    running.problems.push(...cleaning.problems);
  }
}
