import type { ProblemParts } from '../model/problem.ts';
import type { RunEvent, StepState } from '../run/event.ts';

/** How many lines of a step's own output are kept for showing when it fails. */
export const TAIL_LINES = 20;

/** The step a host is at. */
export interface StepProgress {
  readonly step: string;
  readonly title: string;
  readonly state: StepState;
  /** When it began, and when it came into this state: milliseconds since the epoch. */
  readonly began: number;
  readonly since: number;
  readonly reading?: string;
  readonly awaits?: string;
  /** Seconds. */
  readonly within?: number;
}

/** How one host stands in a phase. */
export interface HostProgress {
  readonly host: string;
  readonly at?: StepProgress;
  /** The last lines the programs of the step in progress printed. */
  readonly tail: readonly string[];
  /** Since when the connection to it is gone, in milliseconds since the epoch; absent while it is there. */
  readonly lost?: number;
}

/** A step that did not become right, with what is needed to tell why. */
export interface Failure {
  readonly host: string;
  readonly step: string;
  readonly title: string;
  readonly state: 'failed' | 'unproven' | 'wrong';
  readonly reading?: string;
  readonly want?: string;
  /** The exit status of its make. */
  readonly status?: number;
  readonly tail: readonly string[];
}

/** A proof that held: what it was, what was seen, how long it took in milliseconds. */
export interface StepResult {
  readonly host: string;
  readonly step: string;
  readonly title: string;
  readonly state: StepState;
  readonly reading?: string;
  readonly ms?: number;
}

/** How a phase stands. */
export interface PhaseProgress {
  readonly id: string;
  readonly title: string;
  readonly hosts: readonly string[];
  readonly stands: 'to come' | 'going' | 'over';
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** How long it took in milliseconds, once over. */
  readonly ms: number;
  readonly made: number;
  readonly right: number;
  readonly failed: number;
  readonly skipped: number;
  /** Once over: how many steps have come to no end, those that were skipped among them. */
  readonly left: number;
  readonly byHost: Readonly<Record<string, HostProgress>>;
  readonly failures: readonly Failure[];
  /** The last word on each step of each host, in the order they were spoken. */
  readonly results: readonly StepResult[];
}

/** Everything that can be shown of a run, as far as it has been told. */
export interface RunProgress {
  readonly run: string;
  readonly command: string;
  readonly cluster: string;
  /** Milliseconds since the epoch: when it began, and the time of the last event. */
  readonly began: number;
  readonly last: number;
  readonly phases: readonly PhaseProgress[];
  readonly notices: readonly { readonly host?: string; readonly text: string; readonly at: string }[];
  readonly problems: readonly ProblemParts[];
  readonly end?: { readonly exit: number; readonly made: number; readonly ms: number };
}

/** A run of which nothing has been told yet. */
export const NOTHING_TOLD: RunProgress = {
  run: '',
  command: '',
  cluster: '',
  began: 0,
  last: 0,
  phases: [],
  notices: [],
  problems: [],
};

/**
 * The phases a run has not come to. Phases before the first one that was begun had nothing to do; after a good end, nor had
 * any other.
 */
export function notBegun(state: RunProgress): readonly PhaseProgress[] {
  if (state.end?.exit === 0) return [];
  const last = state.phases.findLastIndex((p) => p.stands !== 'to come');
  return state.phases.slice(last + 1);
}

type StepEvent = Extract<RunEvent, { is: 'step' }>;

function newPhase(id: string, title: string, hosts: readonly string[]): PhaseProgress {
  const counts = { made: 0, right: 0, failed: 0, skipped: 0, left: 0 };
  return {
    id,
    title,
    hosts,
    stands: 'to come',
    since: 0,
    ms: 0,
    ...counts,
    byHost: {},
    failures: [],
    results: [],
  };
}

/** Changes the phase of that name, which is added when the run had not announced it. */
function inPhase(
  state: RunProgress,
  id: string,
  change: (phase: PhaseProgress) => PhaseProgress,
): RunProgress {
  const known = state.phases.some((p) => p.id === id);
  const phases = known ? state.phases : [...state.phases, newPhase(id, id, [])];
  return { ...state, phases: phases.map((p) => (p.id === id ? change(p) : p)) };
}

function isFailure(state: StepState): state is Failure['state'] {
  return state === 'failed' || state === 'unproven' || state === 'wrong';
}

/** How many steps' last word is of this sort. */
function talliesOf(
  results: readonly StepResult[],
): Pick<PhaseProgress, 'made' | 'right' | 'failed' | 'skipped'> {
  const n = (test: (s: StepState) => boolean): number => results.filter((r) => test(r.state)).length;
  return {
    made: n((s) => s === 'made'),
    right: n((s) => s === 'right'),
    failed: n(isFailure),
    skipped: n((s) => s === 'skipped'),
  };
}

