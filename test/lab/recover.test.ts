import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { historyFolder } from '../../src/run/history.ts';
import { ETCDCTL } from './etcd.ts';
import {
  cleared,
  type Desk,
  desk,
  freshLab,
  landfall,
  onHost,
  put,
  said,
  start,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';

/*
 * Two of three control planes die: etcd is begun anew out of what the third one has, the others come back with their old disks or new
 * ones, and once more out of a snapshot. The tests run in this order, on one lab.
 */

const NAME = 'test-recover';
const PLANES = ['cp-0', 'cp-1', 'cp-2'] as const;
const MEANT = ['--cluster', NAME, '--yes'] as const;
/** So many objects are compared by their UIDs. */
const OBJECTS = 200;

let lab: Lab;
let place: Desk;
let uids: string;
let authority: string;
/** The highest revision anybody has seen before the snapshot takes its place. */
let latest: number;

const addressOf = (host: string): string => lab.hosts.find(({ name }) => name === host)?.address ?? '';
const kube = (words: string, host = 'cp-1'): Promise<string> =>
  wellOnHost(lab, host, `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);
const uidsNow = (host?: string): Promise<string> =>
  kube(
    `get configmaps -l test=kept -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}' | sort`,
    host,
  );
const authorityOf = (host: string): Promise<string> =>
  wellOnHost(lab, host, 'sha256sum </etc/kubernetes/pki/ca.crt');

/** Every member of etcd, whether it is started and whether it only learns. */
const members = (host = 'cp-1'): Promise<string> =>
  wellOnHost(lab, host, `${ETCDCTL} member list | awk -F ', ' '{ print $3, $2, $6 }' | sort`);
const ALL = 'cp-0 started false\ncp-1 started false\ncp-2 started false\n';
const revision = async (): Promise<number> =>
  Number(
    /"Revision" : (\d+)/.exec(await wellOnHost(lab, 'cp-1', `${ETCDCTL} endpoint status -w fields`))?.[1],
  );

beforeAll(async () => {
  lab = await freshLab(NAME, PLANES);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  const address = `${addressOf('cp-0').replace(/\.\d+$/, '')}.200`;
  const nodes = PLANES.map(
    (name) => `  - { name: ${name}, role: control-plane, address: ${addressOf(name)}, workloads: true }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: { virtualIP: ${address} }\nnodes:\n${nodes.join('')}`,
  );
  await well(place, 'apply', '--yes', '--no-proof');
  await wellOnHost(
    lab,
    'cp-0',
    `for i in $(seq ${OBJECTS}); do
  printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: kept-%s, labels: { test: kept } }\\n---\\n' "$i"
done | kubectl --kubeconfig /etc/kubernetes/admin.conf create -f - >/dev/null`,
  );
  uids = await uidsNow();
  authority = await authorityOf('cp-1');
  expect(uids.trim().split('\n')).toHaveLength(OBJECTS);
  // A snapshot, and what was written after it.
  await wellOnHost(
    lab,
    'cp-1',
    `${ETCDCTL} snapshot save /var/lib/etcd/saved.db && mv /var/lib/etcd/saved.db /root/saved.db`,
  );
  await kube('create configmap later');
});

afterAll(() => cleared(NAME, place));

describe('while etcd decides', () => {
  test('nothing is recovered, and the name must be said', async () => {
    for (const [words, code] of [
      [[], 'recover/unsure'],
      [['--yes'], 'recover/unsure'],
      [['--cluster', 'another', '--yes'], 'recover/name'],
      [['--snapshot', 'saved.db', ...MEANT], 'recover/path'],
    ] as const) {
      const ended = await landfall(place, 'recover', ...words);
      expect(ended.status, said(ended)).toBe(2);
      expect(ended.stderr).toContain(code);
    }
    const ended = await landfall(place, 'recover', ...MEANT);
    expect(ended.status, said(ended)).toBe(5);
    expect(ended.stderr).toContain('recover/healthy');
    expect(ended.stderr).toContain('landfall node replace');
    expect(await members()).toBe(ALL);
  });
});

