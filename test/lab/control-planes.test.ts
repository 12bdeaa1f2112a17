import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import { historyFolder } from '../../src/run/history.ts';
import { ETCDCTL } from './etcd.ts';
import {
  cleared,
  type Desk,
  desk,
  events,
  freshLab,
  landfall,
  onHost,
  put,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { live, wellAgain } from './live.ts';
import { namedServers } from './servers.ts';
import { LEFT } from './snapshot.ts';

/*
 * Three control planes: they come up one by one, their endpoint is moved and moved back, one of them is made anew with its join cut
 * short in between, and all go again. The endpoint is the first one's own address, where a load balancer of the user's would be.
 */

const NAME = 'test-control-planes';
const HOSTS = ['cp-0', 'cp-1', 'cp-2', 'worker-0'] as const;

let lab: Lab;
let place: Desk;
let left: Readonly<Record<string, string>>;

const addressOf = (name: string): string => lab.hosts.find((host) => host.name === name)?.address ?? '';
/** The first one's own address: no endpoint anybody should want, and good enough until there is a better one. */
const OWN = (): string => `${addressOf('cp-0')}:6443`;
/** What Landfall calls an address between the control planes. */
const SHARED = `api.${NAME}.internal:6443`;

function wish(endpoint: string): void {
  const nodes = HOSTS.map(
    (name) =>
      `  - { name: ${name}, role: ${name.startsWith('cp') ? 'control-plane' : 'worker'}, address: ${addressOf(name)} }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: ${endpoint}\nnodes:\n${nodes.join('')}`,
  );
}

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  wish(`{ address: "${OWN()}" }`);
  left = await remains();
});

afterAll(() => cleared(NAME, place));

const remains = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await Promise.all(HOSTS.map(async (host) => [host, await wellOnHost(lab, host, LEFT)] as const)),
  );
const kube = (words: string): Promise<string> =>
  wellOnHost(lab, 'cp-0', `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);
const forecast = async (...words: readonly Finding['forecast'][]): Promise<readonly string[]> => {
  const plan = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
  return plan.hosts.flatMap(({ host, findings }) =>
    findings.filter((f) => words.includes(f.forecast)).map((f) => `${host} ${f.step}`),
  );
};
/** Every member of etcd by its name: whether it is started, and whether it only learns. */
async function members(): Promise<readonly string[]> {
  const list = await wellOnHost(lab, 'cp-0', `${ETCDCTL} member list`);
  return list
    .trim()
    .split('\n')
    .map((line) => line.split(', '))
    .map(([, state, name, , , learns]) => `${name} ${state} ${learns}`)
    .toSorted();
}
const ALL = ['cp-0 started false', 'cp-1 started false', 'cp-2 started false'];

/** Nothing with which anybody could join, or open the cluster's keys, is left there. */
async function expectClosed(): Promise<void> {
  expect(await kube('-n kube-system get secrets -o name')).not.toMatch(/kubeadm-certs/);
  expect(await forecast('make', 'unknown', 'wrong')).toEqual([]);
}

test('three control planes and a worker come up by one apply, each with a vote', async () => {
  const ended = await landfall(place, 'apply', '--yes', '--json');
  expect([ended.status, ended.stderr], said(ended)).toEqual([0, '']);
  expect(await members()).toEqual(ALL);
  // One by one: the second is not begun before the first has its vote.
  const turns = events(ended).flatMap((e) =>
    e.is === 'step' && e.phase === 'join-control-plane' && e.host !== 'here' ? [e.host] : [],
  );
  expect(turns.filter((host, i) => host !== turns[i - 1])).toEqual(['cp-1', 'cp-2']);
  await expectClosed();
  for (const host of ['cp-1', 'cp-2'])
    expect(
      await wellOnHost(lab, host, 'kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz'),
    ).toBe('ok');
});

/** Who names which API server when all of them have gone over to this endpoint. */
const overTo = (endpoint: string): Awaited<ReturnType<typeof namedServers>> => ({
  ...Object.fromEntries(
    HOSTS.map((host) => [
      host,
      host.startsWith('cp')
        ? [...new Set([`https://${addressOf(host)}:6443`, `https://${endpoint}`])].sort()
        : [`https://${endpoint}`],
    ]),
  ),
  cluster: [endpoint, `https://${endpoint}`, `https://${endpoint}`],
});

