import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/spec.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/run/event.ts';
import { historyFolder } from '../../src/run/history.ts';
import {
  cleared,
  type Desk,
  desk,
  type Ended,
  events,
  freshLab,
  landfall,
  nothingLeft,
  onHost,
  put,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { holds } from './held-lock.ts';
import { eventually, historyFiles, live, wellAgain } from './live.ts';
import { differences, LEFT, type Snapshot, snapshot } from './snapshot.ts';

/*
 * A control plane and its workers: they come up together, one more joins later, one join is cut short, and all of it goes
 * again. The tests run in this order, on one lab.
 */

const NAME = 'test-join';
const HOSTS = ['cp-0', 'worker-0', 'worker-1', 'worker-2'] as const;
const FIRST = HOSTS.slice(0, 3);

let lab: Lab;
let place: Desk;
let before: Readonly<Record<string, { readonly files: Snapshot; readonly left: string }>>;

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  describeCluster(FIRST);
  before = Object.fromEntries(await Promise.all(['cp-0', 'worker-0'].map(async (h) => [h, await seen(h)])));
});

afterAll(() => cleared(NAME, place));

/** What cluster.yaml says of some nodes beside who they are. */
const MORE: Readonly<Record<string, string>> = {
  'worker-0': ', labels: { disk: nvme }',
  'worker-2': ', taints: ["dedicated=trial:NoSchedule"]',
};

/** cluster.yaml with these hosts; the control plane takes no workloads. */
function describeCluster(hosts: readonly string[]): void {
  const nodes = lab.hosts
    .filter(({ name }) => hosts.includes(name))
    .map(
      ({ name, address }) =>
        `  - { name: ${name}, role: ${name === 'cp-0' ? 'control-plane' : 'worker'}, address: ${address}${MORE[name] ?? ''} }\n`,
    );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nnodes:\n${nodes.join('')}`,
  );
}

const seen = async (host: string) => ({
  files: await snapshot(lab, host, false),
  left: await wellOnHost(lab, host, LEFT),
});
const kube = (words: string): Promise<string> =>
  wellOnHost(lab, 'cp-0', `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);

async function planned(): Promise<Plan> {
  return JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
}

/** `host step` of what a plan says this of. */
const forecast = (plan: Plan, ...words: readonly Finding['forecast'][]): readonly string[] =>
  plan.hosts.flatMap(({ host, findings }) =>
    findings.filter((f) => words.includes(f.forecast)).map((f) => `${host} ${f.step}`),
  );

/** `host step` of what was made, without what only proves and what happens on this machine. */
const made = (told: readonly RunEvent[]): readonly string[] =>
  told.flatMap((e) =>
    e.is === 'step' && e.state === 'made' && !e.phase.startsWith('proof') && e.host !== 'here'
      ? [`${e.host} ${e.step}`]
      : [],
  );

/**
 * When the node's own programs started, and what its static pods are: what a restart would change. Controllers are not among them: those
 * whose lease runs out on a busy machine start themselves anew.
 */
const STARTS = `for name in kubelet crio kube-apiserver etcd; do
  for pid in $(pgrep -x "$name"); do echo "$name $pid $(cut -d ' ' -f 22 "/proc/$pid/stat")"; done
done
find /etc/kubernetes/manifests -type f -exec cksum {} + | sort`;
const starts = (hosts: readonly string[]): Promise<readonly string[]> =>
  Promise.all(hosts.map((host) => wellOnHost(lab, host, STARTS)));

const TOKEN = /token: "?([a-z0-9]{6}\.[a-z0-9]{16})/;

/** Keeps a copy of what kubeadm is told on a host, as soon as it is there: the only moment in which the token can be seen. */
function watchToken(host: string): { readonly token: () => Promise<string>; readonly end: () => void } {
  const child = spawn(
    'ssh',
    [
      '-F',
      lab.sshConfig,
      host,
      // Seen while it is written, it holds no token yet.
      `until cp /run/landfall/join.yaml /root/seen 2>/dev/null && grep -Eq '${TOKEN.source}' /root/seen; do sleep 0.02; done`,
    ],
    { stdio: 'ignore' },
  );
  return {
    token: async () => {
      const text = await wellOnHost(lab, host, 'stat -c %a /root/seen; cat /root/seen; rm /root/seen');
      expect(text.split('\n')[0]).toBe('600');
      const found = TOKEN.exec(text)?.[1];
      if (found === undefined) throw new Error('kubeadm was told no token');
      return found;
    },
    end: () => void child.kill(),
  };
}