describe('when two of three are gone', () => {
  test('plan and apply say so, and name recover', async () => {
    await breakLab(NAME, { is: 'power-loss', host: 'cp-0' });
    await breakLab(NAME, { is: 'power-loss', host: 'cp-2' });
    await eventually(
      'the API server to notice',
      async () => {
        const ready = await onHost(
          lab,
          'cp-1',
          'kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz',
        );
        return ready.stdout === 'ok' ? undefined : true;
      },
      120_000,
    );
    for (const words of [['plan'], ['apply', '--yes']]) {
      const ended = await landfall(place, ...words);
      expect(ended.status, said(ended)).toBe(5);
      expect(ended.stderr).toContain('quorum/lost');
      expect(ended.stderr).toContain('landfall recover');
    }
    const status = await landfall(place, 'status');
    expect(status.status, said(status)).toBe(4);
  });

  test('a recovery that is cut short keeps everything else off, and goes on', async () => {
    const { child, ended } = start(place, ['recover', ...MEANT, '--json']);
    let told = '';
    child.stdout?.on('data', (chunk: string) => (told += chunk));
    await eventually(
      'the data to be kept',
      () => (/"recover\/kept"[^\n]*"state":"made"/.test(told) || child.exitCode !== null ? true : undefined),
      180_000,
    );
    child.kill('SIGKILL');
    await wellOnHost(lab, 'cp-1', "systemctl kill --signal=KILL 'landfall-*.service'");
    const first = await ended;
    expect(first.status, said(first)).toBe(null);
    expect(await wellOnHost(lab, 'cp-1', 'ls /var/lib/landfall/recovery')).toContain('begun');
    for (const words of [['plan'], ['apply', '--yes']]) {
      const kept = await landfall(place, ...words);
      expect(kept.status, said(kept)).toBe(5);
      expect(kept.stderr).toContain('recover/under-way');
    }

    const again = await landfall(place, 'recover', ...MEANT);
    expect(again.status, said(again)).toBe(0);
    expect(again.stderr).toContain('a recovery that was cut short goes on');
    expect(await members()).toBe('cp-1 started false\n');
    expect(await uidsNow()).toBe(uids);
    expect(await kube('get configmap later -o name')).toBe('configmap/later\n');
    expect(await authorityOf('cp-1')).toBe(authority);
    expect(await kube('get nodes -o name')).toBe('node/cp-1\n');
    // Nobody who watches has seen time go back, and the data as they were are there still.
    expect(await revision()).toBeGreaterThan(1_000_000_000_000);
    const kept = await wellOnHost(lab, 'cp-1', 'stat -c %s /var/lib/etcd/kept-*/member/snap/db');
    expect(Number(kept)).toBeGreaterThan(100_000);
    expect(await wellOnHost(lab, 'cp-1', 'ls /var/lib/landfall')).not.toContain('recovery');
    // The controllers work: what is asked for comes about.
    await kube(
      'create namespace made && kubectl --kubeconfig /etc/kubernetes/admin.conf -n made wait --for=create serviceaccount/default --timeout=60s',
    );
  });

  test('one that comes back with its old disk is kept out, and is replaced by itself', async () => {
    await breakLab(NAME, { is: 'start', host: 'cp-0' });
    for (const words of [['plan'], ['apply', '--yes']]) {
      const ended = await landfall(place, ...words);
      expect(ended.status, said(ended)).toBe(5);
      expect(ended.stderr).toContain('recover/left-behind');
      expect(ended.stderr).toContain('landfall node replace cp-0');
    }
    expect(await members()).toBe('cp-1 started false\n');
    // cp-2 is off still, and told of.
    const ended = await landfall(place, 'node', 'replace', 'cp-0', '--yes', 'cp-0');
    expect(ended.status, said(ended)).toBe(4);
    expect(await members()).toBe('cp-0 started false\ncp-1 started false\n');
  });

  test('one that comes back with a new disk joins', async () => {
    await breakLab(NAME, { is: 'new-machine', host: 'cp-2' });
    await well(place, 'apply', '--yes', '--no-proof');
    expect(await members()).toBe(ALL);
    for (const host of PLANES) {
      expect(await uidsNow(host)).toBe(uids);
      expect(await authorityOf(host)).toBe(authority);
    }
    expect((await well(place, 'plan', '--exit-code')).status).toBe(0);
  });
});

