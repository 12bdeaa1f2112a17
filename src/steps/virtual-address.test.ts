import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  allSteps,
  HARBOUR,
  inRoot,
  put,
  read,
  runPiece,
  scene,
  standIn,
  step,
} from '../../test/steps/scene.ts';
import { FACTS } from '../../test/report/sample.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { certificateNames } from './kubeadm-config.ts';
import type { Scene } from './phase.ts';

const plane = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: true,
});
const endpoint = { ...HARBOUR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } };
const ONE: Cluster = { ...HARBOUR, endpoint };
const THREE: Cluster = {
  ...ONE,
  nodes: [
    plane(0),
    plane(1),
    plane(2),
    { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true },
  ],
};

const factsOf = (n: number, more: Partial<Facts> = {}): Facts => ({
  ...FACTS,
  hostname: `cp-${n}`,
  addresses: [{ device: 'eth0', address: `10.0.0.${11 + n}`, prefix: 24 }],
  links: [{ device: 'eth0', mac: `52:54:00:00:00:1${n + 1}`, mtu: 1500 }],
  defaultAddress: `10.0.0.${11 + n}`,
  ...more,
});

/** The scene of a control plane of {@link THREE}, with what was seen of all of them. */
function at(n: number, more: Partial<Facts> = {}, cluster: Cluster = THREE): Scene {
  const hosts = Object.fromEntries(
    [0, 1, 2].map((i) => [`cp-${i}`, i === n ? factsOf(i, more) : factsOf(i)]),
  );
  const node = cluster.nodes[n];
  if (node === undefined) throw new Error('no such node');
  return { ...scene(cluster), node, facts: hosts[node.name] ?? factsOf(n), hosts };
}

const conf = (scene: Scene): string => step('endpoint/settings', scene).want;
const ids = (scene: Scene): readonly string[] => allSteps(scene).map(({ id }) => id);

describe('what keepalived is told', () => {
  it('is one rule for all: among equals the address stays, and who is well outbids who is not', () => {
    for (const n of [0, 1, 2]) {
      expect(conf(at(n))).toMatch(/^ {2}priority 40$/m);
      expect(conf(at(n))).toMatch(/^ {2}weight 60$/m);
      expect(conf(at(n))).toMatch(/^ {2}state BACKUP$/m);
      // With it the address would stay with a host whose API server has died.
      expect(conf(at(n))).not.toContain('nopreempt');
    }
  });

  it('lets the first hold the address before there is an API server, and the others only as members', () => {
    const written = (n: number): string => step('endpoint/settings', at(n)).make?.text ?? '';
    expect(written(0)).not.toContain('vrrp_script member');
    for (const n of [1, 2]) {
      expect(written(n)).toContain('script "/usr/bin/test -e /etc/kubernetes/landfall/initialised"');
      expect(written(n)).toMatch(/track_script \{\n {4}api_server\n {4}member\n/);
      // Without a weight, its failing is a reason not to bid at all.
      expect(/vrrp_script member \{[^}]*\}/.exec(written(n))?.[0]).not.toContain('weight');
    }
  });

  it('names the other control planes, and no worker', () => {
    expect(conf(at(1))).toContain(
      '  unicast_src_ip 10.0.0.12\n  unicast_peer {\n    10.0.0.11\n    10.0.0.13\n  }',
    );
    expect(conf(at(1))).not.toContain('mcast');
    // An empty list would mean everybody in the network who listens to VRRP, routers among them.
    expect(conf(scene(ONE))).not.toContain('unicast');
    expect(conf(scene(ONE))).toMatch(/^ {2}vrrp_mcast_group4 224\.0\.0\.254$/m);
  });

  it('takes the device of the own address, or the one that is written', () => {
    const addresses = [
      { device: 'eth0', address: '192.0.2.7', prefix: 24 },
      { device: 'bond0', address: '10.0.0.12', prefix: 24 },
    ];
    expect(conf(at(1, { addresses }))).toContain('interface bond0\n');
    const written = {
      ...THREE,
      endpoint: { ...endpoint, virtual: { ...endpoint.virtual, interface: 'br0' } },
    };
    expect(conf(at(1, { addresses }, written))).toContain('    10.0.0.10/32 dev br0\n');
  });

  describe('on the disk', () => {
    let root = '';
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'landfall-'));
    });
    afterEach(() => rmSync(root, { recursive: true, force: true }));
    /** The control plane in the place of the one that leads, and in that of one that joins. */
    const leads = at(0, {}, { ...THREE, nodes: [plane(1), plane(0), plane(2)] });
    const joins = at(1);
    const one = (scene: Scene) => inRoot(root, step('endpoint/settings', scene));
    const lay = (scene: Scene, change = (text: string) => text): void => {
      runPiece(one(scene), 'make');
      const path = join(root, 'etc/keepalived/keepalived.conf');
      writeFileSync(path, change(readFileSync(path, 'utf8')));
    };
    const seen = (scene: Scene): string => read(one(scene)).replaceAll(root, '');

    it('is the same for a member while it leads in another’s place, and not for one that is yet to join', () => {
      expect(seen(leads)).toBe('absent');
      lay(joins);
      expect(seen(joins)).toBe(one(joins).want);
      expect(seen(leads)).not.toBe(one(leads).want);
      put(root, 'etc/kubernetes/landfall/initialised', '');
      expect(seen(leads)).toBe(one(leads).want);
      expect(seen(joins)).toBe(one(joins).want);
    });

    it('is told otherwise by every other change, and where nothing holds back one that joins', () => {
      put(root, 'etc/kubernetes/landfall/initialised', '');
      for (const [from, to] of [
        ['priority 40', 'priority 90'],
        ['    10.0.0.13\n', ''],
        ['fall 2', 'fall 3'],
      ] as const) {
        lay(joins, (text) => text.replace(from, to));
        expect(seen(joins), from).not.toBe(one(joins).want);
        expect(seen(leads), from).not.toBe(one(leads).want);
      }
      lay(joins, (text) => text.replace('    member\n', ''));
      expect(seen(joins)).not.toBe(one(joins).want);
    });
  });

  it('asks this very host’s API server, at its own address', () => {
    const script = step('endpoint/api-ready', at(1)).want;
    expect(script).toContain('--cacert /etc/kubernetes/pki/ca.crt https://10.0.0.12:6443/readyz');
    expect(script).toMatch(/^0755 root:root\n#!\/bin\/sh\n/);
  });
});

