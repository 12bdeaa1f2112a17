import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import { namespacePath, namesOf } from '../../src/lab/names.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import { historyFolder } from '../../src/run/history.ts';
import {
  cleared,
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
import { holders } from './holders.ts';
import { eventually } from './live.ts';
import { LEFT } from './snapshot.ts';

/*
 * Three control planes with HAProxy behind the address between them: all three API servers answer those who ask there, one that
 * cannot is left out, and what somebody has broken of it is found and mended. The tests run in this order, on one lab.
 */

const NAME = 'test-balance';
const HOSTS = ['cp-0', 'cp-1', 'cp-2'] as const;
const PORT = 8443;
/** For nsenter: where the operator is. */
const OPERATOR = `--net=${namespacePath(namesOf(NAME).operator)}`;

let lab: Lab;
let place: Desk;
let address: string;
let left: Readonly<Record<string, string>>;
let asking: Asking | undefined;

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  address = `${lab.hosts[0]?.address.replace(/\.\d+$/, '')}.200`;
  const nodes = lab.hosts.map(
    (host) => `  - { name: ${host.name}, role: control-plane, address: ${host.address}, workloads: true }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: { virtualIP: ${address}, balance: true }\nnodes:\n${nodes.join('')}`,
  );
  left = await remains();
});

afterAll(async () => {
  await asking?.stop();
  await cleared(NAME, place);
});

/** What is there of HAProxy: its package, its files, its processes, whoever listens on its port. */
const BALANCER = `
dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' haproxy 2>/dev/null || :
ls -d /etc/haproxy /var/lib/haproxy /run/haproxy* /etc/default/haproxy /etc/systemd/system/haproxy.service.d /etc/systemd/system/multi-user.target.wants/haproxy.service 2>/dev/null || :
pgrep -a haproxy || :
ss -Hltn 'sport = :${PORT}'`;
const remains = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await Promise.all(
      HOSTS.map(async (host) => [host, await wellOnHost(lab, host, `${LEFT}\n${BALANCER}`)] as const),
    ),
  );
const forecast = async (): Promise<readonly string[]> => {
  const plan = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
  const open: readonly Finding['forecast'][] = ['make', 'unknown', 'wrong'];
  return plan.hosts.flatMap(({ host, findings }) =>
    findings.filter((f) => open.includes(f.forecast)).map((f) => `${host} ${f.step}`),
  );
};
const emptyPlan = (): Promise<true> =>
  eventually(
    'an empty plan',
    async () => ((await forecast()).length === 0 ? (true as const) : undefined),
    180_000,
  );
const mended = async (): Promise<void> => {
  const ended = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  expect(ended.status, said(ended)).toBe(0);
  expect(await forecast()).toEqual([]);
};
/** The hosts that have the address now, of those that are up. */
const holding = (hosts: readonly string[] = HOSTS): Promise<readonly string[]> =>
  holders(lab, address, hosts);
const anotherThan = (host: string): Promise<string> =>
  eventually(
    'another holder',
    async () => {
      const now = await holding(HOSTS.filter((one) => one !== host));
      return now.length === 1 ? now[0] : undefined;
    },
    60_000,
  );

/** A request through the address: when it began, what it was answered (000: not within two seconds), and by whose certificate. */
interface Request {
  readonly at: number;
  readonly status: string;
  readonly by: string;
}

/** One who reads an object through the address from outside, ten times a second, each time by a new connection. */
interface Asking {
  readonly requests: () => readonly Request[];
  readonly stop: () => Promise<void>;
}

function ask(token: string): Asking {
  const script = `
    i=0
    while [ "$i" -lt 6000 ]; do
      i=$((i + 1)); at=$(date +%s%3N)
      answer=$(curl -sk -m 2 -o /dev/null -w '%{http_code}\\n%{certs}' -H "Authorization: Bearer $TOKEN" https://${address}:${PORT}/api/v1/namespaces/default)
      echo "$at \${answer%%[!0-9]*} $(printf %s "$answer" | grep -m 1 -o 'DNS:cp-[0-9]')"
      sleep 0.1
    done`;
  const child = spawn('nsenter', [OPERATOR, 'bash', '-c', script], {
    env: { PATH: process.env['PATH'] ?? '', TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const closed = new Promise<void>((done) => child.on('close', () => done()));
  return {
    requests: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' '))
        .map(([at, status = '', by = '']) => ({ at: Number(at), status, by: by.replace('DNS:', '') })),
    async stop() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGTERM');
      await closed;
    },
  };
}

const own = (): Asking => {
  if (asking === undefined) throw new Error('nobody asks yet');
  return asking;
};
const failed = (requests: readonly Request[]): readonly Request[] =>
  requests.filter(({ status }) => status !== '200');
/** The next so many requests. */
async function next(count: number): Promise<readonly Request[]> {
  const from = own().requests().length;
  return eventually(
    `${count} requests`,
    () => {
      const since = own().requests().slice(from);
      return since.length >= count ? since : undefined;
    },
    count * 2000,
  );
}
/**
 * Works while so many hold a connection to the endpoint that all API servers have as many. Whoever comes is led to the one that has the
 * fewest, and nodes hold theirs for as long as they live: without a crowd all who come and go may be led to the same one.
 */