describe('a snapshot', () => {
  test('is not gone back to while a majority could come back by itself', async () => {
    latest = await revision();
    // etcd stands still on two hosts that are up: nothing is gone.
    for (const host of ['cp-0', 'cp-2'])
      await wellOnHost(
        lab,
        host,
        'mv /etc/kubernetes/manifests/etcd.yaml /root/; crictl stop "$(crictl ps -q --name "^etcd$")"',
      );
    await eventually(
      'etcd to decide no more',
      async () =>
        (await landfall(place, 'recover', ...MEANT)).stderr.includes('recover/majority') ? true : undefined,
      180_000,
    );
    for (const host of ['cp-0', 'cp-2'])
      expect(await wellOnHost(lab, host, 'ls /var/lib/etcd')).toContain('member');
  });

  test('takes the place of all data when it is meant, and those who live join what comes of it', async () => {
    const words = ['recover', '--from', 'cp-1', '--despite', 'majority', ...MEANT];
    await wellOnHost(lab, 'cp-1', 'head -c 100000 /root/saved.db >/root/torn.db');
    const torn = await landfall(place, ...words, '--snapshot', '/root/torn.db');
    expect(torn.status, said(torn)).toBe(1);
    expect(torn.stderr).toContain('recover/snapshot');
    expect(await wellOnHost(lab, 'cp-1', 'ls /etc/kubernetes/manifests')).toContain('etcd.yaml');

    const ended = await landfall(place, ...words, '--snapshot', '/root/saved.db');
    expect(ended.status, said(ended)).toBe(0);
    expect(await members()).toBe(ALL);
    for (const host of PLANES) expect(await uidsNow(host)).toBe(uids);
    // The snapshot is older than the first recovery; time goes on all the same.
    expect(await revision()).toBeGreaterThan(latest);
    expect(await kube('get configmap later --ignore-not-found -o name')).toBe('');
    expect(await authorityOf('cp-2')).toBe(authority);
    expect((await well(place, 'plan', '--exit-code')).status).toBe(0);
  });

  test('is all there is when the data of all are gone, and those who had them join what comes of it', async () => {
    const newest = 'systemctl start landfall-etcd; ls /var/backups/landfall/etcd/*.db | tail -n 1';
    const snapshot = (await wellOnHost(lab, 'cp-2', newest)).trim();
    for (const host of PLANES)
      await wellOnHost(
        lab,
        host,
        `systemctl stop kubelet
        crictl stop $(crictl ps -q --name '^(etcd|kube-apiserver)$') >/dev/null
        rm -r /var/lib/etcd/member`,
      );
    for (const host of PLANES) await wellOnHost(lab, host, 'systemctl start kubelet');
    // Who joined, or was recovered, waits for others; the first one of all would begin a cluster of its own.
    await eventually(
      'etcd’s data to be missed on all three',
      async () => {
        const { stdout } = await landfall(place, 'plan', '--json');
        const { hosts } = JSON.parse(stdout) as Plan;
        const missed = hosts.flatMap(({ findings }) =>
          findings.filter(({ reading }) =>
            /^(the data of etcd are not there|etcd has begun anew)/.test(reading),
          ),
        );
        return missed.length === PLANES.length ? true : undefined;
      },
      120_000,
    );
    const without = await landfall(place, 'recover', ...MEANT);
    expect(without.status, said(without)).toBe(5);
    expect(without.stderr).toMatch(/recover\/no-(survivor|data)/);
    const ended = await landfall(place, 'recover', '--from', 'cp-2', '--snapshot', snapshot, ...MEANT);
    expect(ended.status, said(ended)).toBe(0);
    expect(await members('cp-2')).toBe(ALL);
    for (const host of PLANES) expect(await uidsNow(host)).toBe(uids);
    expect((await well(place, 'plan', '--exit-code')).status).toBe(0);
  });
});
