import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';

let root = '';
let file = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  mkdirSync(join(root, 'etc/netplan'), { recursive: true });
  file = join(root, 'etc/netplan/50-cloud-init.yaml');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const absent = scene({ ...HARBOUR, host: { ...HARBOUR.host, ipv6: 'absent' } });
const one = () => inRoot(root, step('ipv6/netplan', absent));

/** What is left of a file once IPv6 is out of it. The file comes back to the letter afterwards. */
function without(text: string): unknown {
  writeFileSync(file, text);
  expect(runPiece(one(), 'make')).toMatchObject({ status: 0 });
  const made = readFileSync(file, 'utf8');
  expect(read(one())).toBe('no IPv6');
  expect(runPiece(one(), 'make').status).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(made);
  expect(runPiece(one(), 'undo').status).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
  return parse(made);
}

const eth0 = (lines: string): string => `network:\n  version: 2\n  ethernets:\n    eth0:\n${lines}`;
const left = (device: unknown): unknown => ({ network: { version: 2, ethernets: { eth0: device } } });

describe('netplan without IPv6', () => {
  it('has nothing to do where there is no netplan, and no IPv6', () => {
    expect(read(one())).toBe('no IPv6');
    writeFileSync(file, eth0('      dhcp4: true\n      match: { macaddress: "96:00:02:12:34:56" }\n'));
    expect(read(one())).toBe('no IPv6');
  });

  it('names what it finds, with its file', () => {
    writeFileSync(file, eth0('      dhcp6: true\n      addresses: [10.0.0.2/24, "2001:db8::2/64"]\n'));
    expect(read(one())).toBe(`${file}: dhcp6: true\n${file}: addresses: [10.0.0.2/24, "2001:db8::2/64"]`);
  });

  it.each([
    [
      'addresses, name servers and routes of a cloud image',
      '      dhcp4: true\n      addresses:\n      - 2a01:4f9::1/64\n      nameservers:\n        addresses:\n        - 2a01:4ff:ff00::add:1\n      routes:\n      -   on-link: true\n          to: default\n          via: fe80::1\n      set-name: eth0\n',
      { dhcp4: true, 'set-name': 'eth0' },
    ],
    [
      'both kinds side by side',
      '      addresses:\n        - 10.0.0.2/24 # mine\n        - "2001:db8::2/64"\n      nameservers:\n        search: [example.net]\n        addresses: [1.1.1.1, 2606:4700:4700::1111]\n      routes:\n        - to: default\n          via: 10.0.0.1\n        - to: "::/0"\n          via: "2001:db8::1"\n',
      {
        addresses: ['10.0.0.2/24'],
        nameservers: { search: ['example.net'], addresses: ['1.1.1.1'] },
        routes: [{ to: 'default', via: '10.0.0.1' }],
      },
    ],
    [
      'in brackets and braces',
      '      addresses: ["2001:db8::2/64"]\n      gateway6: 2001:db8::1\n      dhcp4: yes\n      accept-ra: true\n      ipv6-privacy: true\n      routes:\n        - {to: "::/0", via: "fe80::1"}\n        - {to: 0.0.0.0/0, via: 10.0.0.1}\n',
      { dhcp4: 'yes', routes: [{ to: '0.0.0.0/0', via: '10.0.0.1' }] },
    ],
    [
      'with a lifetime, as a key',
      '      dhcp4: true\n      addresses:\n        - "2001:db8::2/64":\n            label: x\n            lifetime: 0\n        - 10.0.0.3/24\n',
      { dhcp4: true, addresses: ['10.0.0.3/24'] },
    ],
    [
      'switches that are off already',
      '      dhcp4: true\n      dhcp6: false\n      accept-ra: no\n',
      { dhcp4: true, dhcp6: false, 'accept-ra': 'no' },
    ],
  ])('takes out %s', (_, lines, device) => {
    expect(without(eth0(lines))).toEqual(left(device));
  });

  it('keeps the mode: netplan complains of files others may read', () => {
    writeFileSync(file, eth0('      dhcp4: true\n      dhcp6: true\n'));
    chmodSync(file, 0o600);
    runPiece(one(), 'make');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('keeps cloud-init from writing it anew', () => {
    mkdirSync(join(root, 'etc/cloud/cloud.cfg.d'), { recursive: true });
    writeFileSync(join(root, 'etc/cloud/cloud.cfg'), '');
    expect(read(one())).toBe('cloud-init may write it anew');
    expect(runPiece(one(), 'make').status).toBe(0);
    expect(read(one())).toBe('no IPv6');
    expect(runPiece(one(), 'undo').status).toBe(0);
    expect(read(one())).toBe('cloud-init may write it anew');
  });

  it('leaves IPv4 and everything else, whatever the file holds', { timeout: 120_000 }, () => {
    const four = fc.constantFrom('10.0.0.2/24', '192.168.1.5/16');
    const six = fc.constantFrom('2001:db8::2/64', 'fe80::1/64', '2a01:4f9:c010:1::1/128');
    const list = fc.array(fc.oneof(four, six), { minLength: 1, maxLength: 4 });
    const route = fc.oneof(
      fc.constant({ to: 'default', via: '10.0.0.1' }),
      fc.constant({ to: 'default', via: 'fe80::1', 'on-link': true }),
      fc.constant({ to: '2000::/3', via: 'fe80::1' }),
    );
    const device = fc.record(
      {
        addresses: list,
        routes: fc.array(route, { minLength: 1, maxLength: 3 }),
        nameservers: fc.record({ addresses: list }),
        mtu: fc.constant(1450),
        match: fc.constant({ macaddress: '96:00:02:aa:bb:cc' }),
      },
      { requiredKeys: ['mtu'] },
    );
    const isFour = (text: string): boolean => !text.includes('::');
    fc.assert(
      fc.property(device, fc.boolean(), fc.constantFrom(2, 4), (d, flow, indent) => {
        const text = stringify(
          { network: { version: 2, ethernets: { eth0: d } } },
          { indent, lineWidth: 0, collectionStyle: 'block', indentSeq: flow, aliasDuplicateObjects: false },
        );
        const addresses = d.addresses?.filter(isFour) ?? [];
        const routes = d.routes?.filter((r) => isFour(r.to) && isFour(r.via)) ?? [];
        const servers = d.nameservers?.addresses.filter(isFour) ?? [];
        expect(without(text)).toEqual(
          left({
            ...(addresses.length === 0 ? {} : { addresses }),
            ...(routes.length === 0 ? {} : { routes }),
            ...(servers.length === 0 ? {} : { nameservers: { addresses: servers } }),
            mtu: 1450,
            ...(d.match === undefined ? {} : { match: d.match }),
          }),
        );
      }),
      { numRuns: 12 },
    );
  });
});