test('its endpoint is moved to an address between them, though the second loses its power in the middle, and back', async () => {
  expect(await namedServers(lab, HOSTS)).toEqual(overTo(OWN()));
  const authority = await wellOnHost(lab, 'cp-0', 'sha256sum /etc/kubernetes/pki/ca.crt');
  wish(`{ virtualIP: ${addressOf('cp-0').replace(/\.\d+$/, '.200')} }`);
  const cut = live(place, NAME, 'apply', '--yes', '--patience', '5', '--move-endpoint', SHARED);
  const reached = await cut.first(
    (e) => e.is === 'step' && e.step === 'endpoint/kubeconfigs' && e.host === 'cp-1' && e.state === 'making',
  );
  expect(reached).toBeDefined();
  await breakLab(NAME, { is: 'power-loss', host: 'cp-1' });
  const ended = await cut.ended;
  expect(ended.status, said(ended)).not.toBe(0);
  // Two of three are a majority, wherever they have got to.
  await wellAgain(lab, 'cp-2', 'kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz');
  await breakLab(NAME, { is: 'start', host: 'cp-1' });
  await wellAgain(lab, 'cp-1', 'true', 120_000);
  const rest = await landfall(place, 'apply', '--yes');
  expect(rest.status, said(rest)).toBe(0);
  console.info(`the rest of the move: ${rest.ms} ms`);
  expect(await namedServers(lab, HOSTS)).toEqual(overTo(SHARED));
  expect(await members()).toEqual(ALL);
  await expectClosed();

  wish(`{ address: "${OWN()}" }`);
  const back = await landfall(place, 'apply', '--yes', '--move-endpoint', OWN());
  expect(back.status, said(back)).toBe(0);
  console.info(`and back: ${back.ms} ms`);
  expect(await namedServers(lab, HOSTS)).toEqual(overTo(OWN()));
  expect(await wellOnHost(lab, 'cp-0', 'sha256sum /etc/kubernetes/pki/ca.crt')).toBe(authority);
  await expectClosed();
});

test('one is taken back, its join is cut short in etcd, and the next apply brings it to its end', async () => {
  const back = await landfall(place, 'reset', '--node', 'cp-2', '--cluster', NAME, '--yes');
  expect(back.status, said(back)).toBe(0);
  expect(await forecast('make')).toEqual(
    expect.arrayContaining(['cp-0 join/no-stale-members', 'cp-0 join/ticket', 'cp-2 join/member']),
  );
  expect(await forecast('wrong')).toEqual([]);
  await wellOnHost(
    lab,
    'cp-2',
    `cat >/root/killer <<'END'
until [ -d /var/lib/etcd/member ]; do sleep 0.05; done
pkill -KILL -f 'kubeadm.* join --config'
END
systemd-run -q --unit=killer sh /root/killer`,
  );
  const cut = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  expect(cut.status, said(cut)).toBe(1);
  expect(events(cut).flatMap((e) => (e.is === 'problem' ? [[e.problem.code, e.problem.host]] : []))).toEqual([
    ['join/member', 'cp-2'],
  ]);
  expect(await kube('-n kube-system get secrets -o name')).not.toMatch(/kubeadm-certs/);
  const again = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  expect(again.status, said(again)).toBe(0);
  expect(await members()).toEqual(ALL);
  await expectClosed();
});

test('none is added while another one is away', async () => {
  await landfall(place, 'reset', '--node', 'cp-2', '--cluster', NAME, '--yes');
  // Its member is entered still, and so is its vote: with one more away, nothing could be decided any more.
  await kube('get --raw /readyz');
  await wellOnHost(lab, 'cp-1', 'systemctl stop kubelet; crictl stop "$(crictl ps -q --name etcd)"');
  // The joining alone: everything else would first wait, each for its own time, for an API server that cannot come back.
  const ended = await landfall(place, 'apply', '--yes', '--json', '--no-proof', '--only', 'join');
  expect(ended.status, said(ended)).not.toBe(0);
  const joined = await onHost(lab, 'cp-2', 'ls /etc/kubernetes/kubelet.conf');
  expect(joined.status).not.toBe(0);
});

test('reset leaves all hosts clean, though etcd has no majority any more', async () => {
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect(ended.status, said(ended)).toBe(0);
  expect(await remains()).toEqual(left);
});
