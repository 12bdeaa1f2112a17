import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, put, read, runPiece, scene, standIn } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { compile } from '../shell/compile.ts';
import { exchangeSteps } from './exchange.ts';
import type { Step } from './step.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'landfall-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const BOTH: Partial<Facts> = { member: true, runtimes: ['cri-o', 'containerd'] };
const cp = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: true,
});
const worker: Node = { name: 'w-0', role: 'worker', address: '10.0.0.21', workloads: true };
const cluster = (...nodes: readonly Node[]): Cluster => ({ ...HARBOUR, runtime: 'containerd', nodes });
const ids = (of: Cluster, facts: Partial<Facts> = BOTH): readonly string[] =>
  exchangeSteps(scene(of, facts)).map(({ id }) => id);
const of = (id: string, wish: Cluster = cluster(worker, cp(0))): Step => {
  const found = exchangeSteps(scene(wish, BOTH)).find((step) => step.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return inRoot(root, found);
};

describe('an exchange of the runtime', () => {
  it('is nothing on a host that has one runtime, the one that is wished for', () => {
    expect(ids(cluster(cp(0)), { member: true, runtimes: ['containerd'] })).toEqual([]);
    expect(ids(cluster(cp(0)), {})).toEqual([]);
  });

  it('takes away what an earlier choice has brought where there is no member yet', () =>
    expect(ids(cluster(cp(0)), { runtimes: ['cri-o'] })).toEqual(['exchange/former']));

  it('empties a node only where pods can go elsewhere, and asks etcd only where others have a vote', () => {
    expect(ids(cluster(cp(0)))).toEqual([
      'exchange/socket',
      'exchange/kubelet',
      'exchange/api-ready',
      'exchange/led',
      'exchange/ready',
      'exchange/open',
      'exchange/former',
    ]);
    expect(ids(cluster(cp(0), cp(1), cp(2))).slice(0, 3)).toEqual([
      'exchange/quorum',
      'exchange/emptied',
      'exchange/socket',
    ]);
    expect(ids(cluster(worker, cp(0)))).not.toContain('exchange/api-ready');
  });

  it.each(['read', 'make', 'undo'] as const)('is POSIX, and satisfies shellcheck (%s)', (mode) => {
    const list = exchangeSteps(scene(cluster(cp(0), cp(1), cp(2)), BOTH)).filter(
      (s) => mode !== 'undo' || s.undo !== undefined,
    );
    const input = compile(list, { mode, title: 'all' });
    expect(spawnSync('dash', ['-n'], { input, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    if (spawnSync('shellcheck', ['--version']).status !== 0) return;
    const not = 'SC2012,SC2015,SC2016,SC2034,SC2043,SC2086,SC2140,SC2154,SC2209,SC2317';
    const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-f', 'gcc', '-e', not, '-'], {
      input,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});

/** Pods as the API server tells of them: namespace and name, phase, owner, mirror, emptyDir, tolerations. */
const PODS = [
  'default web-1|Running|ReplicaSet|||node.kubernetes.io/not-ready:Exists:NoExecute example.org/own:Exists:NoSchedule ',
  'tigera-operator operator|Running|ReplicaSet|||:Exists:NoExecute :Exists:NoSchedule ',
  'default done|Succeeded|Job||',
  'default alone|Running|||',
  'default cache-0|Running|StatefulSet||scratch',
  'kube-system flannel|Running|DaemonSet||',
  'kube-system etcd-w-0|Running|Node|abc|',
];

/** Stand-ins: an API server that knows these pods and lets each go when it is asked to, and notes of what was called. */
function bin(pods: readonly string[] = PODS): string {
  put(root, 'pods', `${pods.join('\n')}\n`);
  standIn(
    root,
    'kubectl',
    `echo "kubectl $*" >>'${root}/calls'
case "$*" in
  *readyz*) echo ok ;;
  *create*) name=$(sed 's/.*"name":"\\([^"]*\\)".*/\\1/'); sed -i "/ $name|/d" '${root}/pods' ;;
  *'get pods'*) cat '${root}/pods' ;;
  *'get node'*) cat '${root}/closed' 2>/dev/null ;;
  *cordon*) echo true >'${root}/closed' ;;
esac`,
  );
  for (const name of ['systemctl', 'crictl', 'umount', 'timeout'])
    standIn(
      root,
      name,
      name === 'timeout' ? 'shift; exec "$@"' : `echo "${name} $*" >>'${root}/calls'; exit 1`,
    );
  return join(root, 'bin');
}
const calls = (): readonly string[] =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trimEnd().split('\n') : [];
const CONFIG = 'var/lib/kubelet/config.yaml';
const kubeletUses = (socket: string): void =>
  put(root, CONFIG, `a: 1\ncontainerRuntimeEndpoint: ${socket}\n`);
const NOTE = 'var/lib/landfall/exchange';

describe('emptying a node', () => {
  const emptied = () => of('exchange/emptied');

  it('moves what is made again elsewhere, and leaves what has data here, nobody to make it again, or would come back', () => {
    kubeletUses('unix:///var/run/crio/crio.sock');
    put(root, 'var/lib/landfall/x', '');
    expect(read(emptied(), bin())).toBe('takes new pods');
    expect(runPiece(emptied(), 'make', bin())).toMatchObject({ status: 0, stderr: '' });
    expect(read(emptied(), join(root, 'bin'))).toBe('nothing to move');
    expect(calls().filter((call) => call.includes('/eviction'))).toEqual([
      expect.stringContaining('/api/v1/namespaces/default/pods/web-1/eviction'),
    ]);
    expect(readFileSync(join(root, NOTE), 'utf8')).toBe('closed\n');
  });

  it('remembers that the node was closed before, also when it is begun twice', () => {
    kubeletUses('unix:///var/run/crio/crio.sock');
    put(root, 'var/lib/landfall/x', '');
    put(root, 'closed', 'true\n');
    for (let i = 0; i < 2; i++) expect(runPiece(emptied(), 'make', bin()).status).toBe(0);
    expect(readFileSync(join(root, NOTE), 'utf8')).toBe('closed before\n');
  });

  it('does not take silence for an empty node', () => {
    kubeletUses('unix:///var/run/crio/crio.sock');
    put(root, NOTE, 'closed\n');
    bin();
    const path = standIn(root, 'kubectl', 'case "$*" in *readyz*) echo ok ;; *) echo no >&2; exit 1 ;; esac');
    expect(read(emptied(), path)).toBe('the API server does not answer');
    expect(runPiece(emptied(), 'make', path).status).not.toBe(0);
  });

  it('is over once kubelet has gone over', () => {
    kubeletUses(`unix://${root}/run/containerd/containerd.sock`);
    expect(read(emptied(), bin())).toBe('nothing to move');
    expect(calls()).toEqual([]);
  });
});

describe('going over', () => {
  const socket = () => of('exchange/socket');

  it('stops kubelet, ends the containers of the former, and tells every file of the new one', () => {
    const to = `unix://${root}/run/containerd/containerd.sock`;
    kubeletUses('unix:///var/run/crio/crio.sock');
    put(
      root,
      'var/lib/kubelet/instance-config.yaml',
      'containerRuntimeEndpoint: "unix:///var/run/crio/crio.sock"\n',
    );
    put(
      root,
      'var/lib/kubelet/kubeadm-flags.env',
      'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///var/run/crio/crio.sock --node-ip=10.0.0.21"\n',
    );
    put(root, 'var/lib/landfall/x', '');
    expect(read(socket())).toBe('kubelet uses unix:///var/run/crio/crio.sock');
    bin();
    const path = standIn(root, 'systemctl', `echo "systemctl $*" >>'${root}/calls'`);
    expect(runPiece(socket(), 'make', path).status).toBe(0);
    expect(read(socket())).toBe(`kubelet uses ${to}`);
    expect(calls()).toEqual([
      'systemctl stop kubelet',
      expect.stringMatching(/^crictl .*crio[.]sock .*pods -q$/),
      'systemctl stop crio',
      'systemctl stop kubepods.slice',
      'systemctl start kubelet',
    ]);
    expect(readFileSync(join(root, 'var/lib/kubelet/kubeadm-flags.env'), 'utf8')).toBe(
      `KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=${to} --node-ip=10.0.0.21"\n`,
    );
    expect(existsSync(join(root, NOTE))).toBe(true);
  });
});

describe('being Ready again', () => {
  const ready = () => of('exchange/ready');
  const said = (node: string, ...pods: readonly string[]): string => {
    put(root, 'node', `${node}\n`);
    put(root, 'own', `${pods.join('\n')}\n`);
    return read(
      ready(),
      standIn(
        root,
        'kubectl',
        `case "$*" in *'get node'*) cat '${root}/node' ;; *) cat '${root}/own' ;; esac`,
      ),
    );
  };
  const proxy = (id: string, is = 'True'): string => `kube-system/kube-proxy|Running|DaemonSet|${is}|${id}`;

  it('is seen when kubelet and all containers are of the new runtime', () => {
    expect(
      said(
        'containerd://2.3.5 True',
        proxy('containerd://a'),
        'default/job|Succeeded|Job|False|cri-o://b',
        'default/broken|Running|ReplicaSet|False|containerd://c',
      ),
    ).toBe(ready().want);
  });

  it.each([
    ['cri-o://1.36.1 True', proxy('containerd://a'), 'cri-o True'],
    ['containerd://2.3.5 False', proxy('containerd://a'), 'containerd False'],
    [
      'containerd://2.3.5 True',
      proxy('cri-o://a'),
      'containerd True\nkube-system/kube-proxy is not started anew',
    ],
    ['containerd://2.3.5 True', proxy(''), 'containerd True\nkube-system/kube-proxy is not started anew'],
    [
      'containerd://2.3.5 True',
      proxy('containerd://a', 'False'),
      'containerd True\nkube-system/kube-proxy is not ready',
    ],
  ])('is not seen too early: %s, %s', (node, pod, text) => expect(said(node, pod)).toBe(text));
});

describe('controllers', () => {
  it('are led when somebody has said so in the last seconds', () => {
    const one = of('exchange/led', cluster(cp(0), cp(1), cp(2)));
    const lease = (name: string, ago: number): string =>
      `${name} ${new Date(Date.now() - ago * 1000).toISOString().replace('Z', '000Z')}`;
    const said = (...leases: readonly string[]): string => {
      put(root, 'leases', `${leases.join('\n')}\n`);
      return read(one, standIn(root, 'kubectl', `cat '${root}/leases'`));
    };
    expect(
      said(lease('kube-scheduler', 1), lease('apiserver-x', 90), lease('kube-controller-manager', 2)),
    ).toBe(one.want);
    expect(said(lease('kube-scheduler', 1), lease('kube-controller-manager', 30))).toBe(
      'kube-controller-manager is led by nobody\nkube-scheduler is led',
    );
  });
});
