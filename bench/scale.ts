/**
 * npm run bench -- --scale: three control planes and twelve workers for real, on this one machine: how long they take to make, what a
 * plan with nothing to do takes, and what one worker more costs against its bare `kubeadm join`. Takes about half an hour.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labDown } from '../src/lab/down.ts';
import type { Lab } from '../src/lab/spec.ts';
import { labUp } from '../src/lab/up.ts';
import { addressOf, joinOf, writeCluster } from './cluster.ts';
import { MAIN, median, show, ssh, timed } from './timed.ts';

const LAB = 'bench-scale';
const PLANES = ['cp-0', 'cp-1', 'cp-2'];
const WORKERS = Array.from({ length: 12 }, (_, i) => `worker-${i}`);
/** Joins later, by Landfall. */
const LATE = 'worker-12';
/** Has all packages, and is joined by nothing but kubeadm. */
const BARE = 'worker-13';

/** The time of each process of a host's services since it was started, `PROGRAM PID`. */
const services = async (lab: Lab, host: string): Promise<string> =>
  (await timed(ssh(lab, host, 'systemctl show -p MainPID,ExecMainStartTimestampMonotonic crio kubelet')))
    .stdout;

/** When a node was Ready, in milliseconds since 1970, as the cluster has it: to the second. Waits for it. */
async function readyAt(lab: Lab, node: string): Promise<number> {
  const kube = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
  const path = '{.status.conditions[?(@.type=="Ready")].lastTransitionTime}';
  const ask = `${kube} wait --for=condition=Ready node/${node} --timeout=300s >/dev/null && ${kube} get node ${node} -o jsonpath='${path}'`;
  return Date.parse((await timed(ssh(lab, 'cp-0', ask))).stdout.trim());
}

async function main(): Promise<void> {
  await labDown(LAB, () => undefined).catch(() => undefined);
  const hosts = [...PLANES, ...WORKERS, LATE, BARE].map((name) => ({ name }));
  const up = performance.now();
  const lab = await labUp({ name: LAB, hosts }, () => undefined);
  console.log(`${hosts.length} hosts are up after ${show((performance.now() - up) / 1000)}`);
  const dir = mkdtempSync(join(tmpdir(), 'landfall-scale-'));
  try {
    writeCluster(dir, lab, {
      planes: PLANES,
      workers: WORKERS,
      endpoint: { virtualIP: addressOf(lab, 'cp-0').replace(/\.\d+$/, '.200') },
    });
    const landfall = (...words: readonly string[]) => timed([process.execPath, MAIN, ...words], { cwd: dir });
    console.log(`3 + 12 are made in ${show((await landfall('apply', '--yes')).seconds)}`);
    const idle: number[] = [];
    for (let i = 0; i < 3; i += 1) idle.push((await landfall('apply', '--yes')).seconds);
    console.log(`an apply with nothing to do: ${show(median(idle))} (${idle.map(show).join(', ')})`);

    // The same on both hosts but the join itself; then the join, by kubeadm alone and by Landfall.
    const only = ['packages', 'runtime', 'prepare', 'system'].flatMap((subject) => ['--only', subject]);
    const before = await Promise.all([...PLANES, ...WORKERS].map((host) => services(lab, host)));
    const file = readFileSync(join(dir, 'cluster.yaml'), 'utf8');
    const extra = [LATE, BARE].map(
      (name) => `  - { name: ${name}, role: worker, address: ${addressOf(lab, name)} }\n`,
    );
    writeFileSync(join(dir, 'cluster.yaml'), file + extra.join(''));
    await landfall('apply', '--yes', '--node', LATE, '--node', BARE, ...only);
    const { stdout: join_ } = await timed(
      ssh(
        lab,
        'cp-0',
        'kubeadm token create --ttl 15m --print-join-command --kubeconfig /etc/kubernetes/admin.conf',
      ),
    );
    const bareFrom = Date.now();
    const bare = await timed(ssh(lab, BARE, join_.trim()));
    const bareReady = (await readyAt(lab, BARE)) - bareFrom;
    writeFileSync(join(dir, 'cluster.yaml'), file + extra[0]);
    const ours = await landfall('apply', '--yes', '--no-proof', '--json');
    const { from, to } = joinOf(ours.stdout, LATE);
    const oursReady = (await readyAt(lab, LATE)) - from;
    const after = await Promise.all([...PLANES, ...WORKERS].map((host) => services(lab, host)));
    const disturbed = before.filter((was, i) => was !== after[i]).length;
    console.log(
      `one worker more: ${show(ours.seconds)}, of which an apply with nothing to do takes ${show(median(idle))}; services started anew elsewhere: ${disturbed}`,
    );
    console.log(
      `the join itself: ${show((to - from) / 1000)} by Landfall, ${show(bare.seconds)} by kubeadm alone; until its node is Ready ${show(oursReady / 1000)} : ${show(bareReady / 1000)} = ${(oursReady / bareReady).toFixed(2)}× (goal ≤ 1.3×)`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
    await labDown(LAB, () => undefined);
  }
}

await main();
