import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scene } from '../../test/steps/scene.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Firewall } from '../model/firewall.ts';
import { contains, networkOf } from '../model/network.ts';
import { firewallText, widest } from './firewall-text.ts';
import type { Scene } from './phase.ts';

const ENFORCE: Firewall = { mode: 'enforce', allow: [] };
const plane = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: false,
});
const worker = (n: number): Node => ({
  name: `worker-${n}`,
  role: 'worker',
  address: `10.0.0.${21 + n}`,
  workloads: true,
});
const NODES = [plane(0), plane(1), plane(2), worker(0), worker(1)];

function at(node: string, more: Partial<Cluster> = {}, facts: Partial<Facts> = {}): Scene {
  const cluster = { ...HARBOUR, host: { ...HARBOUR.host, ssh: {} }, nodes: NODES, ...more };
  const found = cluster.nodes.find(({ name }) => name === node);
  if (found === undefined) throw new Error(`no node ${node}`);
  return { ...scene(cluster, facts), node: found };
}

/** A packet that begins something, as a host sees it come in. */
interface Packet {
  readonly from: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'vrrp';
  readonly port: number;
  readonly source?: number;
  readonly device?: string;
}

/** Reads the rules as the kernel would, those words of nft that Landfall writes: what becomes of a packet, and by which rule. */
function judged(text: string, packet: Packet): string {
  const sets = new Map<string, readonly string[]>();
  for (const [, name = '', items = ''] of text.matchAll(/set (\w+) \{[^}]*elements = \{ ([^}]*) \}/g))
    sets.set(name, items.split(', '));
  const chains = new Map<string, readonly string[]>();
  for (const [, name = '', body = ''] of text.matchAll(/\tchain (\w+) \{\n(.*?)\n\t\}/gs))
    chains.set(
      name,
      body.split('\n').map((line) => line.trim()),
    );
  const isIn = (address: string, items: readonly string[]): boolean =>
    items.some((item) => {
      const [first = '', bits = '32'] = item.split('/');
      return contains(networkOf(first, Number(bits)), address);
    });
  const ports = (words: string): readonly string[] => words.replaceAll(/[{},]/g, ' ').trim().split(/\s+/);
  const number = { tcp: 6, udp: 17, icmp: 1, vrrp: 112 }[packet.protocol];
  const hit = (port: number, words: string): boolean =>
    ports(words).some((one) => {
      const [first = '', last = first] = one.split('-');
      return Number(first) <= port && port <= Number(last);
    });
  const matches: readonly (readonly [RegExp, (...words: string[]) => boolean])[] = [
    [/^ct state established,related /, () => false],
    [/^iif "lo" /, () => packet.device === 'lo'],
    [/^meta pkttype \{[^}]*\} /, () => false],
    [/^meta l4proto \{ icmp, ipv6-icmp \} /, () => packet.protocol === 'icmp'],
    [
      /^meta l4proto \{ tcp, udp \} th dport (\S+) /,
      (words) => number !== 1 && number !== 112 && hit(packet.port, words),
    ],
    [/^meta l4proto \{ tcp, udp \} update .*/, () => false],
    [/^meta l4proto (\d+) /, (words) => number === Number(words)],
    [/^ip saddr @(\w+) /, (words) => isIn(packet.from, sets.get(words) ?? [])],
    [/^ip saddr (\{[^}]*\}|\S+) /, (words) => isIn(packet.from, ports(words))],
    [/^(tcp|udp) sport (\d+) /, (of, words) => packet.protocol === of && packet.source === Number(words)],
    [/^(tcp|udp) dport (\{[^}]*\}|\S+) /, (of, words) => packet.protocol === of && hit(packet.port, words)],
    [/^(udp) sport (\d+) /, (_, words) => packet.source === Number(words)],
  ];
  const run = (chain: string): string | undefined => {
    for (const line of chains.get(chain) ?? []) {
      if (line.startsWith('type filter')) continue;
      let rest = line;
      let fits = true;
      for (let more = true; more; ) {
        more = false;
        for (const [pattern, test] of matches) {
          const found = pattern.exec(`${rest} `);
          if (found === null) continue;
          fits &&= test(...found.slice(1));
          rest = `${rest} `.slice(found[0].length).trim();
          more = rest !== '';
          break;
        }
      }
      if (!fits) continue;
      if (/^accept\b/.test(rest)) return `accept: ${line}`;
      if (/^(counter )?drop$/.test(rest)) return 'drop';
      if (/^counter accept$/.test(rest)) return 'audit';
      const [, to] = /^(?:jump|goto) (\w+)$/.exec(rest) ?? [];
      if (to === undefined) throw new Error(`not understood: ${line} (${rest})`);
      return run(to);
    }
    return undefined;
  };
  return run('input') ?? 'accept: policy';
}

