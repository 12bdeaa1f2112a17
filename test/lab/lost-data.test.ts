import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/spec.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import { ETCDCTL } from './etcd.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  freshLab,
  landfall,
  onHost,
  put,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';
import { preparedLab } from './prepared.ts';

/*
 * The only control plane loses the data of its etcd, as it does when their disk is not mounted. The first time etcd begins anew, empty, and
 * its API server is ready: that must not be taken for the cluster. Once it was recovered it stays down instead. The tests run in this order.
 */

const NAME = 'test-lost-data';
const HOST = 'cp-0';
const MEANT = ['--cluster', NAME, '--yes'] as const;

let lab: Lab;
let place: Desk;
let uids: string;
let snapshot: string;

const onIt = (script: string): Promise<string> => wellOnHost(lab, HOST, script);
/** As the controllers ask: the rights of admin.conf are an object, and gone with the others. */
const CONTROLLER = 'kubectl --kubeconfig /etc/kubernetes/controller-manager.conf --request-timeout=5s';
const KUBECTL = 'kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=5s';
const uidsNow = (): Promise<string> =>
  onIt(
    `${KUBECTL} get configmaps -l test=kept -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}' | sort`,
  );

/** Takes the data away while nothing runs, and starts everything again. */
const lose = (): Promise<string> =>
  onIt(`
    systemctl stop kubelet
    crictl stop $(crictl ps -q --name '^(etcd|kube-apiserver)$') >/dev/null
    rm -r /var/lib/etcd/member
    systemctl start kubelet`);

/** What the plan says that is not right, by step. */
async function open(): Promise<ReadonlyMap<string, Finding>> {
  const ended = await landfall(place, 'plan', '--json');
  const plan = JSON.parse(ended.stdout) as Plan;
  return new Map(
    plan.hosts.flatMap((h) => h.findings.filter((f) => f.forecast !== 'right').map((f) => [f.step, f])),
  );
}

beforeAll(async () => {
  lab = await preparedLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab));
  await well(place, 'apply', '--yes', '--no-proof');
  await onIt(`
    for i in $(seq 50); do
      printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: kept-%s, labels: { test: kept } }\\n---\\n' "$i"
    done | ${KUBECTL} create -f - >/dev/null
    systemctl start landfall-etcd`);
  uids = await uidsNow();
  expect(uids.trim().split('\n')).toHaveLength(50);
  snapshot = (await onIt('ls -d /var/backups/landfall/etcd/*.db | tail -n 1')).trim();
});

afterAll(() => cleared(NAME, place));

test('an etcd that has begun anew is not taken for the cluster, and nothing is made in it', async () => {
  await lose();
  await eventually(
    'an API server that is ready, and empty',
    async () =>
      (await onHost(lab, HOST, `${CONTROLLER} get namespace kube-system`)).status === 0 ? true : undefined,
    120_000,
  );
  const found = await open();
  expect(found.get('preflight/same-data')?.reading).toMatch(/^etcd has begun anew, empty: kube-system is /);
  // Nothing that is asked of the API server is known of the cluster.
  const asked = [...found].filter(([step]) => step !== 'preflight/same-data');
  expect(asked.filter(([, f]) => f.forecast !== 'unknown').map(([step]) => step)).toEqual([]);
  for (const words of [[], ['--only', 'control-plane']]) {
    const apply = await landfall(place, 'apply', '--yes', ...words);
    expect(apply.status, said(apply)).toBe(1);
    expect(apply.stderr).toContain('etcd has begun anew, empty');
    expect(apply.stderr).toContain('landfall recover --snapshot');
  }
  // What is asked for alone is not looked at by preflight; but the rights of whoever asks were in the data.
  const part = await landfall(place, 'apply', '--yes', '--only', 'workloads');
  expect(part.status, said(part)).toBe(1);
  expect(part.stderr).toContain('Nothing was changed');
  expect(await onIt(`${ETCDCTL} get --prefix --keys-only /registry/deployments/`)).toBe('');
});

test('out of a snapshot it is the cluster it was', async () => {
  const without = await landfall(place, 'recover', ...MEANT);
  expect(without.status, said(without)).toBe(5);
  expect(without.stderr).toContain('recover/no-data');
  expect(without.stderr).toContain('begun anew, empty');
  const ended = await landfall(place, 'recover', '--snapshot', snapshot, ...MEANT);
  expect(ended.status, said(ended)).toBe(0);
  expect(await uidsNow()).toBe(uids);
  await well(place, 'apply', '--yes');
  expect((await open()).size).toBe(0);
});

test('from then on it stays down without its data, and comes back as well', async () => {
  await lose();
  await eventually(
    'etcd to say why it does not start',
    async () =>
      (
        await onHost(lab, HOST, 'crictl logs "$(crictl ps -aq --name etcd | head -n 1)" 2>&1')
      ).stdout.includes('could not retrieve cluster information')
        ? true
        : undefined,
    120_000,
  );
  const apply = await landfall(place, 'apply', '--yes');
  expect(apply.status, said(apply)).not.toBe(0);
  expect(said(apply)).toContain('the data of etcd are not there');
  const without = await landfall(place, 'recover', ...MEANT);
  expect(without.status, said(without)).toBe(5);
  const ended = await landfall(place, 'recover', '--snapshot', snapshot, ...MEANT);
  expect(ended.status, said(ended)).toBe(0);
  expect(await uidsNow()).toBe(uids);
  await well(place, 'apply', '--yes');
  expect((await open()).size).toBe(0);
});

test('on a host that was never a control plane nothing is begun, and it is said what is missing', async () => {
  lab = await freshLab(NAME);
  await onIt('touch /root/etcd.db');
  const ended = await landfall(place, 'recover', '--snapshot', '/root/etcd.db', ...MEANT);
  expect(ended.status, said(ended)).toBe(5);
  expect(ended.stderr).toContain('recover/no-plane');
});