describe('a virtual address', () => {
  it('is where the kept name leads, on every node, and in the certificate beside it', () => {
    for (const node of THREE.nodes)
      expect(step('prepare/endpoint-name', { ...at(0), node }).want).toBe('10.0.0.10 api.harbour.internal');
    expect(certificateNames(at(1))).toEqual([
      'api.harbour.internal',
      '10.0.0.10',
      '10.0.0.12',
      'localhost',
      '127.0.0.1',
    ]);
  });

  it('is held before kubeadm begins, and where it was never asked for there is nothing of it', () => {
    for (const [n, begins] of [
      [0, 'control-plane/init'],
      [1, 'join/member'],
    ] as const) {
      const own = ids(at(n));
      expect(own.indexOf('endpoint/running')).toBeGreaterThan(0);
      expect(own.indexOf('endpoint/held')).toBeGreaterThan(own.indexOf('endpoint/running'));
      expect(own.indexOf(begins)).toBeGreaterThan(own.indexOf('endpoint/held'));
    }
    const worker = THREE.nodes[3];
    if (worker === undefined) throw new Error('no worker');
    const none =
      /^endpoint\/(keepalived|curl|haproxy|servers|balancing|api-ready|settings|restart|running|held)$|^preflight\/(virtual-address|keepalived)$/;
    expect([...ids({ ...at(0), node: worker }), ...ids(scene())].filter((id) => none.test(id))).toEqual([]);
  });
});

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A host whose `ip` says this. */
function network(says: {
  readonly own?: string;
  readonly held?: boolean;
  readonly neighbour?: string;
  readonly device?: boolean;
}): string {
  const { own = '10.0.0.12/24', held = false, neighbour = '', device = true } = says;
  standIn(
    root,
    'ip',
    `case "$*" in
      'link show dev '*) ${device ? ':' : 'exit 1'} ;;
      *'addr show to '*) ${held ? "echo '2: eth0 inet 10.0.0.10/32 scope global eth0'" : ':'} ;;
      *'addr show dev '*) echo '2: eth0    inet ${own} brd 10.0.0.255 scope global eth0'; ${held ? "echo '2: eth0    inet 10.0.0.10/32 scope global eth0'" : ':'} ;;
      *'neigh show '*) echo '${neighbour}' ;;
    esac`,
  );
  return standIn(root, 'bash', 'exit 1');
}