const passes = (where: Scene, packet: Packet, firewall: Firewall = ENFORCE): boolean =>
  judged(firewallText(where, firewall), packet).startsWith('accept');
const tcp = (from: string, port: number): Packet => ({ from, protocol: 'tcp', port });
const OUTSIDE = '203.0.113.9';
const POD = '10.244.3.7';

describe('who is let in', () => {
  it('by everybody: sshd, the API server and NodePorts', () => {
    for (const port of [22, 6443, 30000, 32767])
      expect([port, passes(at('cp-0'), tcp(OUTSIDE, port))]).toEqual([port, true]);
    expect(passes(at('worker-0'), tcp(OUTSIDE, 6443))).toBe(false);
    expect(passes(at('worker-0'), tcp(OUTSIDE, 22))).toBe(true);
    expect(passes(at('worker-0'), { from: OUTSIDE, protocol: 'udp', port: 31000 })).toBe(true);
    expect(passes(at('worker-0'), { from: OUTSIDE, protocol: 'icmp', port: 0 })).toBe(true);
  });

  it('by control planes alone: etcd, not even from pods; by nodes: kubelet', () => {
    for (const port of [2379, 2380]) {
      expect(passes(at('cp-0'), tcp('10.0.0.12', port))).toBe(true);
      for (const from of ['10.0.0.21', OUTSIDE, POD])
        expect([from, passes(at('cp-0'), tcp(from, port))]).toEqual([from, false]);
    }
    for (const node of ['cp-0', 'worker-0']) {
      expect(passes(at(node), tcp('10.0.0.22', 10250))).toBe(true);
      expect(passes(at(node), tcp(POD, 10250))).toBe(true);
      for (const port of [10250, 10256, 10257, 10259, 111])
        expect(passes(at(node), tcp(OUTSIDE, port))).toBe(false);
    }
  });

  it.each([
    ['flannel', undefined, ['udp 8472'], ['udp 4789', 'tcp 179']],
    ['calico', 'vxlan', ['udp 4789', 'tcp 5473'], ['udp 8472', 'tcp 179']],
    ['calico', 'none', ['tcp 179', 'tcp 5473'], ['udp 4789']],
    ['cilium', undefined, ['udp 8472', 'tcp 4240'], ['udp 4789']],
  ] as const)('by nodes: what %s (%s) needs between them', (plugin, encapsulation, open, shut) => {
    const network = { ...HARBOUR.network, plugin, ...(encapsulation === undefined ? {} : { encapsulation }) };
    const where = at('worker-0', { network });
    const sees = (from: string, what: string): boolean => {
      const [protocol, port] = what.split(' ');
      return passes(where, { from, protocol: protocol as 'tcp' | 'udp', port: Number(port) });
    };
    for (const what of open)
      expect([what, sees('10.0.0.11', what), sees(OUTSIDE, what)]).toEqual([what, true, false]);
    for (const what of shut) expect([what, sees('10.0.0.11', what)]).toEqual([what, false]);
  });

  it('by control planes: VRRP, where there is an address to hold', () => {
    const virtual = { ...HARBOUR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } };
    const vrrp = (from: string): Packet => ({ from, protocol: 'vrrp', port: 0 });
    expect(passes(at('cp-0', { endpoint: virtual }), vrrp('10.0.0.12'))).toBe(true);
    for (const from of ['10.0.0.21', POD])
      expect(passes(at('cp-0', { endpoint: virtual }), vrrp(from))).toBe(false);
    expect(passes(at('cp-0'), vrrp('10.0.0.12'))).toBe(false);
    expect(passes(at('worker-0', { endpoint: virtual }), vrrp('10.0.0.12'))).toBe(false);
  });

  it('by who is named: admins for sshd and the API server, others for what they are allowed', () => {
    const firewall: Firewall = {
      mode: 'enforce',
      admins: ['192.0.2.0/24'],
      allow: [
        { port: 9100, protocol: 'tcp', from: ['nodes', '198.51.100.7'] },
        { port: 6800, through: 7300, protocol: 'tcp', from: ['10.9.0.0/16'] },
        { port: 443, protocol: 'udp' },
      ],
    };
    const may = (from: string, port: number): boolean => passes(at('cp-0'), tcp(from, port), firewall);
    expect(['192.0.2.1', OUTSIDE, '10.0.0.21'].map((from) => [may(from, 22), may(from, 6443)])).toEqual([
      [true, true],
      [false, false],
      [false, true],
    ]);
    expect(['10.0.0.22', '198.51.100.7', OUTSIDE].map((from) => may(from, 9100))).toEqual([
      true,
      true,
      false,
    ]);
    expect([6799, 6800, 7300, 7301].map((port) => may('10.9.1.1', port))).toEqual([false, true, true, false]);
    expect(passes(at('cp-0'), { from: OUTSIDE, protocol: 'udp', port: 443 }, firewall)).toBe(true);
  });

  it('everybody to HAProxy, where it stands before the API servers', () => {
    const virtual = { address: '10.0.0.10', routerId: 10, balance: true };
    const balanced = { endpoint: { ...HARBOUR.endpoint, port: 8443, virtual } };
    for (const port of [6443, 8443]) expect(passes(at('cp-0', balanced), tcp(OUTSIDE, port))).toBe(true);
    expect(passes(at('cp-0'), tcp(OUTSIDE, 8443))).toBe(false);
  });

  it('audit lets everybody in, and counts whom enforce would not', () => {
    const text = firewallText(at('cp-0'), { mode: 'audit', allow: [] });
    expect(judged(text, tcp(OUTSIDE, 10250))).toBe('audit');
    expect(text).not.toMatch(/\bdrop\b/);
  });
});

