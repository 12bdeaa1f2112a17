import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressAt,
  type Cidr,
  contains,
  dnsServiceAddress,
  firstServiceAddress,
  isIPv4,
  isIPv6,
  isOddIPv4,
  networkOf,
  overlap,
  parseCidr,
  specialUse,
} from './network.ts';

const cidr = (text: string): Cidr => {
  const network = parseCidr(text);
  if (typeof network === 'string') throw new Error(`${text}: ${network}`);
  return network;
};

const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'));
const network = fc.tuple(address, fc.nat(32)).map(([a, prefix]) => networkOf(a, prefix));

describe('parseCidr', () => {
  it('reads a network', () => {
    expect(parseCidr('10.244.0.0/16')).toEqual({
      text: '10.244.0.0/16',
      first: 0x0af40000,
      last: 0x0af4ffff,
      prefix: 16,
    });
    expect(cidr('0.0.0.0/0').last).toBe(2 ** 32 - 1);
  });
  it.each([
    ['fd00::/64', 'ipv6'],
    ['10.244.0.0/16,fd00::/64', 'ipv6'],
    ['10.244.0.0', 'prefix missing'],
    ['10.244.1.0/16', 'host bits'],
    ['10.244.0.0/33', 'no network'],
    ['10.244.0.0/016', 'no network'],
    ['10.244/16', 'no network'],
    ['010.244.0.0/16', 'no network'],
    ['300.0.0.0/8', 'no network'],
    ['10.244.0.0/-1', 'no network'],
    ['10.244.0.0/16 ', 'no network'],
    ['', 'no network'],
  ])('says of %j: %s', (text, fault) => expect(parseCidr(text)).toBe(fault));
  it('reads back every network it writes', () => {
    fc.assert(
      fc.property(network, (n) => {
        expect(parseCidr(n.text)).toEqual(n);
      }),
    );
  });
});

describe('overlap and contains', () => {
  it('see the networks in each other, either way round', () => {
    expect(overlap(cidr('10.0.0.0/8'), cidr('10.96.0.0/16'))).toBe(true);
    expect(overlap(cidr('10.96.0.0/16'), cidr('10.0.0.0/8'))).toBe(true);
    expect(overlap(cidr('10.96.0.0/16'), cidr('10.97.0.0/16'))).toBe(false);
    expect(overlap(cidr('255.255.255.255/32'), cidr('0.0.0.0/0'))).toBe(true);
  });
  it('agree: networks overlap when one holds the first address of the other', () => {
    fc.assert(
      fc.property(network, network, (a, b) => {
        expect(overlap(a, b)).toBe(contains(a, addressAt(b, 0)) || contains(b, addressAt(a, 0)));
        expect(overlap(a, b)).toBe(overlap(b, a));
      }),
    );
  });
  it('an address is in its own network', () => {
    fc.assert(
      fc.property(address, fc.nat(32), (a, p) => {
        expect(contains(networkOf(a, p), a)).toBe(true);
      }),
    );
  });
});

describe('addresses', () => {
  it('of the services: the first is the API server, the tenth DNS', () => {
    expect(firstServiceAddress('10.96.0.0/16')).toBe('10.96.0.1');
    expect(dnsServiceAddress('10.96.0.0/16')).toBe('10.96.0.10');
    expect(() => dnsServiceAddress('10.96.0.0/30')).toThrow(RangeError);
    expect(() => firstServiceAddress('10.96.0.0')).toThrow(RangeError);
  });
  it('are told from names', () => {
    expect(['10.0.0.1', '10.1', '010.0.0.1', '256.0.0.1', 'cp-0', '1.2.3.4.', ''].map(isIPv4)).toEqual([
      true,
      ...Array<boolean>(6).fill(false),
    ]);
    expect(['fd00::1', '::', 'fe80::1%eth0', '10.0.0.1', 'a:b', 'cp'].map(isIPv6)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(['10.1', '167772171', '0x7f.1', '256.1.1.1', '1.2.3.4.5', '1.2.3.4.'].every(isOddIPv4)).toBe(true);
    expect(['10.0.0.1', 'cp-0', '0xcafe.example.com', '1a', ''].some(isOddIPv4)).toBe(false);
  });
  it('of special use are named', () => {
    expect(
      ['0.0.0.0', '127.0.0.1', '169.254.1.1', '224.0.0.1', '255.255.255.255', '10.0.0.1', '8.8.8.8'].map(
        specialUse,
      ),
    ).toEqual(['this-host', 'loopback', 'link-local', 'multicast', 'reserved', undefined, undefined]);
  });
});