function stepTold(phase: PhaseProgress, event: StepEvent, now: number): PhaseProgress {
  const before = phase.byHost[event.host];
  const same = before?.at?.step === event.step ? before.at : undefined;
  const at: StepProgress = {
    step: event.step,
    title: event.title,
    state: event.state,
    began: same?.began ?? now - (event.ms ?? 0),
    since: same !== undefined && same.state === event.state ? same.since : now,
    ...(event.reading === undefined ? {} : { reading: event.reading }),
    ...(event.awaits === undefined ? {} : { awaits: event.awaits }),
    ...(event.within === undefined ? {} : { within: event.within }),
  };
  const tail = same === undefined ? [] : (before?.tail ?? []);
  const byHost = { ...phase.byHost, [event.host]: { host: event.host, at, tail } };
  if (event.state === 'making' || event.state === 'waiting') return { ...phase, byHost };
  const { host, step, title } = event;
  const result: StepResult = {
    host,
    step,
    title,
    state: event.state,
    ...(event.reading === undefined ? {} : { reading: event.reading }),
    ...(event.ms === undefined ? {} : { ms: event.ms }),
  };
  const others = phase.results.filter((r) => r.host !== host || r.step !== step);
  const results = [...others, result];
  const failures = phase.failures.filter((f) => f.host !== host || f.step !== step);
  if (isFailure(event.state)) {
    failures.push({
      host,
      step,
      title,
      state: event.state,
      ...(event.reading === undefined ? {} : { reading: event.reading }),
      ...(event.want === undefined ? {} : { want: event.want }),
      ...(event.status === undefined ? {} : { status: event.status }),
      tail,
    });
  }
  return { ...phase, byHost, results, failures, ...talliesOf(results) };
}

function outputTold(phase: PhaseProgress, host: string, text: string): PhaseProgress {
  const before = phase.byHost[host] ?? { host, tail: [] };
  const tail = [...before.tail, text].slice(-TAIL_LINES);
  return { ...phase, byHost: { ...phase.byHost, [host]: { ...before, tail } } };
}

const CONNECTION = ['run/lost', 'run/found', 'run/again', 'run/given-up'];

/** A host is lost, found again or given up, or begins anew: in the phases that go on there. */
function connectionTold(
  state: RunProgress,
  { code, host }: Extract<RunEvent, { is: 'notice' }>,
  now: number,
): RunProgress {
  if (host === undefined || !CONNECTION.includes(code)) return state;
  const change = (phase: PhaseProgress): PhaseProgress => {
    if (phase.stands !== 'going' || !phase.hosts.includes(host)) return phase;
    const { lost, ...one } = phase.byHost[host] ?? { host, tail: [] };
    const ended = code === 'run/given-up' ? { host, tail: one.tail } : one;
    const changed = code === 'run/lost' ? { ...one, lost: lost ?? now } : ended;
    return { ...phase, byHost: { ...phase.byHost, [host]: changed } };
  };
  return { ...state, phases: state.phases.map(change) };
}

/**
 * Takes one event into account. Pure: the same events in the same order give the same state, however they are cut into
 * parts; events it does not know are passed over.
 */
export function reduce(state: RunProgress, event: RunEvent): RunProgress {
  if (event.is === 'version') return state;
  const now = Date.parse(event.at);
  const next = { ...state, last: Math.max(state.last, Number.isNaN(now) ? 0 : now) };
  switch (event.is) {
    case 'run':
      return {
        ...NOTHING_TOLD,
        run: event.run,
        command: event.command,
        cluster: event.cluster,
        began: now,
        last: now,
        phases: event.phases.map((p) => newPhase(p.id, p.title, p.hosts)),
      };
    case 'phase':
      // A phase that begins again after a host has rebooted starts from nothing.
      return inPhase(next, event.phase, () => ({
        ...newPhase(event.phase, event.title, event.hosts),
        stands: 'going',
        since: now,
      }));
    case 'step':
      return inPhase(next, event.phase, (p) => stepTold(p, event, now));
    case 'output':
      return inPhase(next, event.phase, (p) => outputTold(p, event.host, event.text));
    case 'phase-end':
      return inPhase(next, event.phase, (p) => ({
        ...p,
        stands: 'over',
        made: event.made,
        right: event.right,
        failed: event.failed,
        left: event.left,
        ms: event.ms,
      }));
    case 'notice': {
      const { host, text, at } = event;
      return {
        ...connectionTold(next, event, now),
        notices: [...next.notices, { at, text, ...(host === undefined ? {} : { host }) }],
      };
    }
    case 'problem':
      return { ...next, problems: [...next.problems, event.problem] };
    case 'end':
      return { ...next, end: { exit: event.exit, made: event.made, ms: event.ms } };
    default:
      return state;
  }
}
