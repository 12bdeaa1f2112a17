import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labDown } from '../../src/lab/down.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { DEEPER, THOROUGH } from '../thorough.ts';
import {
  clusterYaml,
  type Desk,
  desk,
  freshLab,
  landfall,
  onHost,
  put,
  start,
  well,
  wellOnHost,
} from './harness.ts';
import { differences, LEFT, type Snapshot, snapshot } from './snapshot.ts';

let lab: Lab;
let mine: Desk;
let before: Snapshot;
let left: string;

beforeAll(async () => {
  lab = await freshLab('test-reset');
  mine = desk();
  put(mine, 'cluster.yaml', clusterYaml(lab));
  left = await wellOnHost(lab, 'cp-0', LEFT);
  before = await snapshot(lab, 'cp-0', false);
});

afterAll(() => labDown(lab.name, () => undefined));

/** The host is as it was before the first create: seen without Landfall. */
async function expectAsBefore(): Promise<void> {
  expect(differences(before, await snapshot(lab, 'cp-0', false))).toEqual([]);
  expect(await wellOnHost(lab, 'cp-0', LEFT)).toBe(left);
}

const reset = (...more: readonly string[]) =>
  landfall(mine, 'reset', '--cluster', lab.name, '--yes', ...more);

async function takesAway(): Promise<void> {
  const ended = await reset();
  expect(ended.stdout + ended.stderr).not.toMatch(/^error/m);
  expect(ended.status).toBe(0);
  await expectAsBefore();
}

describe('reset', () => {
  it('has nothing to do on a host that never had a cluster, and does nothing to it', async () => {
    const ended = await reset();
    expect(ended.status).toBe(0);
    await expectAsBefore();
  });

  it('is refused unless the cluster is named, and then nothing is touched', async () => {
    await well(mine, 'apply', '--yes', '--no-proof');
    const uid =
      'kubectl --kubeconfig /etc/kubernetes/admin.conf get namespace kube-system -o jsonpath={.metadata.uid}';
    const cluster = await wellOnHost(lab, 'cp-0', uid);
    for (const words of [
      ['reset', '--yes'],
      ['reset', '--yes', '--cluster', 'another'],
      ['reset', '--no-input'],
    ]) {
      const ended = await landfall(mine, ...words);
      expect([words, ended.status]).toEqual([words, expect.toBeOneOf([2, 5])]);
      expect(ended.stderr).toContain(lab.name);
    }
    const typed = await start(mine, ['reset'], 'wrong name\n').ended;
    expect(typed.status).not.toBe(0);
    expect(await wellOnHost(lab, 'cp-0', uid)).toBe(cluster);
    expect((await landfall(mine, 'plan', '--exit-code')).status).toBe(0);
  });

  it.runIf(THOROUGH)('takes a cluster away in one go, and leaves the host as it was before it', async () => {
    await takesAway();
    await well(mine, 'apply', '--yes', '--no-proof');
  });

  it('comes to its end when it is killed in the middle and run again, and leaves the host as it was before it', async () => {
    const { child, ended } = start(mine, ['reset', '--cluster', lab.name, '--yes', '--json']);
    await new Promise<void>((half) => {
      let undone = 0;
      child.stdout?.on('data', (chunk: string) => {
        undone += chunk.split('"state":"made"').length - 1;
        if (undone >= 5) half();
      });
      child.on('close', () => half());
    });
    child.kill('SIGKILL');
    await ended;
    await onHost(lab, 'cp-0', 'systemctl kill --kill-whom=all --signal=KILL "landfall-*.service"');
    await takesAway();
  });

  it.runIf(DEEPER)(
    'leaves a host on which the same cluster can be made again at once, and proven',
    async () => {
      const ended = await well(mine, 'apply', '--yes');
      expect(ended.stdout).toContain('Welcome to nginx!');
      expect((await landfall(mine, 'plan', '--exit-code')).status).toBe(0);
    },
  );

  it.runIf(DEEPER)(
    'takes that away in one go, when nothing of the cluster works any more: no API server, no runtime, no kubelet',
    async () => {
      await wellOnHost(
        lab,
        'cp-0',
        'systemctl stop kubelet; systemctl kill --signal=KILL crio; systemctl stop crio; rm -f /etc/kubernetes/admin.conf',
      );
      await takesAway();
    },
  );
});
