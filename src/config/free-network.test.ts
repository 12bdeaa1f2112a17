import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cidr, networkOf, overlap, parseCidr } from '../model/network.ts';
import type { Seen } from '../model/surroundings.ts';
import { proposeNetwork, proposeNetworks } from './free-network.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';
import { initialText } from './write.ts';

function cidr(text: string): Cidr {
  const network = parseCidr(text);
  if (typeof network === 'string') throw new Error(`${text}: ${network}`);
  return network;
}
const seen = (...networks: readonly string[]): readonly Seen[] =>
  networks.map((text) => ({ network: cidr(text), what: 'eth0' }));

/** Routes as hosts have them: private ones above all, many of them where the usual networks are. */
const ROUTES = fc.array(
  fc
    .tuple(
      fc.oneof(
        fc.constantFrom(
          '10.244',
          '10.96',
          '10.200',
          '10.100',
          '172.20',
          '172.21',
          '192.168',
          '100.64',
          '10.0',
        ),
        fc.tuple(fc.constantFrom(10, 172, 192, 100), fc.nat(255)).map(([a, b]) => `${a}.${b}`),
      ),
      fc.nat(255),
      fc.nat(255),
      fc.oneof(fc.integer({ min: 8, max: 32 }), fc.integer({ min: 1, max: 32 })),
    )
    .map(
      ([start, c, d, prefix]): Seen => ({
        network: networkOf(`${start}.${c}.${d}`, prefix),
        what: 'eth0',
      }),
    ),
  { maxLength: 30 },
);

describe('the networks that are proposed', () => {
  it('share no address with anything seen, nor with each other, and a cluster can have them', () => {
    fc.assert(
      fc.property(ROUTES, (routes) => {
        const { pods, services } = proposeNetworks(routes);
        for (const proposal of [pods, services]) {
          if (proposal === undefined) continue;
          expect(routes.filter(({ network }) => overlap(network, proposal.network))).toEqual([]);
        }
        if (pods === undefined || services === undefined) return;
        expect(overlap(pods.network, services.network)).toBe(false);
        const text = initialText({
          name: 'harbour',
          network: { pods: pods.network.text, services: services.network.text },
          nodes: [{ name: 'cp-0', role: 'control-plane', address: 'gate' }],
        });
        expect(readCluster(asText('cluster.yaml', text)).cluster.network).toMatchObject({
          pods: pods.network.text,
          services: services.network.text,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('are found wherever a /24 is left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.constantFrom('pods', 'services'), (third, key) => {
        const hole = networkOf(`192.168.${third}.0`, 24);
        // Everything but the hole, as the networks on the way down to it.
        const around = Array.from({ length: 8 }, (_, i): Seen => {
          const prefix = 17 + i;
          const size = 2 ** (32 - prefix);
          const mine = networkOf(`192.168.${third}.0`, prefix);
          const other = mine.first % (2 * size) === 0 ? mine.first + size : mine.first - size;
          const address = [24, 16, 8, 0].map((shift) => Math.floor(other / 2 ** shift) % 256).join('.');
          return { network: networkOf(address, prefix), what: 'eth0' };
        });
        const others = seen('10.0.0.0/8', '172.16.0.0/12', '100.64.0.0/10');
        expect(proposeNetwork(key, [...around, ...others])?.network).toEqual(hole);
        expect(proposeNetwork(key, [...around, ...others, ...seen(hole.text)])).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it('are the usual ones when nothing is in the way, and say what was', () => {
    const free = proposeNetworks(seen('10.0.0.0/24', '172.17.0.0/16'));
    expect([free.pods?.network.text, free.services?.network.text]).toEqual(['10.244.0.0/16', '10.96.0.0/16']);
    expect([free.pods?.passed, free.services?.passed]).toEqual([[], []]);
    const taken = proposeNetworks(seen('10.244.7.0/24', '10.0.0.0/24'));
    expect(taken.pods).toMatchObject({
      network: { text: '10.200.0.0/16' },
      passed: [{ network: { text: '10.244.0.0/16' }, by: { network: { text: '10.244.7.0/24' } } }],
    });
    expect(proposeNetworks(seen('10.0.0.0/8')).pods?.network.text).toBe('172.20.0.0/16');
    const office = seen('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/15');
    expect(proposeNetwork('pods', office)?.network.text).toBe('100.127.0.0/16');
    expect(proposeNetworks(office).services?.network.text).toBe('100.126.0.0/16');
  });

  it('are none where everything is somebody else’s', () => {
    expect(proposeNetworks(seen('0.0.0.0/1', '128.0.0.0/1'))).toEqual({});
  });
});
