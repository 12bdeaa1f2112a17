import { type ChildProcess, spawn } from 'node:child_process';
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
 * Three control planes with an address between them: it moves when its holder dies, what was acknowledged is kept, and a
 * keepalived that somebody has broken is found and mended.
 */

const NAME = 'test-virtual-ip';
const HOSTS = ['cp-0', 'cp-1', 'cp-2'] as const;

let lab: Lab;
let place: Desk;
let address: string;
let left: Readonly<Record<string, string>>;
let writing: Writer | undefined;

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
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: { virtualIP: ${address} }\nnodes:\n${nodes.join('')}`,
  );
  left = await remains();
});

afterAll(async () => {
  await writing?.stop();
  await cleared(NAME, place);
});

const remains = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await Promise.all(HOSTS.map(async (host) => [host, await wellOnHost(lab, host, LEFT)] as const)),
  );
const forecast = async (): Promise<readonly string[]> => {
  const plan = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
  const open: readonly Finding['forecast'][] = ['make', 'unknown', 'wrong'];
  return plan.hosts.flatMap(({ host, findings }) =>
    findings.filter((f) => open.includes(f.forecast)).map((f) => `${host} ${f.step}`),
  );
};
/** The hosts that have the address now, of those that are up. */
const holding = (hosts: readonly string[] = HOSTS): Promise<readonly string[]> =>
  holders(lab, address, hosts);
const kube = (host: string, words: string): Promise<string> =>
  wellOnHost(lab, host, `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);

/** One who writes through the address from outside, ten times a second, each request a new connection that is given a second. */
interface Writer {
  /** `MILLISECONDS NUMBER STATUS`, a line each request: when it began, and 201 where it was acknowledged. */
  readonly lines: () => readonly (readonly [at: number, number: number, status: string])[];
  readonly stop: () => Promise<void>;
}

function writer(token: string): Writer {
  const script = `
    i=0
    while [ "$i" -lt 3000 ]; do
      i=$((i + 1)); at=$(date +%s%3N)
      status=$(curl -sk -m 1 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" \\
        -d "{\\"apiVersion\\":\\"v1\\",\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"write-$i\\"}}" "https://${address}:6443/api/v1/namespaces/default/configmaps")
      echo "$at $i $status"
      sleep 0.1
    done`;
  const child: ChildProcess = spawn(
    'nsenter',
    [`--net=${namespacePath(namesOf(NAME).operator)}`, 'bash', '-c', script],
    {
      env: { PATH: process.env['PATH'] ?? '', TOKEN: token },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    },
  );
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const closed = new Promise<void>((done) => child.on('close', () => done()));
  return {
    lines: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' '))
        .map(([at, number, status]) => [Number(at), Number(number), status ?? ''] as const),
    async stop() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGTERM');
      await closed;
    },
  };
}

/** Milliseconds from a moment to the first write after a failed one that was acknowledged; undefined while there is none. */
function outage(lines: ReturnType<Writer['lines']>, from: number): number | undefined {
  const failed = lines.findIndex(([at, , status]) => at >= from - 1000 && status !== '201');
  const back = failed < 0 ? undefined : lines.slice(failed).find(([, , status]) => status === '201');
  return back === undefined ? undefined : back[0] - from;
}

test('three control planes come up with the address between them, by one apply', async () => {
  const ended = await landfall(place, 'apply', '--yes', '--json');
  expect([ended.status, ended.stderr], said(ended)).toEqual([0, '']);
  // The others have joined, and none of them has a better claim than who made the cluster.
  expect(await holding()).toEqual(['cp-0']);
  expect(await forecast()).toEqual([]);
  const san = await wellOnHost(
    lab,
    'cp-1',
    'openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName',
  );
  expect(san).toContain(`IP Address:${address}`);
  expect(san).toContain(`DNS:api.${NAME}.internal`);
});

