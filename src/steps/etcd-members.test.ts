import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR, put, read, runPiece, scene } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { quorumSteps, votingStep } from './etcd-members.ts';
import { joinControlPlaneSteps } from './join-control-plane.ts';
import { closingSteps, ticketSteps } from './join-ticket.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

const control = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: false,
});
const THREE: Cluster = { ...HARBOUR, nodes: [control(0), control(1), control(2)] };
const MEMBER: Facts = { ...FACTS, member: true };

/** A scene of one of three control planes; these hosts have joined already, on others of these lies data of etcd. */
function at(
  name: string,
  members: readonly string[] = ['cp-0', 'cp-1', 'cp-2'],
  keeping: readonly string[] = [],
): Scene {
  const factsOf = (host: string): Facts => {
    if (members.includes(host)) return MEMBER;
    return keeping.includes(host) ? { ...FACTS, remains: ['etcd'] } : FACTS;
  };
  const hosts = Object.fromEntries(THREE.nodes.map((n) => [n.name, factsOf(n.name)]));
  return { ...scene(THREE), node: THREE.nodes.find((n) => n.name === name) as Node, hosts };
}
const one = (steps: readonly Step[], id: string): Step => steps.find((s) => s.id === id) as Step;

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const program = (name: string, script: string): void =>
  put(root, `bin/${name}`, `#!/bin/sh\necho "${name} $*" >>'${root}/calls'\n${script}\n`, 0o755);
const calls = (): string =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : '';

type Line = readonly [name: string, n: number, state: 'votes' | 'learns' | 'unstarted'];
/** An etcd with these members, of whom these do not answer. */
function etcd(lines: readonly Line[], away: readonly string[] = []): string {
  const list = lines.map(([name, n, state]) => {
    const at = `https://10.0.0.${11 + n}`;
    return state === 'unstarted'
      ? `${n}${n}ab, unstarted, , ${at}:2380, , true`
      : `${n}${n}ab, started, ${name}, ${at}:2380, ${at}:2379, ${state === 'learns'}`;
  });
  const health = lines
    .filter(([, , state]) => state === 'votes')
    .map(([name, n]) =>
      away.includes(name)
        ? `https://10.0.0.${11 + n}:2379 is unhealthy: failed to commit proposal: context deadline exceeded`
        : `https://10.0.0.${11 + n}:2379 is healthy: successfully committed proposal: took = 3ms`,
    );
  const say = (some: readonly string[]): string => `printf '%s\\n' ${some.map((l) => `'${l}'`).join(' ')}`;
  program('timeout', 'shift; exec "$@"');
  program(
    'kubectl',
    `case $* in *readyz) echo ok ;; *'member list'*) ${say(list)} ;; *'endpoint health'*) ${say(health)} ;; esac`,
  );
  return join(root, 'bin');
}
const silent = (): string => {
  const path = etcd([]);
  program('kubectl', 'exit 1');
  return path;
};

describe('etcd before another member comes', () => {
  const quorum = (): Step => one(quorumSteps(at('cp-0')), 'join/quorum');

  it('is asked nothing where there is one control plane', () => {
    expect(quorumSteps(scene())).toEqual([]);
  });

  it.each([
    [
      'all vote and answer',
      [
        ['cp-0', 0, 'votes'],
        ['cp-1', 1, 'votes'],
      ],
      [],
      'all healthy',
    ],
    [
      'one is away',
      [
        ['cp-0', 0, 'votes'],
        ['cp-1', 1, 'votes'],
      ],
      ['cp-1'],
      'not healthy: cp-1',
    ],
    [
      'one still learns',
      [
        ['cp-0', 0, 'votes'],
        ['cp-1', 1, 'learns'],
      ],
      [],
      'all healthy',
    ],
  ] as const)('%s', (_, lines, away, said) => {
    expect(read(quorum(), etcd(lines, away))).toBe(said);
  });

  it('is not taken for well when it does not answer', () => {
    expect(read(quorum(), silent())).toBe('etcd does not answer');
  });

  const stale = (members: readonly string[], keeping: readonly string[] = []): Step =>
    one(quorumSteps(at('cp-0', members, keeping)), 'join/no-stale-members');

  it('keeps who has joined, and lets go of who is yet to', () => {
    const path = etcd([
      ['cp-0', 0, 'votes'],
      ['cp-1', 1, 'votes'],
      ['', 2, 'unstarted'],
    ]);
    expect(read(stale(['cp-0', 'cp-1', 'cp-2']), path)).toBe('none');
    expect(read(stale(['cp-0', 'cp-1']), path)).toBe('22ab of https://10.0.0.13:2380');
    expect(runPiece(stale(['cp-0', 'cp-1']), 'make', path).status).toBe(0);
    expect(
      calls()
        .match(/^kubectl .*member remove .*$/gm)
        ?.map((c) => c.replace(/.*remove/, 'remove')),
    ).toEqual(['remove 22ab']);
  });

  it('keeps a member that votes and is well, though its host looks as if it had yet to join, or was not asked', () => {
    const all = [
      ['cp-0', 0, 'votes'],
      ['cp-1', 1, 'votes'],
      ['cp-2', 2, 'votes'],
    ] as const;
    expect(read(stale(['cp-0', 'cp-1']), etcd(all))).toBe('none');
    expect(read(stale(['cp-0', 'cp-1']), etcd(all, ['cp-2']))).toBe('22ab of https://10.0.0.13:2380');
    // It may be starting: what it keeps is a vote that can come back.
    expect(read(stale(['cp-0', 'cp-1'], ['cp-2']), etcd(all, ['cp-2']))).toBe('none');
    const learning = [...all.slice(0, 2), ['cp-2', 2, 'learns']] as const;
    expect(read(stale(['cp-0', 'cp-1'], ['cp-2']), etcd(learning))).toBe('22ab of https://10.0.0.13:2380');
    const unasked = { ...at('cp-0'), hosts: {} };
    expect(read(one(quorumSteps(unasked), 'join/no-stale-members'), etcd(all, ['cp-2']))).toBe('none');
  });

  it('never takes one address for the beginning of another', () => {
    const path = etcd([
      ['cp-0', 0, 'votes'],
      ['other', 108, 'votes'],
    ]);
    const near = {
      ...at('cp-0', ['cp-0']),
      cluster: { ...THREE, nodes: [control(0), { ...control(1), address: '10.0.0.1' }] },
    };
    expect(read(one(quorumSteps(near), 'join/no-stale-members'), path)).toBe('none');
  });
});

