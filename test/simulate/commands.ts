import type { Cluster } from '../../src/model/cluster.ts';
import { Problem, Problems } from '../../src/model/problem.ts';
import { isEmpty } from '../../src/plan/plan.ts';
import { apply } from '../../src/run/apply.ts';
import { leave, type LeavePlan, planLeave, type Wish } from '../../src/run/leave.ts';
import { isSeenAlive, refusals } from '../../src/run/leave-refusals.ts';
import { Disconnected } from '../../src/ssh/host.ts';
import { meetAny, type Site, survey } from '../../src/run/survey.ts';
import type { RunOptions } from '../../src/run/take.ts';
import { violate } from './deeds.ts';
import { type Operator, unstopped } from './host.ts';
import { type Bug, nodeOf, siteOf } from './site.ts';
import type { World } from './world.ts';

/** One process of Landfall at its work. */
export interface Process {
  readonly world: World;
  readonly operator: Operator;
  /** The run's name. */
  readonly run: string;
  readonly soon: AbortSignal;
  readonly bugs: ReadonlySet<Bug>;
  /** Told when a node begins to leave. */
  readonly onLeave?: () => void;
}

/** How a command ended: what stood against it. */
export type Ended = readonly Problem[];

/** Milliseconds the cluster is given to notice that a host has died, as the command itself gives it. */
const NOTICED = 75_000;

function checkSecret(world: World, what: string, text: string): void {
  const found = /secret-[\w-]+/.exec(text);
  if (found !== null) violate(world, `${found[0]} stands in ${what}`);
}

function optionsOf({ world, run, soon }: Process, site: Site, command: string): RunOptions {
  return {
    site,
    run,
    command,
    version: '0',
    on: (event) => checkSecret(world, `the event ${event.is}`, JSON.stringify(event)),
    stop: { soon, now: unstopped() },
    patience: 600,
    detached: true,
  };
}

const ASKED_TO_STOP = new Problem({ code: 'simulate/stopped', summary: 'it was asked to stop' });

/** What was thrown, when it is a problem that a command may end with. */
async function told(work: () => Promise<Ended>): Promise<Ended> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return [error];
    if (error instanceof Problems) return error.problems;
    if (error instanceof Disconnected)
      return [new Problem({ code: 'simulate/lost', summary: error.message })];
    throw error;
  }
}

function endOf({ exit, problems }: { readonly exit: number; readonly problems: readonly Problem[] }): Ended {
  return exit !== 0 && problems.length === 0 ? [ASKED_TO_STOP] : problems;
}

/** landfall plan: what is left to do, and who is away. */
export async function plan(process: Process, cluster: Cluster): Promise<readonly string[]> {
  const { plan: found, away } = await survey(siteOf(process.world, process.operator, cluster, process.bugs));
  return [
    ...found.hosts.flatMap(({ host, findings }) =>
      findings
        .filter(({ forecast }) => forecast !== 'right')
        .map(({ step, reading }) => `${host}: ${step}: ${reading}`),
    ),
    ...away.map(({ summary }) => summary),
  ];
}

/** landfall apply. */
export function applying(process: Process, cluster: Cluster): Promise<Ended> {
  return told(async () => {
    const site = siteOf(process.world, process.operator, cluster, process.bugs);
    const before = await survey(site);
    if (isEmpty(before.plan)) return before.away;
    const options = optionsOf(process, site, 'apply');
    return endOf(await apply({ ...options, survey: before, choice: {}, proof: 'changed' }));
  });
}

/** landfall node remove: one node leaves. */
function leaving(process: Process, cluster: Cluster, name: string): Promise<Ended> {
  return told(async () => {
    const { world, bugs } = process;
    const site = siteOf(world, process.operator, cluster, bugs);
    const node = nodeOf(name);
    const rest = { ...cluster, nodes: cluster.nodes.filter((one) => one.name !== name) };
    const wish: Wish = { node, rest, despite: [], limit: 600 };
    const until = world.clock.now() + NOTICED;
    let planned = await planLeave(site, wish);
    while (isSeenAlive(planned) && world.clock.now() <= until) planned = await planLeave(site, wish);
    const bad = refusals(planned).filter((one) => !isMissed(one, planned, bugs));
    if (bad.length > 0) return bad;
    process.onLeave?.();
    return endOf(await leave(optionsOf(process, site, `node remove ${name}`), withBugs(planned, bugs)));
  });
}

/** Whether a refusal is not given because a bug was planted. */
function isMissed({ code }: Problem, { removal }: LeavePlan, bugs: ReadonlySet<Bug>): boolean {
  if (!bugs.has('quorum off by one') || code !== 'leave/quorum' || removal === undefined) return false;
  return removal.after.voting > 0 && removal.after.well >= removal.after.needed - 1;
}

function withBugs(planned: LeavePlan, bugs: ReadonlySet<Bug>): LeavePlan {
  if (!bugs.has('drain skipped')) return planned;
  const before = planned.before.map((work) => ({
    ...work,
    steps: work.steps.filter(({ id }) => id !== 'leave/drained'),
  }));
  return { ...planned, before };
}

/** landfall node remove of several, one after the other; gives the cluster as it is in the end. */
export async function removing(
  process: Process,
  cluster: Cluster,
  names: readonly string[],
): Promise<{ readonly ended: Ended; readonly cluster: Cluster }> {
  let now = cluster;
  for (const name of names) {
    const ended = await leaving(process, now, name);
    if (ended.length > 0) return { ended, cluster };
    now = { ...now, nodes: now.nodes.filter((one) => one.name !== name) };
  }
  return { ended: [], cluster: now };
}

/** landfall node replace. */
export function replacing(process: Process, cluster: Cluster, name: string): Promise<Ended> {
  return told(async () => {
    const own = { ...cluster, nodes: [nodeOf(name)] };
    const { away } = await meetAny(siteOf(process.world, process.operator, own, process.bugs));
    if (away.length > 0) return away;
    const left = await leaving(process, cluster, name);
    return left.length > 0 ? left : applying(process, cluster);
  });
}
