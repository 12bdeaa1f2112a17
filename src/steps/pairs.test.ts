import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HARBOUR, read, scene, standIn } from '../../test/steps/scene.ts';
import { FACTS } from '../../test/report/sample.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { NEIGHBOURS, pairSteps, peersOf, questionsOf } from './pairs.ts';
import type { Scene } from './phase.ts';

const plane = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: false,
});
const worker = (n: number): Node => ({
  name: `worker-${n}`,
  role: 'worker',
  address: `10.0.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`,
  workloads: true,
});
const many = (planes: number, workers: number): readonly Node[] => [
  ...Array.from({ length: planes }, (_, n) => plane(n)),
  ...Array.from({ length: workers }, (_, n) => worker(n)),
];

function at(
  name: string,
  nodes: readonly Node[],
  more: Partial<Cluster> = {},
  of: (node: Node) => Partial<Facts> = () => ({}),
): Scene {
  const cluster = { ...HARBOUR, nodes, ...more };
  const node = nodes.find((one) => one.name === name);
  if (node === undefined) throw new Error(name);
  const hosts = Object.fromEntries(nodes.map((one) => [one.name, { ...FACTS, ...of(one) }]));
  return { ...scene(cluster), node, hosts, facts: { ...FACTS, ...of(node) } };
}
const asked = (where: Scene, peer: string, all = false): readonly string[] =>
  where.cluster.nodes
    .filter(({ name }) => name === peer)
    .flatMap((node) => questionsOf(where, node, all).map(({ kind, what }) => `${kind} ${what}`));

describe('who asks whom', () => {
  it('control planes everybody, workers the control planes and their neighbours: never all of all', () => {
    const nodes = many(3, 997);
    const of = (name: string): readonly string[] => peersOf(at(name, nodes)).map((node) => node.name);
    expect(of('cp-1')).toHaveLength(999);
    expect(of('worker-5')).toEqual([
      'cp-0',
      'cp-1',
      'cp-2',
      ...Array.from({ length: NEIGHBOURS }, (_, n) => `worker-${6 + n}`),
    ]);
    expect(of('worker-996')).toEqual([
      'cp-0',
      'cp-1',
      'cp-2',
      ...Array.from({ length: NEIGHBOURS - 3 }, (_, n) => `worker-${n}`),
    ]);
  });

  it('and what: as much as they will say to each other', () => {
    const nodes = many(2, 2);
    const virtual = { endpoint: { ...HARBOUR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } } };
    expect(asked(at('cp-0', nodes, virtual), 'cp-1')).toEqual([
      'tcp 6443',
      'tcp 2379',
      'tcp 2380',
      'tcp 10250',
      'udp 8472',
      'vrrp 112',
      'size 1500',
      'rtt 0',
    ]);
    expect(asked(at('cp-0', nodes), 'worker-0')).toEqual(['tcp 10250', 'udp 8472', 'size 1500']);
    expect(asked(at('worker-0', nodes), 'cp-0')).toEqual(['tcp 6443', 'udp 8472', 'size 1500']);
    expect(asked(at('worker-0', nodes), 'worker-1')).toEqual(['udp 8472', 'size 1500']);
    const running = at('cp-0', nodes, virtual, ({ name }) => ({
      keepalived: true as const,
      ...(name === 'cp-1' ? { addresses: [{ device: 'eth0', address: '10.0.0.10', prefix: 32 }] } : {}),
    }));
    expect(asked(running, 'cp-1', true)).toEqual(expect.arrayContaining(['adverts 112']));
    expect(asked(running, 'cp-1', true)).not.toContain('vrrp 112');
  });

  it('nobody any more once all are members; only newcomers, and not what rules of ours do not know yet', () => {
    const nodes = many(1, 2);
    const member = { member: true as const };
    expect(pairSteps(at('cp-0', nodes, {}, () => member))).toEqual([]);
    expect(pairSteps(at('cp-0', many(1, 0)))).toEqual([]);
    const joins = (name: string): Scene =>
      at(name, nodes, {}, (one) => (one.name === 'worker-1' ? {} : { ...member, firewall: true as const }));
    expect(pairSteps(joins('worker-0'))[0]?.read.text).toContain('worker-1');
    expect(pairSteps(joins('worker-0'))[0]?.read.text).not.toContain('cp-0');
    expect(asked(joins('worker-1'), 'cp-0')).toEqual(['size 1500']);
    // Whose plugin runs already takes the question for a packet of a pod, and answers nothing.
    const linked = at('worker-0', nodes, {}, () => ({
      links: [{ device: 'flannel.1', mac: '', mtu: 1450 }],
    }));
    expect(asked(linked, 'worker-1')).toEqual(['size 1500']);
  });
});

