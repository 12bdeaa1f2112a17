import { execFile, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromOutside } from '../../src/lab/host.ts';
import { namespacePath, namesOf, portOf } from '../../src/lab/names.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { StatusDocument } from '../../src/report/status.ts';
import { historyFolder } from '../../src/run/history.ts';
import {
  cleared,
  type Desk,
  desk,
  type Ended,
  events,
  freshLab,
  landfall,
  onHost,
  openSteps,
  put,
  rulesOf,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually, live } from './live.ts';
import { differences, LEFT, type Snapshot, snapshot } from './snapshot.ts';

/*
 * A control plane and a worker get a firewall: it writes down, then it drops; it is scanned from outside and from the peer, broken by
 * hand, and made to lock everybody out. The tests run in this order, on one lab.
 */

const NAME = 'test-firewall';
const HOSTS = ['cp-0', 'worker-0'] as const;
/** What listens on a node of a cluster beyond the loopback, and a few ports more. */
const PORTS = [22, 80, 111, 2379, 2380, 6443, 9100, 10248, 10249, 10250, 10256, 10257, 10259, 30080];

let lab: Lab;
let place: Desk;
let before: Readonly<Record<string, { readonly files: Snapshot; readonly left: string }>>;

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  wish('');
  before = Object.fromEntries(
    await Promise.all(
      HOSTS.map(async (host) => {
        const files = await snapshot(lab, host, false);
        return [host, { files, left: await wellOnHost(lab, host, LEFT) }] as const;
      }),
    ),
  );
});

afterAll(() => cleared(NAME, place));

/** cluster.yaml with this section. */
function wish(firewall: string): void {
  const nodes = lab.hosts.map(
    ({ name, address }) =>
      `  - { name: ${name}, role: ${name === 'cp-0' ? 'control-plane' : 'worker'}, address: ${address} }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\n${firewall}nodes:\n${nodes.join('')}`,
  );
}

const address = (host: string): string => lab.hosts.find(({ name }) => name === host)?.address ?? '';
const applied = async (): Promise<Ended> => {
  const ended = await landfall(place, 'apply', '--yes', '--json');
  expect(ended.status, said(ended)).toBe(0);
  return ended;
};
const made = (ended: Ended): readonly string[] =>
  events(ended).flatMap((e) => (e.is === 'step' && e.state === 'made' ? [`${e.host} ${e.step}`] : []));

const SCAN = `for port in ${PORTS.join(' ')}; do
  (
    said=$(timeout 2 bash -c ': </dev/tcp/$0/$1' "$0" "$port" 2>&1)
    case $?,$said in 0,*) echo "$port open" ;; *refused*) echo "$port refused" ;; esac
  ) &
done
wait`;
const answers = (text: string, word: string): readonly number[] =>
  text
    .split('\n')
    .filter((line) => line.endsWith(` ${word}`))
    .map((line) => Number.parseInt(line, 10))
    .sort((a, b) => a - b);
