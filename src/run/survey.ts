import pMap from 'p-map';
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type Cluster, controlPlanes } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import { Problem, Problems } from '../model/problem.ts';
import { appliedOf } from '../plan/applied.ts';
import { compare, settle } from '../plan/compare.ts';
import type { Absence, HostPlan, Plan } from '../plan/plan.ts';
import { type Choice, layOut, type Work } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import { Disconnected, type Host } from '../ssh/host.ts';
import { factsScript, parseFacts } from '../steps/facts.ts';
import type { Phase } from '../steps/phase.ts';
import { unwanted } from '../steps/proxy.ts';
import { APPLIED } from '../steps/record.ts';
import { betweenEpochs, ofOneEpoch } from './epoch.ts';
import { type Asked, heard, SILENT } from './heard.ts';
import { secretsOf } from './secret.ts';
import type { Slot, Step } from '../steps/step.ts';

/** How many hosts are spoken to at once. */
export const AT_ONCE = 50;

/**
 * How many hosts are read at once. Those of a lab share the processors of this machine, and their API server has to answer meanwhile: a
 * dozen readings keep it from that.
 */
const readAtOnce = ({ lab }: Cluster): number => (lab === undefined ? AT_ONCE : 2 * availableParallelism());

/** What hosts were when all of them were met last, by this user on this machine. Nothing is ever concluded from it. */
export interface Memory {
  /** The facts of each node by its name; undefined when there are none, and from the second time on: by then they are old. */
  readonly facts: () => Readonly<Record<string, Facts>> | undefined;
  readonly keep: (facts: Readonly<Record<string, Facts>>) => void;
}

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
  /** What is remembered of the hosts from one command to the next; they are always asked anew. */
  readonly memory?: Memory;
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
async function ask(host: Host, script: string, asked: Asked): Promise<string> {
  try {
    return await heard(host, script, asked);
  } catch (error) {
    if (!(error instanceof Disconnected)) throw error;
    return await heard(host, script, asked);
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
  const between = betweenEpochs(met.facts);
  if (between !== undefined) throw between;
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
        ask(hostOf(site, node.name), factsScript(wish), 'what it is').then(
          (text) => [node.name, parseFacts(text)] as const,
        ),
      ),
    { concurrency: AT_ONCE },
  );
  const away = read.filter((one): one is Problem & typeof one => one instanceof Problem);
  const facts = Object.fromEntries(read.flatMap((one) => (one instanceof Problem ? [] : [one])));
  return { facts: ofOneEpoch(site.cluster, facts), away };
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

/** What each host is asked once it is known what it is. */
interface Layout {
  readonly works: readonly Work[];
  /** Whether only a part of the list was meant. */
  readonly isPart: boolean;
  /** The work of each host that has any, by its name; of all that is looked at, also what was not meant. */
  readonly worksOf: ReadonlyMap<string, readonly Work[]>;
}

function layOutAll(
  { cluster, phases }: Site,
  ground: Pick<Plan, 'lock'> & Pick<Met, 'facts'>,
  choice: Choice,
): Layout {
  const known = { cluster, ...ground };
  const works = layOut(phases, known, 'always', choice);
  const isPart = !works.some(({ steps }) => steps.some(({ id }) => id === APPLIED));
  // Whoever would undo what others have applied is to know it, whichever part of the list he means.
  const besides = isPart ? layOut(phases, known, 'always', { only: [APPLIED] }) : [];
  const worksOf = new Map<string, Work[]>();
  for (const work of [...works, ...besides])
    worksOf.set(work.host, [...(worksOf.get(work.host) ?? []), work]);
  return { works, isPart, worksOf };
}

const stepsOf = (works: readonly Work[]): readonly Step[] => works.flatMap(({ steps }) => steps);

/** The script of all readings of a host. */
function readings(site: Site, name: string, works: readonly Work[]): string {
  const steps = stepsOf(works);
  return compile(steps, {
    mode: 'read',
    title: `${site.cluster.name} · ${name} · readings`,
    slots: secretsOf(site, steps, 'read'),
    unset: unwanted(site.cluster),
  });
}

