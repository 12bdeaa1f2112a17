import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { depotDir } from '../../src/lab/place.ts';
import type { Lab } from '../../src/lab/spec.ts';
import {
  cleared,
  type Desk,
  desk,
  type Ended,
  events,
  freshLab,
  landfall,
  openSteps,
  put,
  well,
  wellOnHost,
} from './harness.ts';
import { differences, LEFT, type Snapshot, snapshot } from './snapshot.ts';

/*
 * A cluster of two nodes, made with a runtime each; then its nodes go over, one after the other, while a Deployment and a pod with data
 * run on it. The tests run in their order.
 */

const NAME = 'test-exchange';
const HOSTS = ['cp-0', 'worker-0'] as const;

let lab: Lab;
let place: Desk;
const before = new Map<string, Snapshot>();
const left = new Map<string, string>();

const kube = 'kubectl --kubeconfig=/etc/kubernetes/admin.conf';
const onSeat = (script: string): Promise<string> => wellOnHost(lab, 'cp-0', script);

/** cluster.yaml with a runtime for each host. */
function wish(...runtimes: readonly string[]): void {
  const nodes = lab.hosts.map(
    ({ name, address }, i) =>
      `  - { name: ${name}, role: ${i === 0 ? 'control-plane' : 'worker'}, address: ${address}, workloads: true, runtime: ${runtimes[i]} }`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nnodes:\n${nodes.join('\n')}\n`,
  );
}

/** The steps of an apply that were made, `HOST STEP`. */
const made = (ended: Ended): readonly string[] =>
  events(ended).flatMap((e) => (e.is === 'step' && e.state === 'made' ? [`${e.host} ${e.step}`] : []));

/** What runs the containers of each node, as the cluster has it. */
const runtimes = async (): Promise<readonly string[]> =>
  (
    await onSeat(
      `${kube} get nodes -o 'jsonpath={range .items[*]}{.metadata.name} {.status.nodeInfo.containerRuntimeVersion} {.spec.unschedulable}{"\\n"}{end}'`,
    )
  )
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/:\/\/\S+/, '').trim());

beforeAll(async () => {
  const depot = depotDir();
  if (existsSync(depot) && !existsSync(join(depot, 'www/download.docker.com')))
    throw new Error('the depot has no containerd: npx tsx test/depot/fill.ts --containerd');
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  for (const host of HOSTS) {
    left.set(host, await wellOnHost(lab, host, LEFT));
    before.set(host, await snapshot(lab, host, false));
  }
});

afterAll(() => cleared(NAME, place));

test('a cluster is made with two runtimes, and proven', async () => {
  wish('cri-o', 'containerd');
  const ended = await well(place, 'apply', '--yes');
  expect(ended.stdout).toContain('Welcome to nginx!');
  expect(await openSteps(place)).toEqual([]);
  expect(await runtimes()).toEqual(['cp-0 cri-o', 'worker-0 containerd']);
});

test('one node after the other goes over, its pods before it, and data of pods stays', async () => {
  await onSeat(`${kube} create -f - <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }
      containers: [{ name: web, image: docker.io/library/nginx:1.28.0 }]
---
apiVersion: v1
kind: Pod
metadata: { name: kept }
spec:
  nodeName: worker-0
  volumes: [{ name: data, emptyDir: {} }]
  containers: [{ name: web, image: docker.io/library/nginx:1.28.0, volumeMounts: [{ name: data, mountPath: /data }] }]
END
${kube} rollout status deployment/web --timeout=120s
${kube} wait --for=condition=Ready pod/kept --timeout=120s
${kube} exec kept -- sh -c 'echo still here >/data/note'`);
  const uid = await onSeat(`${kube} get pod kept -o 'jsonpath={.metadata.uid}'`);
  wish('containerd', 'cri-o');
  expect(await openSteps(place)).toEqual(
    expect.arrayContaining(HOSTS.flatMap((host) => [`${host} exchange/socket`, `${host} exchange/former`])),
  );
  const steps = made(await well(place, 'apply', '--yes', '--json', '--no-proof'));
  const own = steps.filter((step) => step.includes(' exchange/'));
  // All of the first, then all of the second.
  expect(own).toEqual(own.toSorted((a, b) => (a.split(' ')[0] ?? '').localeCompare(b.split(' ')[0] ?? '')));
  for (const host of HOSTS)
    for (const step of ['emptied', 'socket', 'open', 'former'])
      expect(own).toContain(`${host} exchange/${step}`);
  expect(await openSteps(place)).toEqual([]);
  expect(await runtimes()).toEqual(['cp-0 containerd', 'worker-0 cri-o']);
  await onSeat(`${kube} rollout status deployment/web --timeout=120s
${kube} wait --for=condition=Ready pod/kept --timeout=120s`);
  expect(
    await onSeat(`${kube} exec kept -- cat /data/note; ${kube} get pod kept -o 'jsonpath={.metadata.uid}'`),
  ).toBe(`still here\n${uid}`);
});

test('nothing of the former runtime is left, and both nodes carry pods', async () => {
  const there = (path: string): string => `ls ${path} 2>/dev/null || echo gone`;
  expect(await wellOnHost(lab, 'cp-0', there('/usr/bin/crio /var/lib/crio /run/crio /etc/crio'))).toBe(
    'gone\n',
  );
  expect(
    await wellOnHost(lab, 'worker-0', there('/usr/bin/containerd /var/lib/containerd /run/containerd')),
  ).toBe('gone\n');
  const ended = await well(place, 'apply', '--yes');
  expect(ended.status).toBe(0);
  expect(await onSeat(`${kube} get pods -A --field-selector spec.nodeName=worker-0 -o name | wc -l`)).toMatch(
    /[3-9]/,
  );
});

test('a reset leaves both hosts as they were', async () => {
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect([ended.status, ended.stdout + ended.stderr]).toEqual([0, expect.not.stringMatching(/^error/m)]);
  for (const host of HOSTS) {
    expect([host, differences(before.get(host) ?? [], await snapshot(lab, host, false))]).toEqual([host, []]);
    expect([host, await wellOnHost(lab, host, LEFT)]).toEqual([host, left.get(host)]);
  }
});
