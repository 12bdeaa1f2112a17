import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allSteps, listOf, SUPPOSED } from '../../src/cli/list.ts';
import { HOST_DEFAULTS } from '../../src/config/host-defaults.ts';
import { depotDir } from '../../src/lab/place.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { breaking } from './breaking.ts';
import { CONTAINERD_BREAKS } from './containerd-breaks.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  freshLab,
  landfall,
  put,
  well,
  wellOnHost,
} from './harness.ts';
import { differences, LEFT, type Snapshot, snapshot } from './snapshot.ts';

/*
 * A cluster whose runtime is containerd: made and proven, broken by hand wherever it differs from one with CRI-O, rebooted, and taken
 * back until the host is as it was. The tests run in their order.
 */

const NAME = 'test-containerd';
const HOST = 'cp-0';

let lab: Lab;
let place: Desk;
let before: Snapshot;
let left: string;

const { order, forecasts, settled, sound, mending } = breaking({
  host: HOST,
  list: listOf({ ...SUPPOSED, runtime: 'containerd', host: HOST_DEFAULTS }).filter(
    ({ phase }) => phase.when === 'always',
  ),
  breaks: CONTAINERD_BREAKS,
  lab: () => lab,
  place: () => place,
});

const onHost = (script: string): Promise<string> => wellOnHost(lab, HOST, script);
const kube = 'kubectl --kubeconfig=/etc/kubernetes/admin.conf';

beforeAll(async () => {
  const depot = depotDir();
  if (existsSync(depot) && !existsSync(join(depot, 'www/download.docker.com')))
    throw new Error('the depot has no containerd: npx tsx test/depot/fill.ts --containerd');
  lab = await freshLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab, 'runtime: containerd\n'));
  left = await onHost(LEFT);
  before = await snapshot(lab, HOST, false);
});

afterAll(() => cleared(NAME, place));

test('there is a way to break every step that only containerd brings', () => {
  const others = new Set(allSteps().map(({ step }) => step.id as string));
  expect(order.filter((id) => !others.has(id) && CONTAINERD_BREAKS[id] === undefined)).toEqual([]);
  expect(Object.keys(CONTAINERD_BREAKS).filter((id) => !order.includes(id))).toEqual([]);
  sound();
});

test('a cluster is made of it, proven, and then there is nothing to do', async () => {
  const ended = await well(place, 'apply', '--yes');
  expect(ended.stdout).toContain('Welcome to nginx!');
  expect(ended.stdout).toMatch(/containerd 2\.3\.\d+/);
  expect(await forecasts()).toEqual({});
});

test('it is what kubelet uses, it alone is there, and it counts as kubelet does', async () => {
  const said = await onHost(`
    ${kube} get nodes -o 'jsonpath={.items[*].status.nodeInfo.containerRuntimeVersion}{"\\n"}'
    ls /usr/bin/crio /run/crio 2>/dev/null || echo 'no CRI-O'
    crictl images | grep -c /pause
    sed -n '/kubepods[.]slice/{s/.*/in a slice of systemd/p;q}' "/proc/$(pgrep -o -x kube-apiserver)/cgroup"
    apt-mark showhold | grep -x containerd.io
    if grep -q . /run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json; then echo 'has its tasks'; fi`);
  expect(said.split('\n')).toEqual([
    expect.stringMatching(/^containerd:\/\/v?2\.3\./),
    'no CRI-O',
    '1',
    'in a slice of systemd',
    'containerd.io',
    'has its tasks',
    '',
  ]);
});

describe('a living cluster', () => {
  mending('together', 'alone', 'left');

  test('is as it was made after the host was rebooted', async () => {
    await reboot(NAME, HOST);
    await settled();
  });
});

/** The host is as it was before the first create: seen without Landfall. */
async function takesAway(): Promise<void> {
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect(ended.stdout + ended.stderr).not.toMatch(/^error/m);
  expect(ended.status).toBe(0);
  expect(differences(before, await snapshot(lab, HOST, false))).toEqual([]);
  expect(await onHost(LEFT)).toBe(left);
}

test('a reset leaves the host as it was', takesAway);

test('so does one of a cluster whose runtime was killed, and a cluster is made again on that host', async () => {
  await well(place, 'apply', '--yes', '--no-proof');
  await onHost(
    'systemctl stop kubelet; systemctl kill --kill-whom=main --signal=KILL containerd; systemctl stop containerd',
  );
  await takesAway();
});