/** A token is nowhere any more: not in the cluster, in what was told and written here, or on any host. */
async function expectGone(token: string, told: Ended): Promise<void> {
  const secret = token.split('.')[1] ?? '';
  const tokens = await kube(
    'get secrets -A --field-selector type=bootstrap.kubernetes.io/token -o "jsonpath={range .items[*]}{.data.token-secret} {end}"',
  );
  expect(Buffer.from(tokens, 'base64').toString()).not.toContain(secret);
  expect(tokens).not.toContain(Buffer.from(secret).toString('base64'));
  expect(told.stdout + told.stderr).not.toContain(secret);
  expect(
    historyFiles(place, NAME)
      .filter(({ text }) => text.includes(secret))
      .map(({ path }) => path),
  ).toEqual([]);
  for (const { name } of lab.hosts) {
    const found = await onHost(
      lab,
      name,
      `grep -rlsF ${secret} /etc /run/landfall* /root /tmp /var/lib/kubelet /var/lib/landfall /var/log --exclude-dir=journal
      journalctl -q --no-pager | grep -cF ${secret}`,
    );
    expect([name, found.stdout.trim()]).toEqual([name, '0']);
  }
}

test('a control plane and two workers come up from nothing by one apply, and what was made is what was planned', async () => {
  const plan = await planned();
  expect(forecast(plan, 'wrong')).toEqual([]);
  expect(forecast(plan, 'make')).toEqual(
    expect.arrayContaining(['cp-0 control-plane/init', 'worker-0 join/member', 'worker-1 join/member']),
  );
  const eye = watchToken('worker-1');
  const run = live(place, NAME, 'apply', '--yes', '--json');
  await run.first((e) => e.is === 'step' && e.step === 'proof/pod-to-pod');
  const places = await kube(
    '-n landfall-proof get pods -o "jsonpath={range .items[*]}{.spec.nodeName} {end}"',
  );
  const ended = await run.ended;
  eye.end();
  expect([ended.status, ended.stderr], said(ended)).toEqual([0, '']);
  // The proof went from node to node, and kept off the control plane.
  expect(places.trim().split(' ').toSorted()).toEqual(['worker-0', 'worker-1']);

  const told = events(ended);
  expect(forecast(plan, 'make').filter((one) => !made(told).includes(one))).toEqual([]);
  const promised = forecast(plan, 'make', 'unknown');
  expect(made(told).filter((one) => !promised.includes(one))).toEqual([]);
  expect(forecast(await planned(), 'make', 'unknown', 'wrong')).toEqual([]);
  await nothingLeft(place);

  expect(await kube('get nodes -l disk=nvme -o name')).toBe('node/worker-0\n');
  const fields = '{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.spec.taints[*].key}';
  const nodes = await kube(`get nodes -o 'jsonpath={range .items[*]}${fields}{"\\n"}{end}'`);
  expect(nodes.split('\n').map((line) => line.trim())).toEqual([
    'cp-0 True node-role.kubernetes.io/control-plane',
    'worker-0 True',
    'worker-1 True',
    '',
  ]);
  const dns = await kube(
    '-n kube-system get pods -l k8s-app=kube-dns -o "jsonpath={range .items[*]}{.spec.nodeName} {end}"',
  );
  expect(new Set(dns.trim().split(' ')).size).toBe(2);
  await expectGone(await eye.token(), ended);
});

describe('a worker that is added later', () => {
  /** The programs of all members so far. */
  let programs: readonly string[];

  test('whose join is killed in the middle leaves no token, and nothing of the others is touched', async () => {
    programs = await starts(FIRST);
    describeCluster(HOSTS);
    const eye = watchToken('worker-2');
    await wellOnHost(
      lab,
      'worker-2',
      `cat >/root/killer <<'END'
until [ -e /etc/kubernetes/bootstrap-kubelet.conf ]; do sleep 0.02; done
pkill -KILL -f 'kubeadm.* join --config'
END
systemd-run -q --unit=killer sh /root/killer`,
    );
    const ended = await landfall(place, 'apply', '--yes', '--json');
    eye.end();
    expect(ended.status, said(ended)).toBe(1);
    const problems = events(ended).flatMap((e) => (e.is === 'problem' ? [e.problem] : []));
    expect(problems.map(({ code, host }) => [code, host])).toEqual([['join/member', 'worker-2']]);
    expect(problems[0]?.try).toMatch(/\S/);
    const token = await eye.token();
    const secrets = await kube('-n kube-system get secrets -o name');
    expect(secrets).not.toContain(`bootstrap-token-${token.split('.')[0]}`);
    expect(await starts(FIRST)).toEqual(programs);
  });

  test('joins by the next apply, from where it was', async () => {
    const plan = await planned();
    const ended = await landfall(place, 'apply', '--yes', '--json');
    expect(ended.status, said(ended)).toBe(0);
    expect(forecast(plan, 'make').filter((one) => !made(events(ended)).includes(one))).toEqual([]);
    expect(made(events(ended))).toContain('worker-2 join/member');
    await nothingLeft(place);
    expect(await kube('get node worker-2 --no-headers')).toMatch(/ Ready /);
    expect(await kube('get node worker-2 -o "jsonpath={.spec.taints[*]}"')).toContain('"dedicated"');
    expect(
      (await onHost(lab, 'worker-2', 'ls /etc/kubernetes/bootstrap-kubelet.conf /run/landfall/join.yaml'))
        .status,
    ).not.toBe(0);
    expect(await starts(FIRST)).toEqual(programs);
  });
});