/** What a host was asked on a guess of what it is. */
interface Guess {
  readonly script: string;
  /** Undefined when it could not be asked: then it is asked again, and that tells why. A problem when nobody need ask again. */
  readonly answer: Promise<string | Problem | undefined>;
}

/**
 * Asks hosts for their readings as if they were what they were last time, while they are still being asked what they are. What comes of it
 * counts only where the very same script would be sent now.
 */
function guess(site: Site, choice: Choice): ReadonlyMap<string, Guess> {
  const { lock, memory } = site;
  const facts = lock === undefined ? undefined : memory?.facts();
  if (
    lock === undefined ||
    facts === undefined ||
    site.hosts.size > Math.min(GUESSED, readAtOnce(site.cluster))
  )
    return new Map();
  try {
    const { worksOf } = layOutAll(site, { lock, facts }, choice);
    return new Map(
      [...worksOf].flatMap(([name, works]): readonly (readonly [string, Guess])[] => {
        const host = site.hosts.get(name);
        if (host === undefined) return [];
        const script = readings(site, name, works);
        return [[name, { script, answer: ask(host, script, stepsOf(works)).catch(unlessSilent) }]];
      }),
    );
  } catch {
    // What was written down by another version, or by nobody who knows: nothing is guessed.
    return new Map();
  }
}

/** A host that was waited for as long as that is not asked the same again. */
function unlessSilent(error: unknown): Problem | undefined {
  return error instanceof Problem && error.code === SILENT ? error : undefined;
}

/** More hosts than this are not guessed at: their scripts would all be made twice, and it is the slowest host that is waited for. */
const GUESSED = 20;

/**
 * Looks at every host and compares: a plan, in two round trips a host, and in the time of one where it is what it was last time. Nothing
 * is changed anywhere.
 * @throws Problem or Problems when hosts cannot be reached or no version fits.
 */
export async function survey(site: Site, choice: Choice = {}): Promise<Survey> {
  const begun = Date.now();
  const tripsBefore = totalTrips(site);
  // It takes longest, so it comes first.
  const guessed = guess(site, choice);
  const { facts, away } = await meet(site);
  const lock = site.resolve(site.cluster, facts, site.lock);
  const { works, isPart, worksOf } = layOutAll(site, { lock, facts }, choice);
  const nodes = site.cluster.nodes.filter(({ name }) => worksOf.has(name));
  const read = unwrap(
    await pMap(
      nodes,
      ({ name }) => {
        const own = worksOf.get(name) ?? [];
        const script = readings(site, name, own);
        const asked = guessed.get(name);
        const answer = async (): Promise<string> => {
          const said = asked?.script === script ? await asked.answer : undefined;
          if (said instanceof Problem) throw said;
          return said ?? ask(hostOf(site, name), script, stepsOf(own));
        };
        return caught(
          answer().then((text) => {
            const records = parseRecords(text);
            return { findings: compare(own, records), applied: appliedOf(own, records) };
          }),
        );
      },
      { concurrency: readAtOnce(site.cluster) },
    ),
  );
  if (away.length === 0) site.memory?.keep(facts);
  const hosts = settle(read.map(({ findings }) => findings)).flatMap((all, i): readonly HostPlan[] => {
    const { name = '', address = '' } = nodes[i] ?? {};
    const findings = isPart ? all.filter(({ step }) => step !== APPLIED) : all;
    return findings.length === 0 ? [] : [{ host: name, address, facts: facts[name] as Facts, findings }];
  });
  const applied = read.flatMap((one) => one.applied ?? [])[0];
  const plan: Plan = {
    format: '1.0',
    cluster: site.cluster.name,
    lock,
    source: createHash('sha256').update(site.source).digest('hex'),
    hosts,
    ...(away.length === 0 ? {} : { away: away.map((problem) => absenceOf(site, problem)) }),
    ...(applied === undefined ? {} : { applied }),
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
