import { type Cluster, workers } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { Problem, Problems } from '../model/problem.ts';
import { layOut, OPERATOR, type Work } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import type { Phase } from '../steps/phase.ts';
import { begin, byPhase, carryPhases, end, type Outcome, type Running, told } from './progress.ts';
import { heard } from './heard.ts';
import { takeLease } from './lease.ts';
import { hostOf, readFacts, type Site } from './survey.ts';
import { followAll, type RunOptions, takeAll } from './take.ts';

/** The parts of a reset, in order. Between the first and the last, the operator's machine tries what is about to be all that is left. */
const PARTS = [
  {
    id: 'reset',
    title: 'Take everything back',
    why: 'Each step’s undo, in reverse order, leaves the host as it was before the first of them was made.',
  },
  {
    id: 'reset-proof',
    title: 'Try the old way in from here',
    why: 'sshd listens on its old port again, beside the new one. Only from here does it show whether it lets you in.',
  },
  {
    id: 'reset-end',
    title: 'Take the rest back',
    why: 'What came before the new way in was opened goes last, and with it the new way itself.',
  },
] as const;

/** Comes before the first of {@link PARTS} where there are workers: as long as there is a control plane, they are its members. */
const WORKERS_FIRST = {
  id: 'reset-workers',
  title: 'Take everything back on the workers',
  why: 'Those who joined leave before what they joined.',
} as const;

/** Every undo, last made first: in one part, or in three when something has to be tried from here in between. */
export function backwards(
  cluster: Cluster,
  phases: readonly Phase[],
  works: readonly Work[],
): readonly Work[] {
  const ordered = phases.flatMap((phase) => works.filter((w) => w.phase === phase)).toReversed();
  const undos = ordered.map((w) => ({
    ...w,
    steps: w.steps.filter((s) => s.undo !== undefined).toReversed(),
  }));
  const middle = undos.findIndex((w) => w.host === OPERATOR && w.steps.length > 0);
  const parts =
    middle < 0 ? [undos] : [undos.slice(0, middle), undos.slice(middle, middle + 1), undos.slice(middle + 1)];
  return parts.flatMap((part, i): readonly Work[] => {
    const about = PARTS[i];
    if (about === undefined) return [];
    const phase = (of: Pick<Phase, 'id' | 'title' | 'why'>): Phase => ({
      ...of,
      stage: i === 1 ? 'operator' : 'nodes',
      on: () => cluster.nodes,
      when: 'always',
      steps: () => [],
    });
    const hosts = [...new Set(works.map((w) => w.host))];
    const joined = new Set(i === 0 ? workers(cluster).map(({ name }) => name) : []);
    const on = (some: readonly string[], of: Phase): readonly Work[] =>
      some
        .map((host) => ({
          phase: of,
          host,
          steps: part.filter((w) => w.host === host).flatMap((w) => w.steps),
        }))
        .filter((w) => w.steps.length > 0);
    return [
      ...on(
        hosts.filter((host) => joined.has(host)),
        phase(WORKERS_FIRST),
      ),
      ...on(
        hosts.filter((host) => !joined.has(host)),
        phase(about),
      ),
    ];
  });
}

/** What a reset will do, and what has to be true of a host before anything on it is taken away. */
export interface ResetPlan {
  readonly works: readonly Work[];
  /** The reading, on each host, that no other cluster than this is there. */
  readonly guards: readonly Work[];
  readonly facts: Readonly<Record<string, Facts>>;
}

/** The check that keeps apply from a host of another cluster keeps reset from it too. */
const GUARD = 'preflight/other-cluster';

/**
 * Lays out a reset, for showing before it is done.
 * @throws Problem or Problems when a host cannot be asked, or belongs to another cluster (`reset/not-ours`, exit 5).
 */
export async function planReset({ site }: Pick<RunOptions, 'site'>): Promise<ResetPlan> {
  const facts = await readFacts(site);
  const lock = site.resolve(site.cluster, facts, site.lock);
  const all = layOut(site.phases, { cluster: site.cluster, lock, facts }, 'always');
  const guards = guardsOf(all);
  await checkOurs(site, guards);
  return { works: backwards(site.cluster, site.phases, all), guards, facts };
}

/** The readings that a host is of this cluster, out of all its work. */
export function guardsOf(works: readonly Work[]): readonly Work[] {
  return works
    .map((work) => ({ ...work, steps: work.steps.filter((s) => s.id === GUARD) }))
    .filter((work) => work.steps.length > 0);
}

/** @throws Problem or Problems `reset/not-ours` (exit 5) naming each host with another cluster on it. */
export async function checkOurs(site: Site, guards: readonly Work[]): Promise<void> {
  const problems: Problem[] = [];
  for (const work of guards) {
    const script = compile(work.steps, {
      mode: 'read',
      title: `${site.cluster.name} · ${work.host} · is it ours`,
    });
    const records = parseRecords(await heard(hostOf(site, work.host), script, work.steps));
    const differs = records.flatMap((r) => (r.is === 'differs' ? [r] : []))[0];
    if (differs === undefined && records.some((r) => r.is === 'right')) continue;
    problems.push(
      new Problem({
        code: 'reset/not-ours',
        host: work.host,
        summary: `${work.host} does not belong to ${site.cluster.name}: nothing on it was touched`,
        ...(differs === undefined ? {} : { saw: differs.reading }),
        why: 'a reset destroys data; it takes back only what was made for this very cluster',
        try: 'look at -f and at the addresses in cluster.yaml; a cluster of another name is reset with its own cluster.yaml',
        exit: 5,
      }),
    );
  }
  if (problems.length > 1) throw new Problems(problems);
  if (problems[0] !== undefined) throw problems[0];
}

/**
 * Takes a cluster back from its hosts: the undos of all steps in reverse order. A piece that fails does not keep the others
 * from being taken back; it is in the outcome.
 * @throws Problem `run/held` or `reset/not-ours` (exit 5) before anything is begun.
 */
export async function reset(
  options: RunOptions & {
    /** Told when the old way in has been tried and the new one is about to be closed. */
    readonly onWayBack?: () => Promise<void>;
  },
  { works, guards, facts }: ResetPlan,
): Promise<Outcome> {
  const holds = await takeAll(options);
  try {
    // It goes with the cluster: kept until then, it would be renewed on hosts that are being cleared.
    await (await takeLease(options, facts))?.leave();
    await followAll(holds, options);
    await checkOurs(options.site, guards);
    const running = begin(options, works, holds);
    for (const part of byPhase(works)) {
      const own: Running = { ...running, problems: [] };
      const isThrough = await told(own, () => carryPhases(own, [part], 'undo').then(() => true));
      running.interrupted ||= own.interrupted;
      running.problems.push(...own.problems);
      // A piece that failed does not keep the others from being taken back; a host that is away does.
      if (isThrough !== true) break;
      if (part[0]?.host === OPERATOR && own.problems.length === 0 && !own.interrupted)
        await options.onWayBack?.();
    }
    return end(running);
  } finally {
    await Promise.all(holds.map((h) => h.release()));
  }
}
