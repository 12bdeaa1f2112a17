import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { historyFolder } from '../../src/run/history.ts';
import { ETCDCTL } from './etcd.ts';
import {
  cleared,
  type Desk,
  desk,
  freshLab,
  landfall,
  nothingLeft,
  onHost,
  put,
  said,
  well,
  wellOnHost,
} from './harness.ts';
import { LEFT } from './snapshot.ts';

/*
 * Members that go and come: a worker leaves and comes back, and the first control plane dies for good and is replaced. The endpoint is
 * a load balancer on a host of its own. The tests run in this order, on one lab.
 */

const NAME = 'test-member';
const HOSTS = ['cp-0', 'cp-1', 'cp-2', 'worker-0', 'lb'] as const;
const PLANES = HOSTS.slice(0, 3);

let lab: Lab;
let place: Desk;
let before: string;

const addressOf = (host: string): string => lab.hosts.find(({ name }) => name === host)?.address ?? '';
const kube = (words: string, host = 'cp-1'): Promise<string> =>
  wellOnHost(lab, host, `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);
const file = (): string => readFileSync(join(place.dir, 'cluster.yaml'), 'utf8');

/** A load balancer as a user might have one: it asks each API server whether it is ready. */
const BALANCER = (): string => `
export DEBIAN_FRONTEND=noninteractive
apt-get -q update && apt-get -q -y install haproxy
cat >/etc/haproxy/haproxy.cfg <<'END'
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen api
  bind *:6443
  option httpchk GET /readyz
  default-server inter 1s fall 2 rise 1 check check-ssl verify none
${PLANES.map((host) => `  server ${host} ${addressOf(host)}:6443`).join('\n')}
END
systemctl restart haproxy`;

const MEMBERS = `${ETCDCTL} member list | awk -F ', ' '{ print $3, $2, $6, $4 }' | sort`;

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  const nodes = [...PLANES, 'worker-0'].map(
    (name) =>
      `  - { name: ${name}, role: ${name.startsWith('cp') ? 'control-plane' : 'worker'}, address: ${addressOf(name)} }\n`,
  );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME} # by the sea\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: { address: "${addressOf('lb')}:6443" }\nnodes:\n${nodes.join('')}`,
  );
  before = await wellOnHost(lab, 'worker-0', LEFT);
  await wellOnHost(lab, 'lb', BALANCER());
  await well(place, 'apply', '--yes');
  await kube('create configmap kept --from-literal=word=kept');
});

afterAll(() => cleared(NAME, place));

describe('a worker that leaves', () => {
  test('is not drained while something would be lost or held up that nobody has named', async () => {
    await wellOnHost(
      lab,
      'cp-1',
      `kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: web, image: "docker.io/library/nginx:1.28.0", volumeMounts: [{ name: cache, mountPath: /cache }] }]
      volumes: [{ name: cache, emptyDir: {} }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { minAvailable: 1, selector: { matchLabels: { app: web } } }
END
kubectl --kubeconfig /etc/kubernetes/admin.conf rollout status deployment web --timeout=120s`,
    );
    const ended = await landfall(place, 'node', 'remove', 'worker-0', '--yes', 'worker-0');
    expect(ended.status, said(ended)).toBe(5);
    for (const words of [
      'leave/budget',
      'leave/emptydir',
      'leave/nowhere',
      'Deployment default/web',
      '(default/web)',
    ])
      expect(ended.stderr).toContain(words);
    expect(await kube('get node worker-0 -o "jsonpath={.spec.unschedulable}"')).toBe('');
    const unsure = await landfall(place, 'node', 'remove', 'worker-0');
    expect(unsure.status, said(unsure)).toBe(2);
  });

  test('is drained, cleared, forgotten, and out of cluster.yaml', async () => {
    const was = file();
    const flags = ['budget', 'emptydir', 'nowhere'].flatMap((kind) => ['--despite', kind]);
    const ended = await landfall(place, 'node', 'remove', 'worker-0', '--yes', 'worker-0', ...flags);
    expect(ended.status, said(ended)).toBe(0);
    expect(await kube('get nodes -o name')).toBe('node/cp-0\nnode/cp-1\nnode/cp-2\n');
    expect(await wellOnHost(lab, 'worker-0', LEFT)).toBe(before);
    expect(file()).toBe(
      was
        .split('\n')
        .filter((line) => !line.includes('worker-0'))
        .join('\n'),
    );
    await nothingLeft(place);
  });

  test('comes back by one command', async () => {
    const ended = await landfall(
      place,
      'node',
      'add',
      'worker-0',
      '--address',
      addressOf('worker-0'),
      '--yes',
    );
    expect(ended.status, said(ended)).toBe(0);
    await kube('wait --for=condition=Ready node/worker-0 --timeout=10s');
    await nothingLeft(place);
  });
});

