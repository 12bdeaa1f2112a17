/**
 * npm run bench: how fast Landfall is, as ratios measured side by side in one run. Times in seconds are this machine's today;
 * only the ratios mean anything elsewhere. Needs root and a filled depot; takes about ten minutes.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { labDown } from '../src/lab/down.ts';
import type { Lab } from '../src/lab/spec.ts';
import { labUp } from '../src/lab/up.ts';
import { readingScripts } from './readings.ts';
import { flannelObjects } from '../src/steps/flannel.ts';
import type { Cluster } from '../src/model/cluster.ts';

const MAIN = resolve('dist/bin/main.js');
const LAB = 'bench';

interface Row {
  readonly what: string;
  readonly ratio: number;
  readonly goal: number;
  readonly detail: string;
}

/** Runs a program to its end and gives the seconds it took. @throws with its last words when it fails. */
function timed(
  argv: readonly string[],
  options: { cwd?: string; input?: string } = {},
): Promise<{ seconds: number; stdout: string }> {
  return new Promise((done, fail) => {
    const begun = process.hrtime.bigint();
    const child = spawn(argv[0] ?? '', argv.slice(1), { cwd: options.cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', fail);
    child.on('close', (status) => {
      const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
      if (status === 0) done({ seconds, stdout });
      else fail(new Error(`${argv.join(' ')} ended with ${status}\n${(stdout + stderr).slice(-2000)}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Times two things in turn, so that whatever else the machine does falls on both. */
async function inTurn(
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<readonly [number, number]> {
  const as: number[] = [];
  const bs: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    as.push(await a());
    bs.push(await b());
  }
  return [median(as), median(bs)];
}

const show = (seconds: number): string =>
  seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(1)} s`;

async function help(): Promise<Row> {
  const [ours, node] = await inTurn(
    15,
    async () => (await timed([process.execPath, MAIN, '--help'])).seconds,
    async () => (await timed([process.execPath, '-e', '0'])).seconds,
  );
  return {
    what: 'landfall --help against node -e 0',
    ratio: ours / node,
    goal: 2.5,
    detail: `${show(ours)} : ${show(node)}`,
  };
}

function desk(lab: Lab, host: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-bench-'));
  const node = lab.hosts[host];
  const text = stringify({
    apiVersion: 'landfall/v1',
    kind: 'Cluster',
    name: `bench-${host}`,
    kubernetes: '1.36',
    lab: LAB,
    nodes: [{ name: node?.name, role: 'control-plane', address: node?.address, workloads: true }],
  });
  writeFileSync(join(dir, 'cluster.yaml'), text);
  return dir;
}

const ssh = (lab: Lab, host: string, ...command: readonly string[]): readonly string[] => [
  'ssh',
  '-F',
  lab.sshConfig,
  host,
  ...command,
];

async function put(lab: Lab, host: string, path: string, text: string): Promise<void> {
  await timed(ssh(lab, host, `cat >${path}`), { input: text });
}

/** The creation of one cluster by Landfall and of one by the article's commands, on hosts alike. */
async function create(lab: Lab, dir: string): Promise<Row> {
  const cluster = { network: { pods: '10.244.0.0/16' } } as Cluster;
  await put(
    lab,
    'cp-1',
    '/root/flannel.yaml',
    flannelObjects(cluster)
      .map((o) => stringify(o))
      .join('---\n'),
  );
  await put(lab, 'cp-1', '/root/article.sh', readFileSync('bench/article.sh', 'utf8'));
  const ours = (await timed([process.execPath, MAIN, 'apply', '--yes'], { cwd: dir })).seconds;
  const versions = '1.36.3 1.36.1 10.244.0.0/16 /root/flannel.yaml';
  const article = (await timed(ssh(lab, 'cp-1', `sh /root/article.sh ${versions}`))).seconds;
  return {
    what: 'create against the article’s commands in a plain script',
    ratio: ours / article,
    goal: 1.1,
    detail: `${show(ours)} : ${show(article)}`,
  };
}

/** An apply with nothing to do against the cheapest thing one can ask of a host; what the readings themselves take is told apart. */
async function nothingToDo(lab: Lab, dir: string): Promise<Row> {
  const apply = [process.execPath, MAIN, 'apply', '--yes', '--json'];
  const [ours, bare] = await inTurn(
    9,
    async () => (await timed(apply, { cwd: dir })).seconds,
    async () => (await timed(ssh(lab, 'cp-0', 'true'))).seconds,
  );
  const readings = await readingsAlone(lab, dir);
  const detail = `(${show(ours)} − ${show(readings)} of readings on the host) : ${show(bare)}`;
  return {
    what: 'apply with nothing to do against ssh HOST true',
    ratio: (ours - readings) / bare,
    goal: 1.5,
    detail,
  };
}

/** The seconds the two scripts of a plan run on the host itself. */
async function readingsAlone(lab: Lab, dir: string): Promise<number> {
  const ask = async (script: string): Promise<string> =>
    (await timed(ssh(lab, 'cp-0', 'sh -s'), { input: script })).stdout;
  const seconds: number[] = [];
  for (const [i, script] of (await readingScripts(dir, ask)).entries())
    await put(lab, 'cp-0', `/root/readings-${i}.sh`, script);
  for (let round = 0; round < 5; round += 1) {
    const { stdout } = await timed(
      ssh(
        lab,
        'cp-0',
        'a=$(date +%s%N); for f in /root/readings-*.sh; do sh -s <$f >/dev/null 2>&1; done; echo $(( $(date +%s%N) - a ))',
      ),
    );
    seconds.push(Number(stdout.trim()) / 1e9);
  }
  return median(seconds);
}

async function main(): Promise<void> {
  const rows = [await help()];
  await labDown(LAB, () => undefined).catch(() => undefined);
  const lab = await labUp({ name: LAB, hosts: [{ name: 'cp-0' }, { name: 'cp-1' }] }, () => undefined);
  const dir = desk(lab, 0);
  try {
    rows.push(await create(lab, dir));
    await timed(ssh(lab, 'cp-1', 'systemctl stop kubelet crio; systemctl poweroff || true')).catch(
      () => undefined,
    );
    rows.push(await nothingToDo(lab, dir));
  } finally {
    rmSync(dir, { recursive: true, force: true });
    await labDown(LAB, () => undefined);
  }
  for (const row of rows) {
    const verdict = row.ratio <= row.goal ? '✓' : '✗';
    console.log(`${verdict} ${row.ratio.toFixed(2)}× (goal ≤ ${row.goal}×)  ${row.what}   ${row.detail}`);
  }
}

await main();
