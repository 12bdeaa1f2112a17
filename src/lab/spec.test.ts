import { describe, expect, it } from 'vitest';
import { checkName, macOf, placeHosts, subnet } from './spec.ts';

describe('placeHosts', () => {
  it('gives addresses from .11 on, in order', () => {
    const hosts = placeHosts([{ name: 'cp-0' }, { name: 'w-0', release: 'trixie' }], 3);
    expect(hosts).toEqual([
      { name: 'cp-0', address: '10.77.3.11', release: 'bookworm' },
      { name: 'w-0', address: '10.77.3.12', release: 'trixie' },
    ]);
  });

  it('steps over addresses that are asked for or in use', () => {
    const have = [{ name: 'cp-0', address: '10.77.0.11', release: 'bookworm' as const }];
    const hosts = placeHosts([{ name: 'a' }, { name: 'b', address: '10.77.0.12' }], 0, have);
    expect(hosts.map(({ address }) => address)).toEqual(['10.77.0.13', '10.77.0.12']);
  });

  it('leaves a host it has at its address', () => {
    const have = [{ name: 'cp-0', address: '10.77.0.40', release: 'trixie' as const }];
    expect(placeHosts([{ name: 'cp-0' }], 0, have)).toEqual(have);
  });

  it.each([[{ release: 'trixie' }], [{ sshd: 'socket' }], [{ like: 'ubuntu' }]] as const)(
    'does not make another kind (%j) of a host it has',
    (kind) => {
      const have = [{ name: 'cp-0', address: '10.77.0.11', release: 'bookworm' as const }];
      expect(() => placeHosts([{ name: 'cp-0', ...kind }], 0, have)).toThrow(
        expect.objectContaining({ code: 'lab/kind', summary: 'cp-0 is there already, as bookworm' }),
      );
    },
  );

  it('looks like Ubuntu on the nearer release, with sshd by socket, unless told otherwise; and stays so', () => {
    const [host] = placeHosts([{ name: 'a', like: 'ubuntu' }], 0);
    expect(host).toEqual({
      name: 'a',
      address: '10.77.0.11',
      release: 'trixie',
      sshd: 'socket',
      like: 'ubuntu',
    });
    expect(placeHosts([{ name: 'a' }], 0, host === undefined ? [] : [host])).toEqual([host]);
    expect(placeHosts([{ name: 'a', like: 'ubuntu', sshd: 'service' }], 0)).toEqual([
      { name: 'a', address: '10.77.0.11', release: 'trixie', like: 'ubuntu' },
    ]);
    expect(() => placeHosts([{ name: 'a', like: 'ubuntu', release: 'bookworm' }], 0)).toThrow(
      /cannot be made/,
    );
  });

  it.each([
    [[{ name: 'a', address: '10.77.0.3' }], 'lab/address'],
    [[{ name: 'a', address: '10.77.1.11' }], 'lab/address'],
    [[{ name: 'a', address: '10.77.0.255' }], 'lab/address'],
    [[{ name: 'a' }, { name: 'a' }], 'lab/twice'],
    [
      [
        { name: 'a', address: '10.77.0.11' },
        { name: 'b', address: '10.77.0.11' },
      ],
      'lab/twice',
    ],
    [[{ name: 'A' }], 'lab/name'],
    [[{ name: '../x' }], 'lab/name'],
    [[{ name: 'depot' }], 'lab/name'],
    [Array.from({ length: 260 }, (_, n) => ({ name: `h${n}` })), 'lab/address'],
  ])('refuses %j', (asked, code) => {
    expect(() => placeHosts(asked, 0)).toThrow(expect.objectContaining({ code, exit: 2 }));
  });
});

describe('names and addresses', () => {
  it.each(['lab', 'a', 'cp-0', 'x'.repeat(30)])('takes %s', (name) => {
    expect(checkName('lab', name)).toBe(name);
  });
  it.each(['', '-a', 'a-', 'a.b', 'a b', '-oProxyCommand=x', '$(id)', 'x'.repeat(31), 'a\n'])(
    'refuses %j',
    (name) => {
      expect(() => checkName('host', name)).toThrow(expect.objectContaining({ code: 'lab/name' }));
    },
  );
  it('keeps bridge, operator, depot and hosts apart', () => {
    const net = subnet(7);
    expect([net.bridge, net.operator, net.depot, net.host(0)]).toEqual([
      '10.77.7.1',
      '10.77.7.2',
      '10.77.7.3',
      '10.77.7.11',
    ]);
    expect(macOf(net.host(0))).toBe('02:4c:46:00:07:0b');
  });
});
