import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import { fromOutside } from '../../src/lab/host.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { historyFolder } from '../../src/run/history.ts';
import {
  cleared,
  type Desk,
  desk,
  freshLab,
  landfall,
  openSteps,
  put,
  rulesOf,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { holders } from './holders.ts';
import { eventually } from './live.ts';
import { LEFT } from './snapshot.ts';

/*
 * A cluster of three control planes with an address between them, and a worker that comes later, under a firewall from the first moment:
 * votes, VRRP, joins and replacements pass, and nothing else does. The tests run in this order, on one lab.
 */

const NAME = 'test-firewall-planes';
const PLANES = ['cp-0', 'cp-1', 'cp-2'] as const;
const HOSTS = [...PLANES, 'worker-0'] as const;

let lab: Lab;
let place: Desk;
let virtual: string;
let left: Readonly<Record<string, string>>;

const address = (host: string): string => lab.hosts.find(({ name }) => name === host)?.address ?? '';
const remains = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await Promise.all(HOSTS.map(async (host) => [host, await wellOnHost(lab, host, LEFT)] as const)),
  );

/** The hosts that have the address now, of those that are up. */
const holding = (hosts: readonly string[] = PLANES): Promise<readonly string[]> =>
  holders(lab, virtual, hosts);

/** Whether the API server behind the address is ready, asked from outside of the cluster. */
async function isReady(): Promise<boolean> {
  const ask = `[ "$(curl -sk -m 1 https://${virtual}:6443/readyz)" = ok ]`;
  const [program = '', ...args] = fromOutside(lab, ['bash', '-c', ask]);
  return promisify(execFile)(program, args).then(
    () => true,
    () => false,
  );
}

/** The ports of a host that take a connection from a peer, of those only control planes are to reach and those all nodes are. */
const reached = async (from: string, host: string): Promise<string> =>
  wellOnHost(
    lab,
    from,
    `for port in 2379 2380 6443 10250 10256 10257 10259; do
      timeout 2 bash -c ': </dev/tcp/${address(host)}/'"$port" 2>/dev/null && printf '%s ' "$port"
    done; echo`,
  ).then((text) => text.trim());

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  virtual = address('cp-0').replace(/\.\d+$/, '.200');
  const nodes = PLANES.map(
    (name) => `  - { name: ${name}, role: control-plane, address: ${address(name)}, workloads: true }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: { virtualIP: ${virtual} }\nfirewall: { mode: enforce }\nnodes:\n${nodes.join('')}`,
  );
  left = await remains();
});

afterAll(() => cleared(NAME, place));

test('comes up under its rules, and one host has the address', async () => {
  const ended = await landfall(place, 'apply', '--yes');
  expect(ended.status, said(ended)).toBe(0);
  expect(await openSteps(place)).toEqual([]);
  // Where the others’ VRRP were dropped, each of them would take it.
  expect(await holding()).toEqual(['cp-0']);
  expect(await isReady()).toBe(true);
  for (const host of PLANES)
    expect(await wellOnHost(lab, host, 'nft list table inet landfall')).toMatch(/drop/);
});

test('control planes reach each other’s etcd; nodes are shown to reach each other', async () => {
  expect(await reached('cp-1', 'cp-2')).toBe('2379 2380 6443 10250');
  const ended = await landfall(place, 'status', '--pairs');
  expect(ended.status, said(ended)).toBe(0);
  expect(ended.stdout).not.toMatch(/ to cp-\d: /);
});

test('the address moves when its holder dies, and the holder comes back', async () => {
  await breakLab(NAME, { is: 'power-loss', host: 'cp-0' });
  const begun = Date.now();
  await eventually('the API server to answer', async () => ((await isReady()) ? true : undefined), 60_000);
  console.log(`the address answered again after ${Date.now() - begun} ms`);
  expect(await holding(['cp-1', 'cp-2'])).toHaveLength(1);
  await breakLab(NAME, { is: 'start', host: 'cp-0' });
  await well(place, 'apply', '--yes', '--no-proof');
  expect(await openSteps(place)).toEqual([]);
  expect(await holding()).toHaveLength(1);
});

test('a worker joins under them, and is let in to what is a node’s alone', async () => {
  const ended = await landfall(place, 'node', 'add', 'worker-0', '--address', address('worker-0'), '--yes');
  expect(ended.status, said(ended)).toBe(0);
  expect(await openSteps(place)).toEqual([]);
  expect(await reached('worker-0', 'cp-1')).toBe('6443 10250');
  expect(await reached('cp-1', 'worker-0')).toBe('10250');
});

test('a control plane that is gone for good is replaced under them', async () => {
  await breakLab(NAME, { is: 'power-loss', host: 'cp-1' });
  await breakLab(NAME, { is: 'new-machine', host: 'cp-1' });
  const ended = await landfall(place, 'node', 'replace', 'cp-1', '--yes', 'cp-1');
  expect(ended.status, said(ended)).toBe(0);
  expect(await openSteps(place)).toEqual([]);
  expect(await reached('cp-1', 'cp-0')).toBe('2379 2380 6443 10250');
  const proven = await landfall(place, 'status', '--prove');
  expect(proven.status, said(proven)).toBe(0);
});

test('a reset takes them away with everything else', async () => {
  const ended = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect(ended.status, said(ended)).toBe(0);
  for (const host of HOSTS) {
    const rules = await rulesOf(NAME, host);
    expect(rules, `${host}: ${rules}`).not.toContain('table inet landfall');
    expect(await wellOnHost(lab, host, 'ls -d /etc/landfall 2>/dev/null || :')).toBe('');
  }
  expect(await remains()).toEqual(left);
});
