import pMap from 'p-map';
import { createHash } from 'node:crypto';
import { type Cluster, controlPlanes } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import { Problem, Problems } from '../model/problem.ts';
import { compare, settle } from '../plan/compare.ts';
import type { Absence, HostPlan, Plan } from '../plan/plan.ts';
import { type Choice, layOut, type Work } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import { Disconnected, type Host } from '../ssh/host.ts';
import { factsScript, parseFacts } from '../steps/facts.ts';
import type { Phase } from '../steps/phase.ts';
import { unwanted } from '../steps/proxy.ts';
import { secretsOf } from './secret.ts';
import type { Slot } from '../steps/step.ts';

/** How many hosts are spoken to at once. */
export const AT_ONCE = 50;

/** What a command works with: the wish, the hosts behind it, and the list of steps. */
export interface Site {
  readonly cluster: Cluster;
  /** The text of cluster.yaml, for telling later whether it has changed. */
  readonly source: string;
  readonly lock?: Lock;
  /** Connections by node name. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** The operator's own machine, from where a cluster is seen from outside. */
  readonly operator: Host;
  readonly phases: readonly Phase[];
  /**
   * The operator's own secret of that name; undefined when there is none.
   * @throws Problem when it cannot be had from where cluster.yaml says.
   */
  readonly secret?: (slot: Slot) => string | undefined;
  /**
   * Chooses exact versions out of what the repositories hold, and the network out of what the hosts are; throws Problem when
   * nothing fits. Takes the facts of each node by its name.
   */
  readonly resolve: (
    cluster: Cluster,
    facts: Readonly<Record<string, Facts>>,
    lock: Lock | undefined,
  ) => Lock;
}

/** What was read of the hosts that answered, and why the others did not. */
export interface Met {
  readonly facts: Readonly<Record<string, Facts>>;
  /** A problem a host that is left out, in the order of cluster.yaml. */
  readonly away: readonly Problem[];
}

/** A plan with the work it was read from: what a run then does. */
export interface Survey extends Met {
  readonly plan: Plan;
  readonly works: readonly Work[];
}

/** Runs a read-only script, once more when the connection breaks in the middle. */
async function ask(host: Host, script: string): Promise<string> {
  try {
    return (await host.run(script)).stdout;
  } catch (error) {
    if (!(error instanceof Disconnected)) throw error;
    return (await host.run(script)).stdout;
  }
}

/** Splits outcomes into values, throwing all problems together when there are any. */
function unwrap<T>(outcomes: readonly (T | Problem)[]): readonly T[] {
  const problems = outcomes.filter((o): o is T & Problem => o instanceof Problem);
  if (problems.length === 1 && problems[0] !== undefined) throw problems[0];
  if (problems.length > 0) throw new Problems(problems);
  return outcomes as readonly T[];
}

function caught<T>(work: Promise<T>): Promise<T | Problem> {
  return work.catch((error: unknown) => {
    if (error instanceof Problem) return error;
    if (error instanceof Disconnected) {
      return new Problem({
        code: 'ssh/lost',
        host: error.host,
        summary: error.message,
        try: 'run the command again',
        exit: 4,
      });
    }
    throw error;
  });
}

/**
 * Meets every host, in one round trip each. One that cannot be asked is left out when the rest can do without it: a worker, or a control
 * plane while another one that is a member answers.
 * @throws Problem or Problems when it cannot be done without.
 */
export async function meet(site: Site): Promise<Met> {
  const met = await meetAny(site);
  const { cluster } = site;
  const isWorker = ({ host }: Problem): boolean =>
    cluster.nodes.some(({ name, role }) => name === host && role === 'worker');
  const hasMember = controlPlanes(cluster).some(({ name }) => met.facts[name]?.member === true);
  if (!hasMember && !met.away.every(isWorker)) unwrap(met.away);
  return met;
}

