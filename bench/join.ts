/**
 * npm run bench -- --join: what one worker more costs against its bare `kubeadm join`, on hosts that are otherwise alike, in turn. Takes
 * about five minutes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labDown } from '../src/lab/down.ts';
import type { Lab } from '../src/lab/spec.ts';
import { labUp } from '../src/lab/up.ts';
import { joinOf, writeCluster } from './cluster.ts';
import { MAIN, median, show, ssh, timed } from './timed.ts';

const LAB = 'bench-join';
const PLANE = 'cp-0';
/** Joined by Landfall. */
const OURS = ['worker-0', 'worker-2', 'worker-4'];
/** Joined by nothing but kubeadm. */
const BARE = ['worker-1', 'worker-3', 'worker-5'];

/** A join in milliseconds since 1970: when it was begun, when it was over, and when kubelet saw its node become ready. */
interface Join {
  readonly from: number;
  readonly to: number;
  readonly ready: number;
}

const on = async (lab: Lab, host: string, command: string): Promise<string> =>
  (await timed(ssh(lab, host, command))).stdout.trim();

/** What kubelet itself wrote down: the cluster knows it to the second only. */
async function readyAt(lab: Lab, host: string): Promise<number> {
  const kube = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
  await on(
    lab,
    PLANE,
    `until ${kube} get node ${host} >/dev/null 2>&1; do sleep 0.2; done; ${kube} wait --for=condition=Ready node/${host} --timeout=300s`,
  );
  const said = await on(
    lab,
    host,
    'journalctl -u kubelet -o short-unix --no-pager | grep "just became ready" | head -n 1 | cut -d " " -f 1',
  );
  return Number(said) * 1000;
}

/** The middle of each, and of their proportion. */
function told(what: string, ours: readonly number[], bare: readonly number[]): void {
  const [a, b] = [median(ours), median(bare)];
  const each = (all: readonly number[]): string => all.map((ms) => show(ms / 1000)).join(', ');
  console.log(
    `${what}: ${show(a / 1000)} by Landfall, ${show(b / 1000)} by kubeadm alone = ${(a / b).toFixed(2)}× (${each(ours)} : ${each(bare)})`,
  );
}

async function main(): Promise<void> {
  await labDown(LAB, () => undefined).catch(() => undefined);
  const hosts = [PLANE, ...OURS, ...BARE].map((name) => ({ name }));
  const lab = await labUp({ name: LAB, hosts }, () => undefined);
  const dir = mkdtempSync(join(tmpdir(), 'landfall-join-'));
  const landfall = (...words: readonly string[]) => timed([process.execPath, MAIN, ...words], { cwd: dir });
  try {
    writeCluster(dir, lab, { planes: [PLANE], workers: [] });
    await landfall('apply', '--yes');
    // All of them have everything but the join itself.
    writeCluster(dir, lab, { planes: [PLANE], workers: [...OURS, ...BARE] });
    const only = ['packages', 'runtime', 'prepare', 'system'].flatMap((subject) => ['--only', subject]);
    const nodes = [...OURS, ...BARE].flatMap((name) => ['--node', name]);
    await landfall('apply', '--yes', ...nodes, ...only);
    const ours: Join[] = [];
    const bare: Join[] = [];
    for (const [i, host] of OURS.entries()) {
      const other = BARE[i] ?? '';
      const command = await on(
        lab,
        PLANE,
        'kubeadm token create --ttl 15m --print-join-command --kubeconfig /etc/kubernetes/admin.conf',
      );
      const [from, to] = (await on(lab, other, `date +%s%3N; ${command} >/run/join.log 2>&1 && date +%s%3N`))
        .split('\n')
        .map(Number);
      bare.push({ from: from ?? 0, to: to ?? 0, ready: await readyAt(lab, other) });
      writeCluster(dir, lab, { planes: [PLANE], workers: OURS.slice(0, i + 1) });
      const { stdout, seconds } = await landfall('apply', '--yes', '--no-proof', '--json');
      ours.push({ ...joinOf(stdout, host), ready: await readyAt(lab, host) });
      console.log(`${host}: an apply of ${show(seconds)}`);
    }
    const took = (joins: readonly Join[], end: 'to' | 'ready'): readonly number[] =>
      joins.map((one) => one[end] - one.from);
    told('the join itself', took(ours, 'to'), took(bare, 'to'));
    told('until the node is ready (goal ≤ 1.3×)', took(ours, 'ready'), took(bare, 'ready'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
    await labDown(LAB, () => undefined);
  }
}

await main();