describe('control planes', () => {
  test('an even number of them is refused, with its reason', async () => {
    const ended = await landfall(place, 'node', 'remove', 'cp-2', '--yes', 'cp-2');
    expect(ended.status, said(ended)).toBe(2);
    expect(ended.stderr).toContain('2 control planes bear no more than 1');
  });

  test('the first one dies for good, and another machine takes its place under its name', async () => {
    const authority = await wellOnHost(lab, 'cp-1', 'sha256sum </etc/kubernetes/pki/ca.crt');
    await breakLab(NAME, { is: 'power-loss', host: 'cp-0' });

    // The others go on, and say who is away.
    const plan = await landfall(place, 'plan', '--node', 'cp-1', '--only', 'preflight');
    expect(plan.status, said(plan)).toBe(4);
    expect(plan.stdout + plan.stderr).toContain('cp-0');
    // With one of three gone no other may go.
    const second = await landfall(place, 'node', 'remove', 'cp-1', 'cp-2', '--yes', 'cp-1', '--yes', 'cp-2');
    expect(second.status, said(second)).toBe(5);
    expect(second.stderr).toContain('leave/quorum');

    await breakLab(NAME, { is: 'new-machine', host: 'cp-0' });
    expect((await onHost(lab, 'cp-0', 'ls /etc/kubernetes')).status).not.toBe(0);

    const ended = await landfall(place, 'node', 'replace', 'cp-0', '--yes', 'cp-0');
    expect(ended.status, said(ended)).toBe(0);
    expect(ended.stderr).toContain('3 voting, 2 well, 2 needed');
    expect(await wellOnHost(lab, 'cp-0', 'sha256sum </etc/kubernetes/pki/ca.crt')).toBe(authority);
    expect(await wellOnHost(lab, 'cp-1', MEMBERS)).toBe(
      PLANES.map((host) => `${host} started false https://${addressOf(host)}:2380\n`).join(''),
    );
    expect(await kube('get nodes --no-headers | awk "{ print \\$1, \\$2 }"')).toBe(
      'cp-0 Ready\ncp-1 Ready\ncp-2 Ready\nworker-0 Ready\n',
    );
    expect(await kube('get configmap kept -o "jsonpath={.data.word}"', 'cp-0')).toBe('kept');
    const settings = await kube('-n kube-system get configmap kubeadm-config -o "jsonpath={.data}"');
    expect(settings).toContain(`${addressOf('lb')}:6443`);
    expect(settings).not.toContain('apiEndpoints');
    await nothingLeft(place);
  });

  test('one that lives is replaced by itself: it leaves with all it has, and joins again', async () => {
    const peer = (await wellOnHost(lab, 'cp-1', MEMBERS))
      .split('\n')
      .filter((line) => line.startsWith('cp-2'));
    const authority = await wellOnHost(lab, 'cp-1', 'sha256sum </etc/kubernetes/pki/ca.crt');
    const key = 'sha256sum </etc/kubernetes/pki/etcd/peer.key';
    const old = await wellOnHost(lab, 'cp-2', key);
    const ended = await landfall(place, 'node', 'replace', 'cp-2', '--yes', 'cp-2');
    expect(ended.status, said(ended)).toBe(0);
    expect(ended.stderr).toContain('without cp-2: 2 voting, 2 well, 2 needed');
    expect(await wellOnHost(lab, 'cp-1', MEMBERS)).toContain(peer[0]);
    expect(await wellOnHost(lab, 'cp-2', 'sha256sum </etc/kubernetes/pki/ca.crt')).toBe(authority);
    expect(await wellOnHost(lab, 'cp-2', key)).not.toBe(old);
    await nothingLeft(place);
  });

  test('three become one by one command', async () => {
    const words = ['node', 'remove', 'cp-1', 'cp-2', '--yes', 'cp-1', '--yes', 'cp-2'];
    const ended = await landfall(place, ...words);
    expect(ended.status, said(ended)).toBe(0);
    expect(await wellOnHost(lab, 'cp-0', MEMBERS)).toBe(
      `cp-0 started false https://${addressOf('cp-0')}:2380\n`,
    );
    expect(await kube('get nodes -o name', 'cp-0')).toBe('node/cp-0\nnode/worker-0\n');
    expect(file()).not.toMatch(/cp-1|cp-2/);
    for (const host of ['cp-1', 'cp-2']) expect(await wellOnHost(lab, host, LEFT)).toBe(before);
    expect(await kube('get configmap kept -o "jsonpath={.data.word}"', 'cp-0')).toBe('kept');
    await nothingLeft(place);
  });
});

describe('a worker that is dead', () => {
  test('is left out by plan, apply and status, which say so, and go on with the others', async () => {
    await breakLab(NAME, { is: 'power-loss', host: 'worker-0' });
    await wellOnHost(lab, 'cp-0', 'sysctl -q -w net.ipv4.ip_forward=0');
    const ended = await landfall(place, 'apply', '--yes', '--no-proof');
    expect(ended.status, said(ended)).toBe(4);
    expect(ended.stderr).toContain('worker-0');
    expect(await wellOnHost(lab, 'cp-0', 'sysctl -n net.ipv4.ip_forward')).toBe('1\n');
    for (const command of ['status', 'plan']) {
      const told = await landfall(place, command);
      expect(told.status, said(told)).toBe(4);
      expect(told.stdout).toMatch(/Left out: 1 host[^]*worker-0/);
    }
    // kubelet has been silent for so long that the cluster has noticed; nothing of it is in the way.
    await kube('wait --for=condition=Ready=Unknown node/worker-0 --timeout=90s', 'cp-0');
    const later = await landfall(place, 'apply', '--yes', '--no-proof');
    expect(later.status, said(later)).toBe(4);
    expect(later.stdout).toContain('is as cluster.yaml says');
  });

  test('is forgotten, without its host', async () => {
    const ended = await landfall(place, 'node', 'remove', 'worker-0', '--yes', 'worker-0');
    expect(ended.status, said(ended)).toBe(0);
    expect(await kube('get nodes -o name', 'cp-0')).toBe('node/cp-0\n');
    expect(file()).not.toContain('worker-0');
  });
});
