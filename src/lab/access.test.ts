import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knownHostsText, sshConfigText } from './access.ts';

const hosts = [
  { name: 'cp-0', address: '10.77.0.11', release: 'bookworm' as const },
  { name: 'w-0', address: '10.77.0.12', release: 'bookworm' as const },
];

/** What OpenSSH itself makes of a config, for a host. */
function asSshReadsIt(config: string, host: string): ReadonlyMap<string, string> {
  const file = join(mkdtempSync(join(tmpdir(), 'landfall-')), 'ssh_config');
  writeFileSync(file, config);
  const out = execFileSync('ssh', ['-G', '-T', '-F', file, host], { encoding: 'utf8' });
  return new Map(out.split('\n').map((line) => [line.replace(/ .*/, ''), line.replace(/^\S+ /, '')]));
}

describe('sshConfigText', () => {
  it('is understood by OpenSSH, for the name and for the address', () => {
    const config = sshConfigText('lab', '/var/lib/a lab/100%', hosts);
    for (const name of ['w-0', '10.77.0.12']) {
      const read = asSshReadsIt(config, name);
      expect(read.get('hostname')).toBe('10.77.0.12');
      expect(read.get('user')).toBe('root');
      expect(read.get('stricthostkeychecking')).toBe('true');
      expect(read.get('proxycommand')).toBe(
        "nsenter --net=/run/netns/landfall.lab.operator perl '/var/lib/a lab/100%%/relay.pl' %h %p",
      );
      expect(read.get('userknownhostsfile')).toBe('/var/lib/a lab/100%/known_hosts');
    }
  });

  it('says nothing of other hosts', () => {
    expect(asSshReadsIt(sshConfigText('lab', '/l', hosts), 'example.org').has('proxycommand')).toBe(false);
  });
});

describe('knownHostsText', () => {
  it('has one line a host, under its address and its name', () => {
    const keys = new Map([['cp-0', 'ssh-ed25519 AAAA cp-0\n']]);
    expect(knownHostsText(hosts, keys)).toBe('10.77.0.11,cp-0 ssh-ed25519 AAAA\n');
  });
});
