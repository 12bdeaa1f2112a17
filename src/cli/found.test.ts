import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { NAME } from '../config/format.ts';
import { proposeNetwork } from '../config/free-network.ts';
import type { Facts } from '../model/facts.ts';
import { networkOf } from '../model/network.ts';
import type { Seen } from '../model/surroundings.ts';
import { aroundText, internalOf, nodeNameOf, proposalText } from './found.ts';

const seen = (address: string, prefix: number, what: string): Seen => ({
  network: networkOf(address, prefix),
  what,
});

describe('a node’s name', () => {
  it.each([
    ['web-1', 'web-1'],
    ['Web-1.example.com', 'web-1'],
    ['localhost', undefined],
    ['web_1', undefined],
    ['', undefined],
  ])('after the host %j: %s', (hostname, name) => expect(nodeNameOf({ ...FACTS, hostname })).toBe(name));
  it('is one a node can have', () => {
    fc.assert(
      fc.property(fc.string(), (hostname) => {
        const name = nodeNameOf({ ...FACTS, hostname });
        if (name !== undefined) expect(name).toMatch(NAME);
      }),
    );
  });
});

describe('internalAddress', () => {
  const two: Partial<Facts> = {
    addresses: [
      { device: 'eth0', address: '203.0.113.5', prefix: 24 },
      { device: 'eth0', address: '2001:db8::5', prefix: 64 },
      { device: 'eth1', address: '10.0.0.11', prefix: 24 },
    ],
    defaultAddress: '203.0.113.5',
  };
  it.each<[string, string, string, Partial<Facts>, string | undefined]>([
    ['an address of the host', '10.0.0.11', '10.0.0.11', {}, undefined],
    ['an alias of its only address', 'cp', '10.0.0.11', {}, undefined],
    ['a DNS name', 'cp.example.com', 'cp.example.com', two, undefined],
    ['an alias of the address of the default route', 'cp', '203.0.113.5', two, undefined],
    ['an alias of another of its addresses', 'cp', '10.0.0.11', two, '10.0.0.11'],
    ['another of its addresses', '10.0.0.11', '10.0.0.11', two, undefined],
    ['an address that is translated', '198.51.100.7', '198.51.100.7', {}, '10.0.0.11'],
    ['an alias of one that is', 'cp', '198.51.100.7', {}, '10.0.0.11'],
    [
      'a host without a default route',
      '198.51.100.7',
      '198.51.100.7',
      { ...two, defaultAddress: '' },
      '203.0.113.5',
    ],
    ['a host without addresses', '198.51.100.7', '198.51.100.7', { addresses: [] }, undefined],
  ])('of %s', (_, address, hostname, facts, internal) =>
    expect(internalOf(address, { hostname }, { ...FACTS, ...facts })?.address).toBe(internal),
  );
});

describe('why a network was proposed', () => {
  const tell = (around: readonly Seen[]): string =>
    proposalText(proposeNetwork('pods', around), 'Apart from it all.', around).join(' ');
  it('names what was in the way of the usual ones', () => {
    expect(tell([])).toBe('Apart from it all.');
    expect(tell([seen('10.244.7.0', 24, 'wg0')])).toBe(
      'Apart from it all. 10.244.7.0/24 (wg0) is in the way of 10.244.0.0/16, which is more usual.',
    );
    expect(tell([seen('10.0.0.0', 8, 'tun0'), seen('172.20.0.0', 14, 'eth1')])).toBe(
      'Apart from it all. 10.0.0.0/8 (tun0) is in the way of 10.244.0.0/16 and 10.200.0.0/16, which are more usual. ' +
        '172.20.0.0/14 (eth1) is in the way of 172.20.0.0/16, which is more usual.',
    );
  });
  it('says so when there is none', () => {
    expect(tell([seen('0.0.0.0', 1, 'tun0'), seen('128.0.0.0', 1, 'tun0')])).toContain(
      'are taken: 0.0.0.0/1 (tun0)',
    );
  });
  it('names the roomiest of many and counts the rest', () => {
    const many = Array.from({ length: 40 }, (_, i) => seen(`10.0.${i}.0`, 24, 'eth0'));
    expect(aroundText([...many, seen('172.16.0.0', 12, 'eth1')])).toMatch(
      /^172\.16\.0\.0\/12 \(eth1\), .* and 34 more$/,
    );
  });
});
