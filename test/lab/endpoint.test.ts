import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { historyFolder } from '../../src/run/history.ts';
import { cleared, type Desk, desk, freshLab, landfall, put, said, well, wellOnHost } from './harness.ts';
import { live, wellAgain } from './live.ts';
import { namedServers } from './servers.ts';
import { differences, snapshot } from './snapshot.ts';

/*
 * One control plane and one worker whose endpoint is moved while they live: an address between them behind the same name, a cluster that
 * was made without an endpoint, and a name of somebody's own, with landfall killed and a host without power in the middle.
 */

const NAME = 'test-endpoint';
const HOSTS = ['cp-0', 'worker-0'] as const;
const KEPT = `api.${NAME}.internal:6443`;
const OTHER = 'api.example.test:6443';

let lab: Lab;
let place: Desk;
let address: string;

const addressOf = (name: string): string => lab.hosts.find((host) => host.name === name)?.address ?? '';

/** cluster.yaml with this endpoint and these workers. */
function wish(endpoint: string, workers: readonly string[] = ['worker-0']): void {
  const nodes = [
    `  - { name: cp-0, role: control-plane, address: ${addressOf('cp-0')}, workloads: true }\n`,
    ...workers.map((name) => `  - { name: ${name}, role: worker, address: ${addressOf(name)} }\n`),
  ];
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\n${endpoint}nodes:\n${nodes.join('')}`,
  );
}

beforeAll(async () => {
  lab = await freshLab(NAME, [...HOSTS, 'worker-1']);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  address = addressOf('cp-0').replace(/\.\d+$/, '.200');
});

afterAll(() => cleared(NAME, place));

/** What was said, whatever its lines. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
const forecast = async (): Promise<readonly string[]> => {
  const plan = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
  return plan.hosts.flatMap(({ host, findings }) =>
    findings.filter((f) => f.forecast !== 'right').map((f) => `${host} ${f.step} ${f.forecast}`),
  );
};
const named = (hosts: readonly string[] = HOSTS): ReturnType<typeof namedServers> => namedServers(lab, hosts);
const all = (
  endpoint: string,
  own = `https://${addressOf('cp-0')}:6443`,
): Awaited<ReturnType<typeof namedServers>> => ({
  'cp-0': [own, `https://${endpoint}`].sort(),
  'worker-0': [`https://${endpoint}`],
  cluster: [endpoint, `https://${endpoint}`, `https://${endpoint}`],
});
/** Where pods on the network of their node find the endpoint, host by host. */
const inPods = (): Promise<readonly string[]> =>
  Promise.all(
    HOSTS.map(async (host) =>
      (
        await wellOnHost(
          lab,
          host,
          `for pod in /var/lib/kubelet/pods/*/containers/kube-proxy; do sed -n 's/ ${KEPT.replace(/:.*/, '')}.*//p' "\${pod%/containers/*}/etc-hosts"; done`,
        )
      ).trim(),
    ),
  );
/** Has the cluster moved, with the proof that pods and Services work, and sees that nothing is left to do. Tells how long it took. */
async function moved(what: string, ...flags: readonly string[]): Promise<void> {
  const ended = await landfall(place, 'apply', '--yes', '--json', ...flags);
  expect(ended.status, said(ended)).toBe(0);
  expect(ended.stdout).toContain('"phase":"proof-outside"');
  console.info(`${what}: ${ended.ms} ms`);
  expect(await forecast()).toEqual([]);
}

test('a cluster that is made knows its endpoint everywhere', async () => {
  wish('');
  await well(place, 'apply', '--yes', '--no-proof');
  expect(await named()).toEqual(all(KEPT));
  expect(await forecast()).toEqual([]);
});

test('an address behind the name is no move: no word of confirmation, and pods find the new address, too', async () => {
  expect(await inPods()).toEqual([addressOf('cp-0'), addressOf('cp-0')]);
  wish(`endpoint: { virtualIP: ${address} }\n`);
  await moved('virtualIP added');
  expect(await named()).toEqual(all(KEPT));
  expect(await inPods()).toEqual([address, address]);
});

/** What somebody makes who tells kubeadm of no endpoint. */
const bare = (host: string): string => `
  sed -i 's#server: .*#server: https://${host}:6443#' /etc/kubernetes/admin.conf
  export KUBECONFIG=/etc/kubernetes/admin.conf
  kubectl -n kube-system get configmap kubeadm-config -o yaml | sed '/controlPlaneEndpoint: /d' | kubectl replace -f -
  kubectl -n kube-system get configmap kube-proxy -o yaml | sed 's#server: .*#server: https://${host}:6443#' | kubectl replace -f -
  kubectl -n kube-public get configmap cluster-info -o yaml | sed 's#server: .*#server: https://${host}:6443#' | kubectl replace -f -
  kubectl -n kube-system rollout restart daemonset kube-proxy
  kubectl -n kube-system rollout status daemonset kube-proxy --timeout=120s`;

