import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadCluster } from '../../src/config/load.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { layOut } from '../../src/plan/work.ts';
import { compile } from '../../src/shell/compile.ts';
import { factsScript, parseFacts } from '../../src/steps/facts.ts';
import { PHASES } from '../../src/steps/phases.ts';
import type { Step } from '../../src/steps/step.ts';
import { cleared, clusterYaml, type Desk, desk, freshLab, onHost, put, well, wellOnHost } from './harness.ts';
import { differences, type Snapshot, snapshot } from './snapshot.ts';

/*
 * Any part of what was made is taken away again, in any order, as a careless hand or an old script would: one apply makes the
 * same end of it, seen by Landfall's plan and without Landfall.
 * UNDONE_ROUNDS=100 UNDONE_SEED=7 npx vitest run --project lab test/lab/undone.test.ts tries it longer, or again.
 */

const NAME = 'test-undone';
const HOST = 'cp-0';
const ROUNDS = Number(process.env['UNDONE_ROUNDS'] ?? 3);
const SEED = Number(process.env['UNDONE_SEED'] ?? Date.now() % 100_000);

/** The operator's mark says whose host this is: without it nothing may be touched, and that is tried in failures.test.ts. */
const KEPT = ['prepare/note', 'prepare/owner'];

let lab: Lab;
let place: Desk;
let steps: readonly Step[];
let before: Snapshot;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const planned = async (): Promise<Plan> => JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;

async function open(): Promise<readonly string[]> {
  const findings = (await planned()).hosts.flatMap((host) => host.findings);
  return findings.filter((f) => f.forecast !== 'right').map((f) => `${f.step}: ${f.forecast}`);
}

/** What a cluster that had to be made anew has of its own; and files whose lines may come in any order. */
const ANEW = /^file\t\/etc\/kubernetes\/(pki\/|[a-z-]+\.conf\t|landfall\/(initialised|kube-system-uid)\t)/;
const LINES = ['/etc/sysctl.d/99-zz-landfall.conf', '/etc/modules-load.d/landfall.conf'];

/** The host without Landfall's eyes: its files, packages, units and settings. */
async function seen(): Promise<Snapshot> {
  const isLoose = (line: string): boolean =>
    ANEW.test(line) || LINES.some((path) => line.startsWith(`file\t${path}\t`));
  const whole = await snapshot(lab, HOST, false);
  const lines = await wellOnHost(lab, HOST, `sort ${LINES.join(' ')}`);
  return [
    // kubeadm reset takes this empty file of kubelet's package, too.
    ...whole
      .filter((line) => !line.includes('/manifests/.kubelet-keep\t'))
      .map((line) => (isLoose(line) ? line.replace(/\t[0-9a-f]{64}$/, '') : line)),
    ...lines.split('\n'),
  ];
}

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab));
  await well(place, 'apply', '--yes', '--no-proof');
  before = await seen();
  const { cluster, lock } = loadCluster(join(place.dir, 'cluster.yaml'));
  if (lock === undefined) throw new Error('apply left no landfall.lock');
  const facts = { [HOST]: parseFacts((await onHost(lab, HOST, factsScript())).stdout) };
  steps = layOut(PHASES, { cluster, lock, facts }, 'always').flatMap((work) => work.steps);
});

afterAll(() => cleared(NAME, place));

test.each(Array.from({ length: ROUNDS }, (_, i) => SEED + i))(
  'what was undone at random comes back with one apply (seed %i)',
  async (seed) => {
    const next = chance(seed);
    const share = next();
    const undone = steps
      .filter(({ id, undo }) => undo !== undefined && !KEPT.includes(id) && next() < share)
      .map((step) => ({ step, at: next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ step }) => step);
    const told = undone.map(({ id }) => id).join(' ');
    // One that leans on another which is gone already may fail: a careless hand goes on.
    const script = compile(undone, { mode: 'undo', title: `undone: ${told}` });
    await onHost(lab, HOST, script);
    await well(place, 'apply', '--yes');
    expect([told, await open()]).toEqual([told, []]);
    expect([told, differences(before, await seen())]).toEqual([told, []]);
  },
);