test('its holder loses power: the API is back within five seconds, and no acknowledged write is lost', async () => {
  await kube(
    'cp-1',
    'create clusterrolebinding writer --clusterrole=cluster-admin --serviceaccount=default:default',
  );
  const token = (await kube('cp-1', '-n default create token default --duration=1h')).trim();
  const own = writer(token);
  writing = own;
  const count = (): number => own.lines().filter(([, , status]) => status === '201').length;
  await eventually('thirty writes', () => (count() >= 30 ? true : undefined));
  expect(own.lines().every(([, , status]) => status === '201')).toBe(true);

  // CRI-O leaves images it has pulled to the page cache; those of a cluster that is older than a minute are on the disk.
  await wellOnHost(lab, 'cp-0', 'sync');
  const from = Date.now();
  await breakLab(NAME, { is: 'power-loss', host: 'cp-0' });
  const ms = await eventually('a write again', () => outage(own.lines(), from));
  const before = count();
  await eventually('thirty writes more', () => (count() >= before + 30 ? true : undefined));
  const [holder] = await holding(['cp-1', 'cp-2']);
  expect(holder).toBeDefined();

  await breakLab(NAME, { is: 'start', host: 'cp-0' });
  await eventually(
    'the host to be well again',
    async () =>
      (await onHost(lab, 'cp-0', '/etc/keepalived/landfall-api-ready')).status === 0 ? true : undefined,
    180_000,
  );
  const returned = own.lines().length;
  await eventually('a hundred requests more', () =>
    own.lines().length >= returned + 100 ? true : undefined,
  );
  await own.stop();

  const lines = own.lines();
  const acknowledged = lines
    .filter(([, , status]) => status === '201')
    .map(([, number]) => `write-${number}`);
  const there = new Set(
    (await kube(holder ?? '', "get configmaps -o jsonpath='{.items[*].metadata.name}'")).trim().split(' '),
  );
  console.info(
    `${lines.length} writes, ${lines.length - acknowledged.length} failed; again after ${ms} ms; after the holder's return ${lines.slice(returned).filter(([, , status]) => status !== '201').length} failed`,
  );
  expect(acknowledged.filter((name) => !there.has(name))).toEqual([]);
  expect(ms).toBeLessThanOrEqual(5000);
  // Who has come back has no better claim: the address stays, and nobody is disturbed a second time.
  expect(await holding()).toEqual([holder]);
  expect(lines.slice(returned).filter(([, , status]) => status !== '201')).toEqual([]);
  await eventually(
    'an empty plan',
    async () => ((await forecast()).length === 0 ? true : undefined),
    180_000,
  );
});

test('the API server of the holder stops, and the address goes to one whose API server is ready', async () => {
  const [holder = ''] = await holding();
  await wellOnHost(lab, holder, 'mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/');
  const next = await eventually(
    'another holder',
    async () => {
      const now = await holding();
      return now.length === 1 && now[0] !== holder ? now[0] : undefined;
    },
    60_000,
  );
  expect(HOSTS).toContain(next);
  await wellOnHost(lab, holder, 'mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/');
  await eventually(
    'an empty plan',
    async () => ((await forecast()).length === 0 ? true : undefined),
    180_000,
  );
});

test('keepalived of the holder is killed: it comes again by itself, and one host has the address', async () => {
  const [holder = ''] = await holding();
  const killed = (await wellOnHost(lab, holder, 'systemctl show -p MainPID --value keepalived')).trim();
  await wellOnHost(lab, holder, `kill -KILL ${killed}`);
  await eventually(
    'keepalived to run again, and the address to be in one place',
    async () => {
      const now = (
        await onHost(
          lab,
          holder,
          'systemctl -q is-active keepalived && systemctl show -p MainPID --value keepalived',
        )
      ).stdout.trim();
      return now !== '' && now !== killed && (await holding()).length === 1 ? true : undefined;
    },
    30_000,
  );
  expect(await forecast()).toEqual([]);
});

test.each([
  ['stopped', 'systemctl stop keepalived', 'endpoint/running'],
  ['turned off', 'systemctl disable --now keepalived', 'endpoint/running'],
  [
    'told otherwise',
    "sed -i 's/priority 40/priority 90/' /etc/keepalived/keepalived.conf",
    'endpoint/settings',
  ],
  ['left to die', 'rm /etc/systemd/system/keepalived.service.d/landfall.conf', 'endpoint/restart'],
  ['given another check', "printf '#!/bin/sh\\n' >/etc/keepalived/landfall-api-ready", 'endpoint/api-ready'],
])('keepalived on one of them is %s: the plan says so, and apply mends it', async (_, by, step) => {
  await wellOnHost(lab, 'cp-2', by);
  expect(await forecast()).toContain(`cp-2 ${step}`);
  const ended = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  expect(ended.status, said(ended)).toBe(0);
  expect(await forecast()).toEqual([]);
  expect(await holding()).toHaveLength(1);
});

test('reset gives the address back, and leaves all hosts clean', async () => {
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect(ended.status, said(ended)).toBe(0);
  expect(await holding()).toEqual([]);
  expect(await remains()).toEqual(left);
});