describe('what the answers say', () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'landfall-pairs-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** The reading of cp-0 where its programs answer so. */
  function reading(says: {
    tcp?: string;
    udp?: string;
    large?: boolean;
    small?: boolean;
    ms?: string;
    vrrp?: boolean;
    ahead?: string;
  }): string {
    const {
      tcp = 'echo "connect: Connection refused" >&2; exit 1',
      udp = 'echo "read error: Connection refused" >&2; exit 1',
    } = says;
    const { large = true, small = true, ms = '0.300', vrrp = true, ahead = '' } = says;
    // timeout SECONDS bash -c SCRIPT ADDRESS PORT
    standIn(
      root,
      'timeout',
      `case $4 in *udp*) if [ "$6" = 9 ]; then echo 'Connection refused' >&2; exit 1; fi; ${udp} ;; *) ${tcp} ;; esac`,
    );
    standIn(
      root,
      'ping',
      `case "$*" in *'-M do'*) ${large ? 'exit 0' : 'exit 1'} ;; *) echo 'rtt min/avg/max/mdev = ${ms}/9/9/9 ms'; ${small ? 'exit 0' : 'exit 1'} ;; esac`,
    );
    const path = standIn(
      root,
      'perl',
      `for last; do :; done; case $last in 112) ${vrrp ? 'exit 0' : 'exit 1'} ;; 253) exit 0 ;; *) ${ahead === '' ? 'exit 1' : `printf %s ${ahead}`} ;; esac`,
    );
    const virtual = { endpoint: { ...HARBOUR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } } };
    const keep = { host: { ...HARBOUR.host, time: { ...HARBOUR.host.time, service: 'keep' as const } } };
    const [one] = pairSteps(at('cp-0', many(2, 0), { ...virtual, ...keep }));
    if (one === undefined) throw new Error('nothing is asked');
    return read(one, path);
  }

  it.each([
    [{}, 'all reached'],
    [{ tcp: 'exit 0' }, 'all reached'],
    [
      { tcp: 'exit 124' },
      ['10250', '2379', '2380', '6443'].map((port) => `cp-1 tcp ${port} silent`).join('\n'),
    ],
    [
      { tcp: 'echo "No route to host" >&2; exit 1' },
      ['10250', '2379', '2380', '6443'].map((port) => `cp-1 tcp ${port} unreachable`).join('\n'),
    ],
    [{ udp: 'exit 142' }, 'cp-1 udp 8472 silent'],
    [{ large: false }, 'cp-1 size 1500 lost'],
    [{ large: false, small: false }, 'all reached'],
    [{ ms: '80.2' }, 'cp-1 rtt 0 80.2'],
    [{ vrrp: false }, 'cp-1 vrrp 112 silent'],
    [{ ahead: '-3' }, 'all reached'],
    [{ ahead: '4100' }, 'cp-1 clock 0 4100'],
    [{ ahead: '-1001' }, 'cp-1 clock 0 -1001'],
  ])('%j: %s', (says, told) => {
    expect(reading(says)).toBe(told);
    const [one] = pairSteps(at('cp-0', many(2, 0)));
    for (const line of told === 'all reached' ? [] : told.split('\n'))
      expect([line, one?.clues?.some(({ match }) => match.test(line))]).toEqual([line, true]);
  });
});
