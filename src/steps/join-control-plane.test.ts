import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR, inRoot, put, read, runPiece, scene } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import { joinControlPlaneSteps } from './join-control-plane.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

const control = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: false,
});
const THREE: Cluster = { ...HARBOUR, nodes: [control(0), control(1), control(2)] };

/** A scene of the second of three control planes, of which the first is a member. */
const second: Scene = {
  ...scene(THREE),
  node: control(1),
  hosts: { 'cp-0': { ...FACTS, member: true }, 'cp-1': FACTS },
};

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  put(root, 'etc/kubernetes/landfall/cluster', 'harbour\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const own = (id: string): Step =>
  inRoot(root, joinControlPlaneSteps(second).find((step) => step.id === id) as Step);
const member = (): Step => own('join/member');
const program = (name: string, script: string): void =>
  put(root, `bin/${name}`, `#!/bin/sh\necho "${name} $*" >>'${root}/calls'\n${script}\n`, 0o755);
const calls = (): string =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : '';
const DONE = 'etc/kubernetes/landfall/initialised';
const DATA = 'var/lib/etcd/member/snap/db';
const all = (): readonly string[] =>
  (/for path in (.*); do/.exec(member().read.text)?.[1] ?? '').split(' ').map((p) => p.slice(root.length));

/** What etcd's list says of this host. */
const LINES = {
  votes: '22ab, started, cp-1, https://10.0.0.12:2380, https://10.0.0.12:2379, false',
  'votes at another address': '22ab, started, cp-1, https://10.0.0.99:2380, https://10.0.0.99:2379, false',
  'votes under another name': '22ab, started, other, https://10.0.0.12:2380, https://10.0.0.12:2379, false',
  learns: '22ab, started, cp-1, https://10.0.0.12:2380, https://10.0.0.12:2379, true',
  'has not started': '22ab, unstarted, , https://10.0.0.12:2380, , true',
  'is not there': '',
} as const;

/** An etcd that says so, or does not say anything. */
function etcd(state: keyof typeof LINES | 'silent'): void {
  program('timeout', 'shift; exec "$@"');
  program(
    'kubectl',
    state === 'silent'
      ? 'exit 1'
      : `echo '11ab, started, cp-0, https://10.0.0.11:2380, https://10.0.0.11:2379, false'; echo '${LINES[state]}'`,
  );
}

/** Everything a join leaves, its end excepted, and etcd's data. */
function lay(...lacking: readonly string[]): void {
  put(root, DATA, 'x\n');
  for (const path of all()) if (!lacking.some((end) => path.endsWith(end))) put(root, path, 'x\n');
}

describe('how far the join of a control plane has come', () => {
  it('is told from nothing to all', () => {
    expect(read(member())).toBe('no member');
    put(root, 'etc/kubernetes/pki/ca.crt', 'x\n');
    expect(read(member())).toBe('half joined');
    for (const path of all()) put(root, path, 'x\n');
    expect(all().length).toBeGreaterThan(25);
    expect(read(member())).toBe('half joined');
    put(root, DONE, 'x\n');
    expect(read(member())).toBe('member');
    rmSync(join(root, 'etc/kubernetes/pki/sa.key'));
    expect(read(member())).toBe(`a member that lacks: ${root}/etc/kubernetes/pki/sa.key`);
  });

  it.each([
    ['votes', 'known'],
    ['learns', 'known'],
    ['is not there', 'known'],
    ['silent', 'etcd does not say'],
  ] as const)('is known when etcd can be asked: it %s', (state, said) => {
    etcd(state);
    put(root, DATA, 'x\n');
    expect(read(own('join/standing'), join(root, 'bin'))).toBe(said);
    expect(calls()).toContain('--server=https://10.0.0.11:6443');
    expect(calls()).toMatch(/exec etcd-cp-0 -- etcdctl .* member list$/m);
  });

  it.each([
    ['no data of etcd lies here', [DONE]],
    ['its join has come to its end', [DATA, DONE]],
  ])('needs no etcd when %s', (_, paths) => {
    etcd('silent');
    for (const path of paths) put(root, path, 'x\n');
    expect(read(own('join/standing'), join(root, 'bin'))).toBe('known');
    expect(calls()).not.toContain('kubectl');
  });
});

describe('joining a control plane', () => {
  /** Makes it with this late value, by a kubeadm that does so. */
  function make(ticket = 'T H K', kubeadm = `case $1 in join) cp "$3" '${root}/seen' ;; esac`) {
    put(root, 'slot', ticket);
    const step = member();
    const text = step.make?.text.replaceAll('$(slot join-cp-1)', `$(cat '${root}/slot')`) ?? '';
    for (const name of ['systemctl', 'crictl', 'ip', 'nft', 'ipset', 'journalctl', 'umount', 'chattr'])
      program(name, ':');
    program('kubeadm', kubeadm);
    if (!existsSync(join(root, 'bin/timeout'))) etcd('silent');
    return runPiece({ ...step, make: { ...step.read, text } }, 'make', join(root, 'bin'));
  }

  it('leaves alone a member that lacks a file: its vote counts', () => {
    put(root, DONE, 'x\n');
    put(root, 'etc/kubernetes/pki/ca.crt', 'x\n');
    const { status, stdout } = make();
    expect([status, stdout]).toEqual([1, expect.stringContaining('a member that lacks:')]);
    expect(calls()).not.toMatch(/^kubeadm/m);
  });

  it('joins with token, hash and key, all in the file alone', () => {
    expect(make('tok123.0123456789abcdef sha256:55 ffff').status).toBe(0);
    const text = readFileSync(join(root, 'seen'), 'utf8');
    expect(text).toMatch(
      /token: "tok123\.0123456789abcdef"\n {4}caCertHashes: \["sha256:55"\]\ncontrolPlane:/,
    );
    expect(text).toMatch(/advertiseAddress: "10\.0\.0\.12"\n {4}bindPort: 6443\n {2}certificateKey: "ffff"/);
    expect(text).not.toContain('taints');
    expect(calls()).not.toMatch(/0123456789abcdef|ffff/);
    expect(calls()).not.toMatch(/^kubeadm reset/m);
  });

  it('takes back what an earlier try left, and begins anew', () => {
    put(root, 'etc/kubernetes/pki/ca.crt', 'x\n');
    expect(make().status).toBe(0);
    expect(calls().match(/^kubeadm (reset|join)/gm)).toEqual([
      'kubeadm reset',
      'kubeadm join',
      'kubeadm join',
    ]);
  });

  const skipped = (): readonly string[] =>
    [...calls().matchAll(/^kubeadm join .*--skip-phases=(\S+)$/gm)].map(([, phases = '']) => phases);
  const BEFORE = 'preflight,control-plane-prepare,check-etcd';

  it('is entered into etcd only when all that came before is on the disk', () => {
    program('find', ':');
    put(root, 'var/lib/kubelet/instance-config.yaml', 'x\n');
    expect(make().status).toBe(0);
    expect(skipped()).toEqual([
      'etcd-join,kubelet-wait-bootstrap,control-plane-join,wait-control-plane',
      `${BEFORE},kubelet-start`,
    ]);
    expect(calls()).toMatch(
      /^kubeadm join .*etcd-join.*\nfind \S+kubernetes .* sync .*\nfind \S+kubelet .* sync .*\nchattr \+D \S+etcd\nchattr \+S \S+manifests\nkubeadm join/m,
    );
  });

  it('is not entered into etcd when what comes before fails', () => {
    expect(make('T H K', 'exit 3').status).toBe(3);
    expect(skipped()).toHaveLength(1);
  });

  it('is brought to its end once etcd has given its vote, and nothing of it is taken back', () => {
    for (const state of ['votes', 'votes at another address', 'votes under another name'] as const) {
      etcd(state);
      rmSync(join(root, DONE), { force: true });
      rmSync(join(root, 'calls'), { force: true });
      lay();
      expect(make().status).toBe(0);
      expect(skipped()).toEqual([`${BEFORE},etcd-join,kubelet-start`]);
      expect(calls()).not.toMatch(/^kubeadm reset/m);
      expect(read(member())).toBe('member');
    }
  });

  it.each(['learns', 'has not started', 'is not there'] as const)(
    'is taken back and begun anew when it %s in etcd',
    (state) => {
      etcd(state);
      lay();
      expect(make().status).toBe(0);
      expect(calls().match(/^kubeadm (reset|join)/gm)).toEqual([
        'kubeadm reset',
        'kubeadm join',
        'kubeadm join',
      ]);
    },
  );

  it('starts kubelet with a new token when it votes and kubelet had yet to get its credentials', () => {
    etcd('votes');
    lay('/kubelet.conf');
    make();
    expect(skipped()).toEqual([`${BEFORE},etcd-join`]);
    expect(calls()).not.toMatch(/^kubeadm reset/m);
  });

  it.each(['manifests/etcd.yaml', 'pki/sa.key', 'admin.conf'])(
    'is left as it is when it votes and lacks %s, and node replace is named',
    (path) => {
      etcd('votes');
      lay(path);
      const { status, stdout } = make();
      expect([status, stdout.trim()]).toEqual([1, `a voter that lacks: ${root}/etc/kubernetes/${path}`]);
      expect(calls()).not.toMatch(/^kubeadm/m);
      const clue = member().clues?.find(({ match }) => match.test(stdout));
      expect(clue?.try).toContain('landfall node replace');
    },
  );

  it('is left as it is while etcd does not say whether it votes', () => {
    etcd('silent');
    lay();
    expect(make()).toMatchObject({ status: 1, stdout: expect.stringContaining('nothing is touched') });
    expect(calls()).not.toMatch(/^kubeadm/m);
  });

  it('is left as it is without a token', () => {
    etcd('learns');
    lay();
    expect(make('')).toMatchObject({ status: 1, stdout: expect.stringMatching(/^no token was minted/) });
    expect(calls()).not.toMatch(/^kubeadm/m);
  });
});
