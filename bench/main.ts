/**
 * npm run bench: how fast Landfall is, as ratios measured side by side in one run. Times in seconds are this machine's today;
 * only the ratios mean anything elsewhere. Needs root and a filled depot; takes about twenty minutes, with --create twelve.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadCluster } from '../src/config/load.ts';
import { type HeldLock, readLock } from '../src/config/lock.ts';
import { breakLab } from '../src/lab/break.ts';
import { labDown } from '../src/lab/down.ts';
import type { Lab } from '../src/lab/spec.ts';
import { labUp } from '../src/lab/up.ts';
import { readingScripts } from './readings.ts';
import { MAIN, median, show, ssh, timed } from './timed.ts';
import type { Recording } from './thousand.ts';
import { flannelObjects } from '../src/steps/flannel.ts';
import { SUPPOSED, supposedLock } from '../src/cli/list.ts';
import { installed } from '../src/steps/plugin.ts';

const LAB = 'bench';
/** Whether nothing but the making of a cluster is measured. */
const createAlone = process.argv.includes('--create');
/** The host whose cluster is made last and stays. */
const LAST = 'cp-10';
/** Who makes a cluster on which host, in this order: each way as early and as late as the other, for a machine tires. */
const CREATES = [
  ['cp-1', 'article'],
  ['cp-2', 'landfall'],
  ['cp-3', 'landfall'],
  ['cp-4', 'article'],
  ['cp-5', 'article'],
  ['cp-6', 'landfall'],
  ['cp-7', 'landfall'],
  ['cp-8', 'article'],
  ['cp-9', 'article'],
  [LAST, 'landfall'],
] as const;

interface Row {
  readonly what: string;
  readonly measured: number;
  readonly goal: number;
  /** What both are counted in: `×` for a ratio. */
  readonly unit: '×' | ' s' | ' MB';
  readonly detail: string;
}

/** Seconds that are subtracted from each other. */
const fine = (seconds: number): string => `${(seconds * 1000).toFixed(0)} ms`;

/** What hosts asked at once take: the seconds of the slowest. */
const slowest = async (hosts: readonly string[], work: (host: string) => Promise<number>): Promise<number> =>
  Math.max(...(await Promise.all(hosts.map(work))));

/** Times things in turn, so that whatever else the machine does falls on all of them; gives the middle of each, in seconds. */
async function inTurn<const T extends readonly (() => Promise<number>)[]>(
  rounds: number,
  ...things: T
): Promise<{ readonly [K in keyof T]: number }> {
  const taken = things.map((): number[] => []);
  for (let i = 0; i < rounds; i += 1)
    for (const [k, thing] of things.entries()) taken[k]?.push(await thing());
  return taken.map(median) as { [K in keyof T]: number };
}

async function help(): Promise<Row> {
  const [ours, node] = await inTurn(
    15,
    async () => (await timed([process.execPath, MAIN, '--help'])).seconds,
    async () => (await timed([process.execPath, '-e', '0'])).seconds,
  );
  return {
    what: 'landfall --help against node -e 0',
    measured: ours / node,
    goal: 2.5,
    unit: '×',
    detail: `${show(ours)} : ${show(node)}`,
  };
}

/**
 * A folder with the cluster.yaml of a cluster on these hosts of the lab, the first of them its control plane. Like the article, it asks
 * for no updates by night: they come with a package of their own, which the plain script would have to install, too.
 */
function desk(lab: Lab, name: string, hosts: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-bench-'));
  const nodes = hosts.map((host, i) => ({
    name: host,
    role: i === 0 ? 'control-plane' : 'worker',
    address: lab.hosts.find((one) => one.name === host)?.address,
    workloads: true,
  }));
  const text = stringify({
    apiVersion: 'landfall/v1',
    kind: 'Cluster',
    name,
    kubernetes: '1.36',
    lab: lab.name,
    host: { unattended: 'nothing' },
    nodes,
  });
  writeFileSync(join(dir, 'cluster.yaml'), text);
  return dir;
}

async function put(lab: Lab, host: string, path: string, text: string): Promise<void> {
  await timed(ssh(lab, host, `cat >${path}`), { input: text });
}

/** Makes a cluster on a host by Landfall; gives seconds. */
async function byLandfall(dir: string): Promise<number> {
  return (await timed([process.execPath, MAIN, 'apply', '--yes'], { cwd: dir })).seconds;
}