test('what a hand breaks about the members is found, and made right', async () => {
  await wellOnHost(
    lab,
    'cp-0',
    `kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --description 'landfall: one join' >/dev/null
    kubectl --kubeconfig /etc/kubernetes/admin.conf delete node worker-0`,
  );
  await wellOnHost(
    lab,
    'worker-1',
    'systemctl stop kubelet; echo token >/etc/kubernetes/bootstrap-kubelet.conf',
  );
  await wellOnHost(
    lab,
    'worker-2',
    'rm /etc/cni/net.d/10-flannel.conflist /etc/kubernetes/landfall/initialised',
  );
  const plan = await planned();
  expect(forecast(plan, 'make', 'wrong')).toEqual([
    'cp-0 join/ticket',
    'cp-0 join/no-tokens',
    'worker-0 join/node',
    'worker-1 join/member',
    'worker-2 join/member',
  ]);
  expect(forecast(plan, 'unknown')).toEqual(
    expect.arrayContaining(['cp-0 network/nodes-ready', 'worker-1 join/node', 'worker-2 join/conflist']),
  );
  const ended = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  expect(ended.status, said(ended)).toBe(0);
  // A node that was deleted comes back without what others have said of it.
  for (const one of [...forecast(plan, 'make'), 'worker-2 join/conflist', 'cp-0 workloads/labels'])
    expect(made(events(ended))).toContain(one);
  await nothingLeft(place);
  await eventually('worker-0 to be back', async () =>
    / Ready /.test(await kube('get node worker-0 --no-headers')) ? true : undefined,
  );
});

test('a worker that does not answer is named and left out', async () => {
  const script = 'systemctl stop ssh.service ssh.socket 2>/dev/null; sleep 20; systemctl start ssh.service';
  await wellOnHost(lab, 'worker-1', `systemd-run -q --unit=silence sh -c '${script}'`);
  await eventually('sshd to be gone', async () =>
    (await onHost(lab, 'worker-1', 'true')).status === 0 ? undefined : true,
  );
  const ended = await landfall(place, 'plan');
  expect(ended.status, said(ended)).toBe(4);
  expect(ended.stdout).toMatch(/Left out: 1 host[^]*worker-1/);
  await wellAgain(lab, 'worker-1');
});

test('a worker that is lost in the middle of a phase is told of when the others have come to its end', async () => {
  const workers = ['worker-0', 'worker-1'];
  for (const host of workers)
    await wellOnHost(
      lab,
      host,
      `apt-get -q -y --allow-change-held-packages purge kubectl >/dev/null; ${holds('an-installer', '/var/lib/dpkg/lock-frontend')}`,
    );
  const run = live(place, NAME, 'apply', '--yes', '--json', '--no-proof', '--patience', '5');
  for (const host of workers)
    expect(
      await run.first((e) => e.is === 'output' && e.host === host && /which holds/.test(e.text)),
    ).toBeDefined();
  const silence =
    'sleep 1; systemctl stop ssh.service ssh.socket; pkill -KILL -x sshd; sleep 30; systemctl start ssh.service';
  await wellOnHost(lab, 'worker-1', `systemd-run -q --unit=silence sh -c '${silence}'`);
  const givenUp = (e: RunEvent): boolean =>
    e.is === 'notice' && e.code === 'run/given-up' && e.host === 'worker-1';
  expect(await run.first(givenUp)).toBeDefined();
  await wellOnHost(lab, 'worker-0', 'systemctl stop an-installer');
  const ended = await run.ended;
  expect(ended.status, said(ended)).toBe(4);
  const told = events(ended);
  expect(told.flatMap((e) => (e.is === 'problem' ? [[e.problem.code, e.problem.host]] : []))).toEqual([
    ['run/away', 'worker-1'],
  ]);
  expect(made(told)).toContain('worker-0 packages/installed');
  const last = told.findLast((e) => e.is === 'phase-end');
  expect([last?.phase, (last?.left ?? 0) > 0, told.at(-1)?.is]).toEqual(['packages', true, 'end']);

  await wellAgain(lab, 'worker-1', 'systemctl stop an-installer');
  const next = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  expect(next.status, said(next)).toBe(0);
  await nothingLeft(place);
});

test('reset takes the workers off before what they joined, and leaves their hosts clean', async () => {
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes', '--json');
  expect(ended.status, said(ended)).toBe(0);
  const phases = events(ended).flatMap((e) => (e.is === 'phase' ? [[e.phase, e.hosts.join(' ')]] : []));
  expect(phases).toEqual([
    ['reset-workers', 'worker-0 worker-1 worker-2'],
    ['reset', 'cp-0'],
  ]);
  for (const [host, was] of Object.entries(before)) {
    const now = await seen(host);
    expect([host, differences(was.files, now.files)]).toEqual([host, []]);
    expect([host, now.left]).toEqual([host, was.left]);
  }
});