async function crowded<T>(work: () => Promise<T>): Promise<T> {
  const script = `use IO::Socket::INET;
my @held = map { IO::Socket::INET->new(PeerAddr => '${address}', PeerPort => ${PORT}, Timeout => 5) or die $! } 1 .. 120;
$| = 1; print "held\n"; <STDIN>;`;
  const child = spawn('nsenter', [OPERATOR, 'perl', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = new Promise<void>((done) => child.on('close', () => done()));
  try {
    await new Promise((held) => child.stdout.once('data', held).once('close', held));
    return await work();
  } finally {
    child.stdin.end();
    await closed;
  }
}
/** How many requests each API server has answered. */
const shares = (requests: readonly Request[]): Readonly<Record<string, number>> =>
  Object.fromEntries(HOSTS.map((host) => [host, requests.filter(({ by }) => by === host).length]));
/**
 * Requests from a moment on until thirty in a row that began after this was called went well: what was done since that moment has had its
 * effect. Gives how many failed, and how long after it the first one began after which none failed.
 */
async function until(from: number): Promise<{ readonly failures: number; readonly ms: number }> {
  const done = Date.now();
  return eventually(
    'thirty good requests in a row',
    () => {
      const since = own()
        .requests()
        .filter(({ at }) => at >= from);
      const last = since.findLastIndex(({ status }) => status !== '200');
      const good = since.slice(last + 1);
      const [first] = good;
      return first === undefined || good.filter(({ at }) => at >= done).length < 30
        ? undefined
        : { failures: failed(since).length, ms: last < 0 ? 0 : first.at - from };
    },
    120_000,
  );
}

test('somebody else’s HAProxy on a host is told before anything is made', async () => {
  await wellOnHost(
    lab,
    'cp-2',
    `apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install haproxy
printf 'defaults\\n  timeout connect 1s\\n  timeout client 1s\\n  timeout server 1s\\nlisten mine\\n  bind *:${PORT}\\n' >/etc/haproxy/haproxy.cfg
systemctl restart haproxy`,
  );
  const plan = JSON.parse((await landfall(place, 'plan', '--json')).stdout) as Plan;
  const found = plan.hosts.flatMap(({ host, findings }) =>
    findings.filter(({ forecast }) => forecast === 'wrong').map(({ step }) => `${host} ${step}`),
  );
  expect(found).toEqual(['cp-2 preflight/haproxy']);
  const ended = await landfall(place, 'apply', '--yes');
  expect(ended.status, said(ended)).toBe(1);
  const text = ended.stderr.replaceAll(/\s+/g, ' ');
  expect(text).toContain('preflight/haproxy');
  expect(text).toContain('used for something else');
  expect(text).toContain('take another host; or, when that file is needed no more, move it away');
  expect(await onHost(lab, 'cp-2', 'cat /etc/haproxy/haproxy.cfg').then(({ stdout }) => stdout)).toContain(
    'listen mine',
  );
  // Nothing was made, on the others neither.
  expect(await wellOnHost(lab, 'cp-0', `${LEFT}\n${BALANCER}`)).toBe(left['cp-0']);
  await wellOnHost(
    lab,
    'cp-2',
    'apt-get -q -y purge haproxy && apt-get -q -y autoremove --purge && rm -rf /etc/haproxy /var/lib/haproxy',
  );
});

test('three control planes come up by one apply, and all three API servers answer behind the address', async () => {
  const ended = await landfall(place, 'apply', '--yes', '--json');
  expect([ended.status, ended.stderr], said(ended)).toEqual([0, '']);
  console.info(`made in ${Math.round(ended.ms / 1000)} s`);
  expect(await holding()).toEqual(['cp-0']);
  expect(await forecast()).toEqual([]);
  const kube = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
  const token = await wellOnHost(
    lab,
    'cp-1',
    `${kube} create clusterrolebinding asking --clusterrole=view --serviceaccount=default:default >/dev/null
${kube} create clusterrole namespaces --verb=get --resource=namespaces >/dev/null
${kube} create clusterrolebinding namespaces --clusterrole=namespaces --serviceaccount=default:default >/dev/null
${kube} -n default create token default --duration=2h`,
  );
  asking = ask(token.trim());
  const answers = await crowded(() => next(60));
  console.info(`of ${answers.length} requests: ${JSON.stringify(shares(answers))}`);
  expect(failed(answers)).toEqual([]);
  for (const host of HOSTS) expect(shares(answers)[host]).toBeGreaterThanOrEqual(10);
  // Nodes keep to the endpoint, so to its port.
  expect(await wellOnHost(lab, 'cp-1', 'grep server: /etc/kubernetes/admin.conf')).toContain(`:${PORT}`);
});

test('its holder loses power: the API is back within five seconds, and no request is led to the dead', async () => {
  await wellOnHost(lab, 'cp-0', 'sync');
  const from = Date.now();
  await breakLab(NAME, { is: 'power-loss', host: 'cp-0' });
  const { failures, ms } = await until(from);
  const answers = await next(30);
  console.info(
    `holder lost: ${failures} failed, good again after ${ms} ms; ${JSON.stringify(shares(answers))}`,
  );
  expect(shares(answers)['cp-0']).toBe(0);
  expect(ms).toBeLessThanOrEqual(5000);

  await breakLab(NAME, { is: 'start', host: 'cp-0' });
  await eventually(
    'all three to answer',
    async () =>
      Object.values(shares(await crowded(() => next(30)))).every((count) => count > 0) ? true : undefined,
    180_000,
  );
  const [holder] = await holding();
  expect(holder).not.toBe('cp-0');
  await emptyPlan();
});

test('an API server stops: it is left out, and taken in again', async () => {
  const [holder = ''] = await holding();
  const stopped = HOSTS.find((host) => host !== holder) ?? '';
  const from = Date.now();
  await wellOnHost(lab, stopped, 'mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/');
  await eventually(
    'it to answer no more',
    async () => {
      const answers = await next(15);
      return shares(answers)[stopped] === 0 && failed(answers).length === 0 ? true : undefined;
    },
    60_000,
  );
  const answers = await next(60);
  const until = own()
    .requests()
    .filter(({ at }) => at >= from);
  console.info(
    `${stopped} stopped: ${failed(until).length} failed in all; then ${JSON.stringify(shares(answers))}`,
  );
  expect(failed(answers)).toEqual([]);
  expect(shares(answers)[stopped]).toBe(0);
  // Whoever holds the address is well, and keeps it.
  expect(await holding()).toEqual([holder]);
  await wellOnHost(lab, stopped, 'mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/');
  await eventually(
    'it to answer again',
    async () => ((shares(await next(30))[stopped] ?? 0) > 0 ? true : undefined),
    180_000,
  );
  await emptyPlan();
});

test('HAProxy of the holder is killed: it comes again by itself', async () => {
  const [holder = ''] = await holding();
  const pid = async (): Promise<string> =>
    (await wellOnHost(lab, holder, 'systemctl show -p MainPID --value haproxy')).trim();
  const killed = await pid();
  const from = Date.now();
  await wellOnHost(lab, holder, `kill -KILL ${killed}`);
  const { failures, ms } = await until(from);
  console.info(`HAProxy killed: ${failures} failed, good again after ${ms} ms`);
  expect(ms).toBeLessThanOrEqual(5000);
  await eventually(
    'another one to run',
    async () => (['0', killed].includes(await pid()) ? undefined : true),
    15_000,
  );
  expect(await holding()).toHaveLength(1);
  expect(await forecast()).toEqual([]);
});

test('HAProxy of the holder is stopped: the address moves, the plan says so, and apply mends it', async () => {
  const [holder = ''] = await holding();
  const from = Date.now();
  await wellOnHost(lab, holder, 'systemctl stop haproxy');
  const to = await anotherThan(holder);
  const { failures, ms } = await until(from);
  console.info(`HAProxy stopped on ${holder}: ${to} holds; ${failures} failed, good again after ${ms} ms`);
  expect(ms).toBeLessThanOrEqual(10_000);
  expect(await forecast()).toEqual(
    ['balancing', 'running', 'held'].map((what) => `${holder} endpoint/${what}`),
  );
  await mended();
});

test.each([
  [
    'told otherwise',
    "sed -i 's/balance leastconn/balance first/' /etc/haproxy/haproxy.cfg",
    'endpoint/servers',
  ],
  ['given nonsense', 'echo nonsense >>/etc/haproxy/haproxy.cfg', 'endpoint/servers'],
  ['left to die', 'rm /etc/systemd/system/haproxy.service.d/landfall.conf', 'endpoint/balancer-restart'],
  ['turned off', 'systemctl disable -q haproxy', 'endpoint/balancing'],
  ['masked', 'systemctl mask -q --now haproxy', 'endpoint/balancing'],
  ['removed', 'apt-get -q -y remove haproxy >/dev/null', 'endpoint/haproxy'],
])(
  'HAProxy of the holder is %s: the plan says so, apply mends it, and nobody notices that',
  async (_, by, step) => {
    const [holder = ''] = await holding();
    await wellOnHost(lab, holder, by);
    expect(await forecast()).toContain(`${holder} ${step}`);
    await eventually(
      'one holder, whoever it is',
      async () => ((await holding()).length === 1 ? true : undefined),
      60_000,
    );
    await eventually(
      'requests to go well',
      async () => (failed(await next(30)).length === 0 ? true : undefined),
      60_000,
    );
    const before = own().requests().length;
    await mended();
    const during = own().requests().slice(before);
    console.info(`${step}: ${during.length} requests while it was mended, ${failed(during).length} failed`);
    expect(failed(during)).toEqual([]);
    expect(await holding()).toHaveLength(1);
  },
);

test('reset leaves nothing of it', async () => {
  await asking?.stop();
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect(ended.status, said(ended)).toBe(0);
  expect(await holding()).toEqual([]);
  expect(await remains()).toEqual(left);
});