test('a cluster that was made without an endpoint is given one, when that is confirmed', async () => {
  const own = addressOf('cp-0');
  await wellOnHost(
    lab,
    'worker-0',
    `sed -i 's#server: .*#server: https://${own}:6443#' /etc/kubernetes/kubelet.conf; systemctl restart kubelet`,
  );
  await wellOnHost(lab, 'cp-0', bare(own));
  for (const host of HOSTS) await wellOnHost(lab, host, "sed -i '/ # kept by Landfall$/d' /etc/hosts");
  expect(await named()).toEqual({
    'cp-0': [`https://${own}:6443`],
    'worker-0': [`https://${own}:6443`],
    cluster: ['none', `https://${own}:6443`, `https://${own}:6443`],
  });
  const plan = await well(place, 'plan');
  expect(flat(plan.stderr)).toContain(`from ${own}:6443 to ${KEPT}`);
  const refused = await landfall(place, 'apply', '--yes');
  expect([refused.status, flat(refused.stderr)], said(refused)).toEqual([
    2,
    expect.stringContaining(`landfall apply --move-endpoint ${KEPT} --yes`),
  ]);
  await moved('made without an endpoint', '--move-endpoint', KEPT);
  expect(await named()).toEqual(all(KEPT));
});

const leads = (): Promise<unknown> =>
  Promise.all(
    [...HOSTS, 'worker-1'].map((host) =>
      wellOnHost(lab, host, `echo '${addressOf('cp-0')} ${OTHER.replace(/:.*/, '')}' >>/etc/hosts`),
    ),
  );

test('a name that leads nowhere is refused before anything is made', async () => {
  wish(`endpoint: { address: '${OTHER}' }\n`);
  const refused = await landfall(place, 'apply', '--move-endpoint', OTHER, '--yes');
  expect(refused.status, said(refused)).toBe(1);
  expect(flat(refused.stderr)).toContain('the name of the endpoint leads nowhere on this host');
  expect(await named()).toEqual(all(KEPT));
});

test('another endpoint is refused without its name, and nothing is changed', async () => {
  await leads();
  const before = await Promise.all(HOSTS.map((host) => snapshot(lab, host)));
  for (const flags of [[], ['--move-endpoint', KEPT]]) {
    const refused = await landfall(place, 'apply', '--yes', ...flags);
    expect(refused.status, said(refused)).toBe(2);
    expect(flat(refused.stderr)).toContain(`landfall apply --move-endpoint ${OTHER} --yes`);
  }
  const after = await Promise.all(HOSTS.map((host) => snapshot(lab, host)));
  expect(HOSTS.map((_, i) => differences(before[i] ?? [], after[i] ?? []))).toEqual([[], []]);
});

test('a move that is cut short twice is brought to its end by the next apply, without another word', async () => {
  const killed = live(place, NAME, 'apply', '--yes', '--move-endpoint', OTHER);
  await killed.first((e) => e.is === 'step' && e.step === 'endpoint/kept' && e.state === 'made');
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect((await named())['worker-0']).toEqual([`https://${KEPT}`]);

  const cut = live(place, NAME, 'apply', '--yes', '--patience', '5');
  await cut.first(
    (e) => e.is === 'step' && e.step === 'endpoint/kubelet' && e.host === 'worker-0' && e.state !== 'right',
  );
  await breakLab(NAME, { is: 'power-loss', host: 'worker-0' });
  const ended = await cut.ended;
  expect(ended.status, said(ended)).not.toBe(0);
  await breakLab(NAME, { is: 'start', host: 'worker-0' });
  await wellAgain(lab, 'worker-0', 'true', 120_000);
  await moved('the rest of a move that was cut short');
  expect(await named()).toEqual(all(OTHER));
  for (const host of HOSTS)
    expect(
      await wellOnHost(lab, host, "grep -e '# kept by Landfall' -e ' api.test-endpoint' /etc/hosts || :"),
    ).toBe('');
});

test('another worker joins by what the cluster tells whoever joins', async () => {
  wish(`endpoint: { address: '${OTHER}' }\n`, ['worker-0', 'worker-1']);
  await moved('a worker more');
  expect((await named(['worker-1']))['worker-1']).toEqual([`https://${OTHER}`]);
});

test('and back again, to an address whose holder leads to all API servers', async () => {
  const balanced = KEPT.replace('6443', '8443');
  wish(`endpoint: { virtualIP: ${address}, balance: true }\n`, ['worker-0', 'worker-1']);
  await moved('to the balanced address', '--move-endpoint', balanced);
  expect(await named()).toEqual(all(balanced));
});
