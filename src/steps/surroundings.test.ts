import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { put, standIn } from '../../test/steps/scene.ts';
import { networkOf, overlap } from '../model/network.ts';
import { parseSurroundings, surroundingsScript } from './surroundings.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What a host answers whose programs say this. */
function ask(routes: string, sockets = ''): string {
  // The main table alone is not all a host goes by.
  standIn(root, 'ip', `[ "$*" = '-4 -o route show table all' ] || exit 1\ncat <<'END'\n${routes}\nEND`);
  const path = standIn(root, 'ss', `cat <<'END'\n${sockets}\nEND`);
  const script = surroundingsScript()
    .replace('PATH=', `PATH=${path}:`)
    .replaceAll(/(?<= )\/(etc|run)\//g, `${root}/$1/`);
  return spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' }).stdout;
}

const ETH0 = { addresses: [{ device: 'eth0', address: '10.0.0.11', prefix: 24 }] };
const told = (output: string, facts: Parameters<typeof parseSurroundings>[1] = ETH0): readonly string[] =>
  parseSurroundings(output, facts).map(({ network, what }) => `${network.text} ${what}`);

describe('the networks around a host', () => {
  it('are where its routes lead, of every table', () => {
    const routes = `default via 10.0.0.1 dev eth0 proto static
10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.11
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown
100.100.100.100 dev tailscale0 table 52
unreachable 192.168.0.0/16 metric 4278198272
10.9.0.0/16 proto static nexthop via 10.0.0.2 dev eth1 weight 1
local 10.0.0.11 dev eth0 table local proto kernel scope host src 10.0.0.11
broadcast 10.0.0.255 dev eth0 table local proto kernel scope link src 10.0.0.11
127.0.0.0/8 dev lo
169.254.0.0/16 dev eth0 scope link metric 1000`;
    expect(told(ask(routes))).toEqual([
      '10.0.0.0/24 eth0',
      '172.17.0.0/16 docker0',
      '100.100.100.100/32 tailscale0',
      '192.168.0.0/16 a route to nothing',
      '10.9.0.0/16 eth1',
    ]);
  });

  it('are not what an earlier life as a node has left', () => {
    const routes = `10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1
10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink
10.244.0.7 dev cali0123456789a scope link
blackhole 10.9.0.0/26 proto 80
blackhole 10.9.0.64/26 proto bird
10.0.3.0/24 dev lxcbr0 proto kernel scope link src 10.0.3.1`;
    const addresses = [...ETH0.addresses, { device: 'cni0', address: '10.244.0.1', prefix: 24 }];
    expect(told(ask(routes), { addresses })).toEqual(['10.0.0.0/24 eth0', '10.0.3.0/24 lxcbr0']);
  });

  it('are those of its name servers, of the names it knows, and of whoever is logged in', () => {
    put(root, 'etc/resolv.conf', 'search example.net\nnameserver 127.0.0.53\noptions edns0\n');
    put(root, 'run/systemd/resolve/resolv.conf', 'nameserver 10.96.0.53\nnameserver 2001:db8::53\n');
    put(
      root,
      'etc/hosts',
      '127.0.0.1 localhost\n10.244.3.4 db db.example.net # the old one\n# 10.1.1.1 x\n::1 me\n',
    );
    const sockets = `0 0 10.0.0.11:22 10.200.7.9:50122 users:(("sshd",pid=812,fd=4),("sshd",pid=806,fd=4))
0 0 [::ffff:10.0.0.11]:22 [::ffff:10.201.7.9]:50124 users:(("sshd-session",pid=813,fd=4))
0 0 10.0.0.11:52034 10.202.1.1:443 users:(("curl",pid=900,fd=5))`;
    expect(told(ask('', sockets))).toEqual([
      '10.0.0.0/24 eth0',
      '10.96.0.0/24 name server 10.96.0.53',
      '10.244.3.4/32 db in its /etc/hosts',
      '10.200.7.0/24 logged in from 10.200.7.9',
      '10.201.7.0/24 logged in from 10.201.7.9',
    ]);
  });

  it('are asked of this very machine without a word on standard error', () => {
    const { status, stderr, stdout } = spawnSync('dash', ['-s'], {
      input: surroundingsScript(),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^(resolver|name) /m);
  });

  it('are each told once, and none within another; whatever was told is covered', () => {
    const network = fc
      .tuple(fc.constantFrom('10.0', '10.1', '172.16'), fc.nat(3), fc.integer({ min: 9, max: 32 }))
      .map(([start, third, prefix]) => networkOf(`${start}.${third}.0`, prefix));
    fc.assert(
      fc.property(fc.array(network, { maxLength: 12 }), (networks) => {
        const seen = parseSurroundings(networks.map(({ text }) => `route ${text} eth1`).join('\n'), {
          addresses: [],
        });
        for (const one of networks)
          expect(seen.some((s) => s.network.first <= one.first && one.last <= s.network.last)).toBe(true);
        for (const [i, a] of seen.entries())
          for (const b of seen.slice(i + 1)) expect(overlap(a.network, b.network)).toBe(false);
      }),
    );
  });

  it('are nothing where the host answers nonsense', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('route', 'resolver', 'name', 'login', 'x'), fc.string())),
        (said) => {
          const output = said.map(([word, rest]) => `${word} ${rest}`).join('\n');
          for (const { network } of parseSurroundings(output, { addresses: [] }))
            expect(network.prefix).toBeGreaterThan(0);
        },
      ),
    );
  });
});