/** Makes a cluster on a host by the article's commands, at the versions Landfall has chosen; gives seconds. */
async function byTheArticle(lab: Lab, host: string, lock: HeldLock): Promise<number> {
  const scene = { cluster: SUPPOSED, lock: supposedLock(SUPPOSED) };
  const release = installed(scene.cluster, scene.lock);
  if (release === undefined) throw new Error('the supposed cluster has no network plugin');
  const objects = flannelObjects(scene, release);
  await put(lab, host, '/root/flannel.yaml', objects.map((o) => stringify(o)).join('---\n'));
  await put(lab, host, '/root/article.sh', readFileSync('bench/article.sh', 'utf8'));
  const crio = /^[^-]*/.exec(lock.packages['cri-o'] ?? '')?.[0];
  const words = `${lock.kubernetes} ${crio} ${scene.cluster.network.pods} /root/flannel.yaml`;
  return (await timed(ssh(lab, host, `sh /root/article.sh ${words}`))).seconds;
}

/** Stops a host, so that its cluster takes no time from the next one. */
async function off(lab: Lab, host: string): Promise<void> {
  await breakLab(lab.name, { is: 'power-loss', host });
}

/**
 * Clusters made by Landfall and by the article's commands, on fresh hosts alike. Whoever comes first of all reads the depot from the
 * disk, and the others from memory: so one before them is not counted. Each way is taken five times, for CoreDNS that is asked a
 * moment too early whether it is ready is asked again only ten seconds later, which falls on either by chance.
 * @param dir of the cluster on each host that Landfall is asked for.
 */
async function create(lab: Lab, dir: (host: string) => string): Promise<Row> {
  await byLandfall(dir('cp-0'));
  await off(lab, 'cp-0');
  const lock = readLock(join(dir('cp-0'), 'landfall.lock'))?.lock;
  if (lock === undefined) throw new Error('apply left no landfall.lock');
  const taken = { landfall: [] as number[], article: [] as number[] };
  for (const [host, way] of CREATES) {
    taken[way].push(await (way === 'landfall' ? byLandfall(dir(host)) : byTheArticle(lab, host, lock)));
    if (host !== LAST) await off(lab, host);
  }
  const sum = (seconds: readonly number[]): number => seconds.reduce((a, b) => a + b, 0);
  return {
    what: 'create against the article’s commands in a plain script',
    measured: sum(taken.landfall) / sum(taken.article),
    goal: 1.1,
    unit: '×',
    detail: `${taken.landfall.map(show).join(', ')} : ${taken.article.map(show).join(', ')}`,
  };
}

/**
 * An apply with nothing to do against the cheapest thing one can ask of its hosts, all of them at once; what the readings
 * themselves take is told apart.
 */
async function nothingToDo(lab: Lab, dir: string, hosts: readonly string[]): Promise<Row> {
  const apply = [process.execPath, MAIN, 'apply', '--yes', '--json'];
  const readingsAlone = await readingsOn(lab, dir, hosts);
  const [ours, bare, readings] = await inTurn(
    9,
    async () => (await timed(apply, { cwd: dir })).seconds,
    () => slowest(hosts, async (host) => (await timed(ssh(lab, host, 'true'))).seconds),
    readingsAlone,
  );
  const where = hosts.length === 1 ? 'ssh HOST true' : `ssh HOST true on its ${hosts.length} hosts at once`;
  return {
    what: `apply with nothing to do against ${where}`,
    measured: (ours - readings) / bare,
    goal: 1.5,
    unit: '×',
    detail: `(${fine(ours)} − ${fine(readings)} of readings, one after the other, on the host${hosts.length === 1 ? '' : 's'}) : ${fine(bare)}`,
  };
}

/** An apply with nothing to do against the very scripts it sends, by plain ssh on all of its hosts at once. */
async function fanOut(lab: Lab, dir: string, hosts: readonly string[]): Promise<Row> {
  const apply = [process.execPath, MAIN, 'apply', '--yes', '--json'];
  const scripts = await readingScripts(dir, asked(lab));
  const byHand = async (): Promise<number> => {
    const begun = performance.now();
    await Promise.all(hosts.map((host) => asked(lab)(host, (scripts[host] ?? []).join('\n'))));
    return (performance.now() - begun) / 1000;
  };
  const [ours, bare] = await inTurn(7, async () => (await timed(apply, { cwd: dir })).seconds, byHand);
  return {
    what: `apply with nothing to do against its own scripts by plain ssh on its ${hosts.length} hosts at once`,
    measured: ours / bare,
    goal: 1.5,
    unit: '×',
    detail: `${show(ours)} : ${show(bare)}`,
  };
}