/** What a host answers: to whoever is outside of the cluster, and to a peer. */
async function outside(host: string): Promise<string> {
  const [program = '', ...args] = fromOutside(lab, ['bash', '-c', SCAN, address(host)]);
  return (await promisify(execFile)(program, args)).stdout;
}
const fromPeer = async (peer: string, host: string): Promise<string> =>
  wellOnHost(lab, peer, `bash -c ${"'"}${SCAN.replaceAll("'", `'\\''`)}${"'"} ${address(host)}`);

const comesIn = async (host: string): Promise<boolean> => {
  const [program = '', ...args] = fromOutside(lab, [
    'timeout',
    '3',
    'bash',
    '-c',
    'read -r line </dev/tcp/$0/22; case $line in SSH-*) exit 0 ;; esac; exit 1',
    address(host),
  ]);
  return promisify(execFile)(program, args).then(
    () => true,
    () => false,
  );
};

/** Drops on a host what comes from another for these words of nft, as a firewall on the way would; nothing any more without any. */
function drop(host: string, from: string, ...words: readonly string[]): void {
  const rules = words.map((one) => `ip saddr ${address(from)} ${one} drop\n`).join('');
  const chain = `type filter hook input priority -10; policy accept;\n${rules}`;
  execFileSync('nsenter', [`--net=${namespacePath(namesOf(NAME).host(host))}`, 'nft', '-f', '-'], {
    input: `table inet hand\ndelete table inet hand\n${words.length === 0 ? '' : `table inet hand {\nchain in {\n${chain}}\n}\n`}`,
  });
}
/** What carries a host's packets in the middle of the way takes so many bytes. */
const middle = (host: string, bytes: number): Promise<unknown> =>
  promisify(execFile)('ip', [
    '-n',
    namesOf(NAME).bridge,
    'link',
    'set',
    portOf(address(host)),
    'mtu',
    `${bytes}`,
  ]);
/** What the hosts read of the ways between them, before there is a cluster. */
async function ways(): Promise<readonly string[]> {
  const ended = await landfall(place, 'plan', '--only', 'preflight/pairs', '--json');
  const { hosts } = JSON.parse(ended.stdout) as Plan;
  return hosts.map(
    ({ host, findings }) =>
      `${host}: ${findings.map(({ reading }) => reading.replaceAll('\n', ', ')).join()}`,
  );
}

test('what is lost between hosts is named before anything is made', async () => {
  expect(await ways()).toEqual(['cp-0: all reached', 'worker-0: all reached']);
  drop('worker-0', 'cp-0', 'tcp dport 10250', 'udp dport 8472');
  await middle('worker-0', 1400);
  expect(await ways()).toEqual([
    'cp-0: worker-0 size 1500 lost, worker-0 tcp 10250 silent, worker-0 udp 8472 silent',
    'worker-0: cp-0 size 1500 lost',
  ]);
  expect((await landfall(place, 'plan')).stdout).toMatch(/preflight\/pairs[^]*worker-0 tcp 10250 silent/);
  drop('worker-0', 'cp-0');
  await middle('worker-0', 1500);
  expect(await ways()).toEqual(['cp-0: all reached', 'worker-0: all reached']);
});

test('without a word of it there is none', async () => {
  await applied();
  for (const host of HOSTS) expect(await wellOnHost(lab, host, 'nft list tables')).not.toContain('landfall');
  expect(answers(await outside('cp-0'), 'open')).toEqual([22, 2379, 2380, 6443, 10250, 10256]);
  expect(answers(await outside('worker-0'), 'open')).toEqual([22, 10250, 10256]);
});

test('audit drops nothing, and writes down who would have been kept out', async () => {
  wish('firewall: { mode: audit }\n');
  const steps = ['rules', 'unit', 'settled'].map((step) => `firewall/${step}`);
  // And the cluster is told what it is run by now.
  const [onPlane, onWorker] = [[...steps, 'record/applied'], steps];
  expect(await openSteps(place)).toEqual([
    ...onPlane.map((step) => `cp-0 ${step}`),
    ...onWorker.map((step) => `worker-0 ${step}`),
  ]);
  const ended = await applied();
  expect(made(ended)).toEqual(
    expect.arrayContaining(['cp-0 firewall/rules', 'here firewall/answers', 'worker-0 firewall/settled']),
  );
  expect(await openSteps(place)).toEqual([]);
  expect(answers(await outside('cp-0'), 'open')).toEqual([22, 2379, 2380, 6443, 10250, 10256]);
  const status = JSON.parse((await well(place, 'status', '--json')).stdout) as StatusDocument;
  const ports = (status.strangers ?? []).filter(({ host }) => host === 'cp-0').map(({ port }) => port);
  expect(ports).toEqual(expect.arrayContaining([2379, 10250, 10256]));
  for (const port of [22, 6443, 30080]) expect(ports).not.toContain(port);
  expect((await well(place, 'status')).stdout).toMatch(/Would have been kept out[^]*cp-0 .*tcp 10250/);
});

test('enforce leaves open what is wanted, from outside and from the peer, and the cluster works', async () => {
  wish('firewall:\n  mode: enforce\n  allow:\n    - { port: 9100, from: [nodes] }\n');
  await applied();
  expect(await openSteps(place)).toEqual([]);
  const NODE_PORT = [30080];
  expect(answers(await outside('cp-0'), 'open')).toEqual([22, 6443]);
  expect(answers(await outside('cp-0'), 'refused')).toEqual(NODE_PORT);
  expect(answers(await outside('worker-0'), 'open')).toEqual([22]);
  expect(answers(await outside('worker-0'), 'refused')).toEqual(NODE_PORT);
  const toPlane = await fromPeer('worker-0', 'cp-0');
  expect([answers(toPlane, 'open'), answers(toPlane, 'refused')]).toEqual([
    [22, 6443, 10250],
    [9100, 30080],
  ]);
  const toWorker = await fromPeer('cp-0', 'worker-0');
  expect([answers(toWorker, 'open'), answers(toWorker, 'refused')]).toEqual([
    [22, 10250],
    [9100, 30080],
  ]);
  // Names, a Service, pod to pod, a NodePort from outside.
  const proven = await landfall(place, 'status', '--prove');
  expect(proven.status, said(proven)).toBe(0);
});

test('status --pairs shows that nodes reach each other under the rules, and what somebody drops between them', async () => {
  const good = await well(place, 'status', '--pairs');
  expect(good.stdout).toMatch(/cp-0 +asked 1 node +1 of 1 port reached +1500 bytes pass to 1 of 1/);
  expect(good.stdout).not.toMatch(/ to (cp|worker)-0: /);
  drop('worker-0', 'cp-0', 'tcp dport 10250');
  const bad = await well(place, 'status', '--pairs');
  expect(bad.stdout).toMatch(/cp-0 to worker-0: tcp port 10250 is silent\n +why: .*\n +try: /);
  drop('worker-0', 'cp-0');
});

test('rules that a hand has taken out are found and put back, and the rest of the kernel’s is left alone', async () => {
  const others =
    'nft -s list ruleset | awk "/^table/ { own = /inet landfall/ } !own" | grep -v -e "counter packets" -e "^#" | sha256sum';
  const was = await wellOnHost(lab, 'cp-0', others);
  await wellOnHost(
    lab,
    'cp-0',
    `handle=$(nft -a list chain inet landfall input | sed -n 's/.*DHCPv6.*handle //p')
    nft delete rule inet landfall input handle $handle
    nft insert rule inet landfall input tcp dport 8080 accept
    nft add element inet landfall planes { 192.0.2.7 }`,
  );
  await wellOnHost(lab, 'worker-0', 'systemctl stop landfall-firewall');
  expect(await openSteps(place)).toEqual([
    'cp-0 firewall/rules',
    'cp-0 firewall/settled',
    'worker-0 firewall/rules',
    'worker-0 firewall/settled',
  ]);
  const shown = (await landfall(place, 'plan', '--full')).stdout;
  for (const one of [/DHCPv6/, /tcp dport 8080 accept/, /192\.0\.2\.7/]) expect(shown).toMatch(one);
  await applied();
  expect(await openSteps(place)).toEqual([]);
  expect(await wellOnHost(lab, 'cp-0', others)).toBe(was);
});

test('a reboot brings them back before anybody can be served', async () => {
  await reboot(NAME, 'worker-0');
  expect(await wellOnHost(lab, 'worker-0', 'nft list chain inet landfall input')).toContain(
    'kubelet, from nodes',
  );
  await eventually('the worker to be as it was', async () =>
    (await openSteps(place)).length === 0 ? true : undefined,
  );
  expect(answers(await outside('worker-0'), 'open')).toEqual([22]);
});

test('an apply that is killed after the rules are loaded locks nobody out, and the next one ends it', async () => {
  wish('firewall: { mode: enforce }\n');
  const run = live(place, NAME, 'apply', '--yes', '--json');
  await run.first((e) => e.is === 'step' && e.step === 'firewall/rules' && e.state === 'made');
  run.child.kill('SIGKILL');
  await run.ended;
  expect(await comesIn('cp-0')).toBe(true);
  await applied();
  expect(await openSteps(place)).toEqual([]);
  for (const host of HOSTS)
    expect((await onHost(lab, host, 'systemctl is-active landfall-firewall-back.timer')).stdout).toBe(
      'inactive\n',
    );
});

test('rules that would lock everybody out are taken back by the hosts themselves', async () => {
  wish('firewall: { mode: enforce, admins: [192.0.2.0/24] }\n');
  const ended = await landfall(place, 'apply', '--yes', '--json');
  expect(ended.status, said(ended)).toBe(1);
  const problems = events(ended).flatMap((e) => (e.is === 'problem' ? [e.problem] : []));
  expect(problems.map(({ code, host }) => [code, host])).toEqual([['firewall/answers', 'here']]);
  expect(await comesIn('cp-0')).toBe(false);
  await eventually(
    'the host to be reached again',
    async () => ((await comesIn('cp-0')) ? true : undefined),
    240_000,
  );
  expect(await wellOnHost(lab, 'cp-0', 'cat /etc/landfall/firewall.nft; nft list ruleset')).not.toContain(
    '192.0.2.0',
  );
  wish('firewall: { mode: enforce }\n');
  await eventually('the worker to have taken them back, too', async () =>
    (await comesIn('worker-0')) ? true : undefined,
  );
  expect(await openSteps(place)).toEqual([]);
});

test('no firewall takes it away; and a reset leaves nothing of it', async () => {
  wish('');
  expect(await openSteps(place)).toEqual([
    'cp-0 firewall/none',
    'cp-0 record/applied',
    'worker-0 firewall/none',
  ]);
  await applied();
  expect(await wellOnHost(lab, 'cp-0', 'nft list tables; ls /etc/landfall 2>&1 || true')).not.toMatch(
    /landfall$/m,
  );
  wish('firewall: { mode: enforce }\n');
  await applied();
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes', '--json');
  expect(ended.status, said(ended)).toBe(0);
  for (const [host, was] of Object.entries(before)) {
    const files = await snapshot(lab, host, false);
    expect([host, differences(was.files, files)]).toEqual([host, []]);
    expect([host, await wellOnHost(lab, host, LEFT)]).toEqual([host, was.left]);
    const rules = await rulesOf(NAME, host);
    expect(rules, `${host}: ${rules}`).not.toContain('table inet landfall');
  }
});