describe('a control plane that has joined', () => {
  it.each([
    [
      'has a vote',
      [
        ['cp-0', 0, 'votes'],
        ['cp-1', 1, 'votes'],
      ],
      [],
      'cp-1 votes',
    ],
    [
      'still learns',
      [
        ['cp-0', 0, 'votes'],
        ['cp-1', 1, 'learns'],
      ],
      [],
      'cp-1 still learns',
    ],
    ['is not there', [['cp-0', 0, 'votes']], [], 'cp-1 is no member'],
    [
      'votes beside one that is away',
      [
        ['cp-0', 0, 'votes'],
        ['cp-1', 1, 'votes'],
      ],
      ['cp-0'],
      'not healthy: cp-0',
    ],
  ] as const)('%s', (_, lines, away, said) => {
    expect(read(votingStep(at('cp-1')), etcd(lines, away))).toBe(said);
  });

  it('is the first one’s business, nor a worker’s', () => {
    expect(joinControlPlaneSteps(at('cp-0'))).toEqual([]);
    expect(joinControlPlaneSteps(at('cp-2')).map(({ id }) => id)).toContain('join/etcd-member');
  });
});

describe('what a control plane is handed over', () => {
  const KEY = '7'.repeat(64);
  const JOIN = `kubeadm join x:6443 --token tok123.0123456789abcdef --discovery-token-ca-cert-hash sha256:55 `;

  it('is a token, the hash and one key for all, of which nothing is printed', () => {
    const path = etcd([]);
    program(
      'kubeadm',
      `case $* in token*) echo '${JOIN}' ;; *upload-certs*) echo 'Using certificate key:'; echo ${KEY} ;; esac`,
    );
    const step = one(ticketSteps(at('cp-0', ['cp-0'])), 'join/ticket');
    const text = `given=${root}/given\n( set -eu\n${step.make?.text}\n) 2>&1; echo "ended $?"; cat "$given"/join-cp-2`;
    const said = runPiece({ ...step, read: { ...step.read, text } }, 'read', path).stdout;
    expect(said).toBe(`ended 0\ntok123.0123456789abcdef sha256:55 ${KEY}`);
    expect(calls().match(/upload-certs --upload-certs/g)).toHaveLength(1);
    expect(calls()).not.toMatch(/0123456789abcdef|7777/);
  });

  it('is taken back whole: the token, the sealed keys and what keeps them', () => {
    const [step] = closingSteps(at('cp-0')) as readonly [Step];
    const sealed = btoa('Proxy for managing TTL for the kubeadm-certs secret');
    const path = etcd([]);
    program(
      'kubectl',
      `case $* in *readyz) echo ok ;; *'get secrets'*) printf '%s\\n' 'bootstrap-token-aaaaaa ${sealed}' 'bootstrap-token-bbbbbb ${btoa('mine')}' ;; esac`,
    );
    expect(read(step, path)).toBe('bootstrap-token-aaaaaa');
    expect(runPiece(step, 'make', path).status).toBe(0);
    const gone = calls()
      .match(/^kubectl .*delete secret \S+/gm)
      ?.map((c) => c.replace(/.*secret /, ''));
    expect(gone).toEqual(['bootstrap-token-aaaaaa', 'kubeadm-certs']);
  });
});