describe('whether the address is to be had', () => {
  const FIT = 'in the network of the host, and nobody else has it';
  const seen = (says: Parameters<typeof network>[0], where: Scene = at(1)): string =>
    read(step('preflight/virtual-address', where), network(says));

  it('when it lies in the network of the device, and nobody or one of ours answers', () => {
    expect(seen({})).toBe(FIT);
    expect(seen({ held: true })).toBe(FIT);
    expect(seen({ neighbour: '10.0.0.10 lladdr 52:54:00:00:00:11 REACHABLE' })).toBe(FIT);
    expect(seen({ neighbour: '10.0.0.10 FAILED' })).toBe(FIT);
  });

  it('not when somebody else has it; but who was not asked is no stranger', () => {
    const stranger = { neighbour: '10.0.0.10 lladdr 52:54:00:00:00:99 STALE' };
    expect(seen(stranger)).toBe('somebody else has it: 52:54:00:00:00:99');
    const asked = at(1);
    expect(seen(stranger, { ...asked, hosts: { 'cp-1': asked.facts } })).toBe(FIT);
  });

  it.each([
    ['10.0.1.12/24', 'in no network of eth0, which has 10.0.1.12/24'],
    ['10.0.0.12/30', 'in no network of eth0, which has 10.0.0.12/30'],
    ['10.0.0.9/30', FIT],
    ['10.0.0.12/31', 'in no network of eth0, which has'],
    ['10.0.0.12/16', FIT],
  ])('with %s on the device: %s', (own, said) => {
    expect(seen({ own })).toBe(said);
  });

  it('not when it is the first or the last of its network, or the device is not there', () => {
    const other = (address: string): Scene =>
      at(1, {}, { ...THREE, endpoint: { ...endpoint, virtual: { address, routerId: 1 } } });
    expect(seen({}, other('10.0.0.0'))).toBe('the first address of 10.0.0.12/24');
    expect(seen({}, other('10.0.0.255'))).toBe('the last address of 10.0.0.12/24');
    expect(seen({ device: false })).toBe('there is no device eth0');
  });

  it('not when two hosts hold it at once', () => {
    const one = at(1);
    const both = {
      ...one,
      hosts: {
        ...one.hosts,
        'cp-2': factsOf(2, { addresses: [{ device: 'eth0', address: '10.0.0.10', prefix: 32 }] }),
      },
    };
    expect(seen({ held: true }, both)).toBe('held here and by cp-2');
    expect(seen({ held: false }, both)).toBe(FIT);
  });

  it('not where keepalived has a file of somebody else', () => {
    const free = (): string => read(inRoot(root, step('preflight/keepalived', at(0))));
    expect(free()).toBe('free');
    put(root, 'etc/keepalived/keepalived.conf', 'vrrp_instance office {\n}\n');
    expect(free()).toBe('used for something else');
    // What a package has brought is nobody's.
    const brought = createHash('md5').update('vrrp_instance office {\n}\n').digest('hex');
    put(
      root,
      'bin/dpkg-query',
      `#!/bin/sh\nprintf ' %s %s\\n' ${root}/etc/keepalived/keepalived.conf ${brought}\n`,
      0o755,
    );
    expect(read(inRoot(root, step('preflight/keepalived', at(0))), join(root, 'bin'))).toBe('free');
    // On a host of ours it was changed by hand, and is written anew.
    put(root, 'etc/kubernetes/landfall/cluster', 'harbour\n');
    expect(free()).toBe('free');
  });
});

describe('whether the address is held', () => {
  const held = (says: Parameters<typeof network>[0]): string =>
    read(step('endpoint/held', at(0)), network(says));

  it('is seen here, or by who answers for it', () => {
    expect(held({ held: true })).toBe('held');
    expect(held({ neighbour: '10.0.0.10 lladdr 52:54:00:00:00:12 REACHABLE' })).toBe('held');
    expect(held({ neighbour: '10.0.0.10 FAILED' })).toBe('held by nobody');
    expect(held({})).toBe('held by nobody');
  });
});