/** Runs a script on a host and gives what it printed. */
const asked =
  (lab: Lab) =>
  async (host: string, script: string): Promise<string> =>
    (await timed(ssh(lab, host, 'sh -s'), { input: script })).stdout;

/** Puts the two scripts of a plan on the hosts; gives what runs them there, on all at once, for the seconds of the slowest. */
async function readingsOn(lab: Lab, dir: string, hosts: readonly string[]): Promise<() => Promise<number>> {
  const scripts = await readingScripts(dir, asked(lab));
  for (const host of hosts)
    for (const [i, script] of (scripts[host] ?? []).entries())
      await put(lab, host, `/root/readings-${i}.sh`, script);
  const measure =
    'a=$(date +%s%N); for f in /root/readings-*.sh; do sh -s <$f >/dev/null 2>&1; done; echo $(( $(date +%s%N) - a ))';
  return () =>
    slowest(hosts, async (host) => Number((await timed(ssh(lab, host, measure))).stdout.trim()) / 1e9);
}

/** A plan over 1,000 hosts that answer at once what the one of this bench has answered. */
async function thousand(lab: Lab, dir: string): Promise<readonly Row[]> {
  const ask = asked(lab);
  const [facts, readings] = (await readingScripts(dir, ask))[LAST] ?? ['', ''];
  const { cluster, lock } = loadCluster(join(dir, 'cluster.yaml'));
  if (lock === undefined) throw new Error('apply left no landfall.lock');
  const recording: Recording = {
    cluster,
    lock,
    facts: await ask(LAST, facts),
    readings: await ask(LAST, readings),
  };
  const file = join(dir, 'recording.json');
  writeFileSync(file, JSON.stringify(recording));
  // Bundled as the command is: what runs TypeScript as it is written takes memory of its own.
  const program = join(dir, 'thousand.cjs');
  const how = ['--bundle', '--platform=node', '--format=cjs', '--log-level=warning'];
  await timed(['node_modules/.bin/esbuild', 'bench/thousand.ts', ...how, `--outfile=${program}`]);
  const { stdout } = await timed([process.execPath, program, file]);
  const { seconds, megabytes } = JSON.parse(stdout) as { seconds: number; megabytes: number };
  const what = 'plan over 1,000 recorded hosts';
  return [
    {
      what,
      measured: seconds,
      goal: 5,
      unit: ' s',
      detail: 'from the first question to the text of the plan',
    },
    { what, measured: megabytes, goal: 500, unit: ' MB', detail: 'the most it held at once' },
  ];
}

/** A lab with these hosts, and what is measured in it. */
async function inLab(
  hosts: readonly string[],
  measure: (lab: Lab) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  await labDown(LAB, () => undefined).catch(() => undefined);
  const lab = await labUp({ name: LAB, hosts: hosts.map((name) => ({ name })) }, () => undefined);
  try {
    return await measure(lab);
  } finally {
    await labDown(LAB, () => undefined);
  }
}

async function onOneHost(lab: Lab): Promise<readonly Row[]> {
  const dirs = new Map(lab.hosts.map(({ name }) => [name, desk(lab, `bench-${name}`, [name])]));
  const dir = (host: string): string => dirs.get(host) ?? '';
  try {
    const created = await create(lab, dir);
    if (createAlone) return [created];
    return [created, await nothingToDo(lab, dir(LAST), [LAST]), ...(await thousand(lab, dir(LAST)))];
  } finally {
    for (const path of dirs.values()) rmSync(path, { recursive: true, force: true });
  }
}

async function onFourHosts(lab: Lab): Promise<readonly Row[]> {
  const hosts = lab.hosts.map(({ name }) => name);
  const dir = desk(lab, 'bench-four', hosts);
  try {
    await byLandfall(dir);
    return [await nothingToDo(lab, dir, hosts), await fanOut(lab, dir, hosts)];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const rows = [
    ...(createAlone ? [] : [await help()]),
    ...(await inLab(['cp-0', ...CREATES.map(([host]) => host)], onOneHost)),
    ...(createAlone ? [] : await inLab(['cp-0', 'worker-0', 'worker-1', 'worker-2'], onFourHosts)),
  ];
  for (const row of rows) {
    const verdict = row.measured <= row.goal ? '✓' : '✗';
    const figure = row.unit === ' MB' ? row.measured.toFixed(0) : row.measured.toFixed(2);
    console.log(
      `${verdict} ${figure}${row.unit} (goal ≤ ${row.goal}${row.unit})  ${row.what}   ${row.detail}`,
    );
  }
}

await main();