/** Reads the facts of every host. @throws Problem or Problems when one cannot be asked. */
export async function readFacts(site: Site): Promise<Readonly<Record<string, Facts>>> {
  const { facts, away } = await meetAny(site);
  unwrap(away);
  return facts;
}

/** Meets the hosts that answer, whoever does not. A host without a connection is not asked. */
export async function meetAny(site: Site): Promise<Met> {
  const wish = {
    ...(site.lock === undefined ? { available: site.cluster.kubernetes, cluster: site.cluster } : {}),
    doors: (site.cluster.firewall?.mode ?? 'none') !== 'none',
  };
  const nodes = site.cluster.nodes.filter(({ name }) => site.hosts.has(name));
  const read = await pMap(
    nodes,
    (node) =>
      caught(
        ask(hostOf(site, node.name), factsScript(wish)).then(
          (text) => [node.name, parseFacts(text)] as const,
        ),
      ),
    { concurrency: AT_ONCE },
  );
  const away = read.filter((one): one is Problem & typeof one => one instanceof Problem);
  return { facts: Object.fromEntries(read.flatMap((one) => (one instanceof Problem ? [] : [one]))), away };
}

/** The site without the connections to hosts that do not answer: nothing waits for them. */
export function without(site: Site, away: readonly Problem[]): Site {
  const gone = new Set(away.map(({ host }) => host));
  return { ...site, hosts: new Map([...site.hosts].filter(([name]) => !gone.has(name))) };
}

/** The connection of a node. */
export function hostOf(site: Site, name: string): Host {
  const host = site.hosts.get(name);
  if (host === undefined) throw new Error(`no connection was made for ${name}`);
  return host;
}

/**
 * Looks at every host and compares: a plan, in two round trips a host. Nothing is changed anywhere.
 * @throws Problem or Problems when hosts cannot be reached or no version fits.
 */
export async function survey(site: Site, choice: Choice = {}): Promise<Survey> {
  const begun = Date.now();
  const tripsBefore = totalTrips(site);
  const { facts, away } = await meet(site);
  const lock = site.resolve(site.cluster, facts, site.lock);
  const works = layOut(site.phases, { cluster: site.cluster, lock, facts }, 'always', choice);
  const worksOf = new Map<string, Work[]>();
  for (const work of works) worksOf.set(work.host, [...(worksOf.get(work.host) ?? []), work]);
  const nodes = site.cluster.nodes.filter(({ name }) => worksOf.has(name));
  const read = unwrap(
    await pMap(
      nodes,
      ({ name }) => {
        const own = worksOf.get(name) ?? [];
        const steps = own.flatMap((w) => w.steps);
        const script = compile(steps, {
          mode: 'read',
          title: `${site.cluster.name} · ${name} · readings`,
          slots: secretsOf(site, steps, 'read'),
          unset: unwanted(site.cluster),
        });
        return caught(ask(hostOf(site, name), script).then((text) => compare(own, parseRecords(text))));
      },
      { concurrency: AT_ONCE },
    ),
  );
  const hosts = settle(read).map((findings, i): HostPlan => {
    const { name = '', address = '' } = nodes[i] ?? {};
    return { host: name, address, facts: facts[name] as Facts, findings };
  });
  const plan: Plan = {
    format: '1.0',
    cluster: site.cluster.name,
    lock,
    source: createHash('sha256').update(site.source).digest('hex'),
    hosts,
    ...(away.length === 0 ? {} : { away: away.map((problem) => absenceOf(site, problem)) }),
    at: new Date(begun).toISOString(),
    ms: Date.now() - begun,
    trips: totalTrips(site) - tripsBefore,
  };
  return { plan, works, facts, away };
}

function absenceOf({ cluster }: Site, { host = '', code, summary }: Problem): Absence {
  const address = cluster.nodes.find(({ name }) => name === host)?.address ?? '';
  return { host, address, code, summary };
}

function totalTrips(site: Site): number {
  return [...site.hosts.values()].reduce((sum, host) => sum + host.trips(), 0);
}
