import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cloudSeed } from './cloud-seed.ts';

describe('the seed of cloud-init', () => {
  const host = { name: 'noble', address: '10.77.4.12', release: 'trixie', like: 'ubuntu' } as const;
  const text = (name: string) => cloudSeed(host, 4).find(({ path }) => path.endsWith(name))?.text ?? '';

  it('gives the host the name and the addresses it is to have', () => {
    expect(parse(text('/meta-data'))).toEqual({ 'instance-id': 'lab-noble', 'local-hostname': 'noble' });
    expect(parse(text('/network-config'))).toEqual({
      version: 2,
      ethernets: {
        eth0: {
          addresses: ['10.77.4.12/24', 'fd77:0:0:4::12/64'],
          nameservers: { addresses: ['10.77.4.3'] },
          routes: [
            { to: 'default', via: '10.77.4.1' },
            { to: '::/0', via: 'fd77:0:0:4::1' },
          ],
        },
      },
    });
  });

  it('begins as cloud-init wants it to', () => {
    expect(text('/user-data')).toMatch(/^#cloud-config\n/);
  });
});