const addresses = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 }))
  .map((parts) => parts.join('.'));
const networks = fc
  .tuple(addresses, fc.integer({ min: 0, max: 32 }))
  .map(([address, prefix]) => (prefix === 32 ? address : networkOf(address, prefix).text));
const sources = fc.oneof(fc.constantFrom('nodes', 'pods'), networks);
const allowances = fc.record(
  {
    port: fc.integer({ min: 1, max: 65000 }),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    from: fc.array(sources, { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: ['port', 'protocol'] },
);
const firewalls: fc.Arbitrary<Firewall> = fc.record(
  {
    mode: fc.constantFrom('audit' as const, 'enforce' as const),
    allow: fc.array(allowances, { maxLength: 4 }),
    admins: fc.array(networks, { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: ['mode', 'allow'] },
);
const anywhere = fc.constantFrom(...NODES.map(({ name }) => name));

describe('whatever is wished', () => {
  it('sshd is reached by whoever may administer, on each port it has, had and is to have', () => {
    const port = fc.integer({ min: 1, max: 65535 });
    fc.assert(
      fc.property(
        firewalls,
        anywhere,
        addresses,
        port,
        port,
        port,
        (firewall, node, from, wish, now, before) => {
          const facts = { ssh: { by: 'service', login: 'root', ports: [now], before: [before] } } as const;
          const where = at(node, { host: { ...HARBOUR.host, ssh: { port: wish } } }, facts);
          const may =
            firewall.admins === undefined || firewall.admins.some((one) => widest([one, from]).length === 1);
          for (const one of [wish, now, before])
            if (may) expect(passes(where, tcp(from, one), firewall)).toBe(true);
        },
      ),
    );
  });

  it('etcd is closed to all but control planes, unless it is allowed by name', () => {
    fc.assert(
      fc.property(firewalls, addresses, fc.constantFrom(2379, 2380, 2381), (firewall, from, port) => {
        const calm = {
          ...firewall,
          mode: 'enforce',
          allow: firewall.allow.filter((one) => one.port !== port),
        } as const;
        fc.pre(!NODES.some(({ address, role }) => role === 'control-plane' && address === from));
        expect(
          passes(
            at('cp-1', {}, { ssh: { by: 'service', login: 'root', ports: [22] } }),
            tcp(from, port),
            calm,
          ),
        ).toBe(false);
      }),
    );
  });

  it('nodes reach what they need of each other', () => {
    fc.assert(
      fc.property(firewalls, anywhere, anywhere, (firewall, to, by) => {
        const from = NODES.find(({ name }) => name === by)?.address ?? '';
        const ports = to.startsWith('cp-')
          ? [6443, 10250, ...(by.startsWith('cp-') ? [2379, 2380] : [])]
          : [10250];
        for (const port of ports)
          expect([port, passes(at(to), tcp(from, port), firewall)]).toEqual([port, true]);
      }),
    );
  });

  it('enforce never drops what audit does not tell of, and the other way round', () => {
    fc.assert(
      fc.property(
        firewalls,
        anywhere,
        addresses,
        fc.integer({ min: 1, max: 65535 }),
        (firewall, node, from, port) => {
          const as = (mode: 'audit' | 'enforce'): string =>
            judged(firewallText(at(node), { ...firewall, mode }), tcp(from, port));
          expect(as('enforce') === 'drop').toBe(as('audit') === 'audit');
        },
      ),
    );
  });

  it('the same nodes in another order are the same rules', () => {
    const reversed = at('worker-0', { nodes: [plane(0), ...NODES.slice(1).toReversed()] });
    expect(firewallText(reversed, ENFORCE)).toBe(firewallText(at('worker-0'), ENFORCE));
  });

  const nft = spawnSync('unshare', ['-n', 'nft', 'list', 'ruleset']).status === 0;
  it.runIf(nft)('nft takes it', () => {
    fc.assert(
      fc.property(firewalls, anywhere, (firewall, node) => {
        const input = firewallText(at(node), firewall);
        const { status, stderr } = spawnSync('unshare', ['-n', 'nft', '-f', '-'], {
          input,
          encoding: 'utf8',
        });
        expect([status, stderr]).toEqual([0, '']);
      }),
      { numRuns: 25 },
    );
  });
});

describe('networks in one set', () => {
  it('none lies in another, and none is lost', () => {
    expect(widest(['10.0.0.0/8', '10.1.0.0/16', '192.0.2.1', '192.0.2.1'])).toEqual([
      '10.0.0.0/8',
      '192.0.2.1',
    ]);
    fc.assert(
      fc.property(fc.array(networks, { maxLength: 8 }), addresses, (some, address) => {
        const holds = (list: readonly string[]): boolean =>
          list.some((text) => {
            const [first = '', bits = '32'] = text.split('/');
            return contains(networkOf(first, Number(bits)), address);
          });
        const found = widest(some);
        expect(holds(found)).toBe(holds(some));
        expect(widest(found)).toEqual(found);
      }),
    );
  });
});
