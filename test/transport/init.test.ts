import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadCluster } from '../../src/config/load.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { type Fake, landfall } from '../cli/fake.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let other: Sshd;
/** The folder init works in, new for each test. */
let cwd: string;

beforeAll(async () => {
  [sshd, other] = await Promise.all([
    startSshd({
      hostKeys: ['rsa', 'ed25519'],
      users: [{ name: 'ops', sudo: 'none' }],
      // What no cluster may take: its name server is where pods would be, a host it knows by name where Services would.
      prepare: `rm -f /etc/resolv.conf
echo 'nameserver 10.244.0.53' >/etc/resolv.conf
echo '10.96.0.9 db.example.net db' >>/etc/hosts`,
    }),
    startSshd(),
  ]);
});
afterAll(() => Promise.all([sshd, other].map((one) => one.stop())));

const folders: string[] = [];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'landfall-init-'));
  folders.push(cwd);
});
afterAll(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true }))));

/** Writes an ssh_config that calls the host `gate`, with a known_hosts file of its own, beside which init then works. */
async function knowing(known: string, ...more: readonly string[]): Promise<void> {
  await writeFile(join(cwd, 'known'), known);
  const lines = [
    'Host gate',
    '  HostName 127.0.0.1',
    `  Port ${sshd.port}`,
    '  User root',
    ...more,
    'Host *',
    `  UserKnownHostsFile ${join(cwd, 'known')}`,
    `  IdentityFile ${sshd.identityFile}`,
    '  GlobalKnownHostsFile /dev/null',
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
  ];
  await writeFile(join(cwd, 'ssh_config'), `${lines.join('\n')}\n`);
}

const init = (words: readonly string[], typed?: readonly string[]): Promise<Fake> =>
  landfall(['init', '--ssh-config', 'ssh_config', ...words], {
    cwd,
    ...(typed === undefined ? {} : { typed }),
  });

const written = (): Cluster => loadCluster(join(cwd, 'cluster.yaml')).cluster;
const text = (): Promise<string> => readFile(join(cwd, 'cluster.yaml'), 'utf8');
const known = (): Promise<string> => readFile(join(cwd, 'known'), 'utf8');
const logins = async (): Promise<number> => (await sshd.log()).split('Accepted publickey').length - 1;
const line = (key: string, one = sshd): string => `[127.0.0.1]:${one.port} ${key}\n`;
const ED25519 = (): string => sshd.hostKeys.find((key) => key.startsWith('ssh-ed25519')) ?? '';

describe('a host that is not known', () => {
  test('is shown with its keys; the one agreed to is pinned in the file, and the host is read', async () => {
    await knowing('');
    const it = await init([], ['harbour', 'gate', 'y', '', '', '']);
    expect([it.code(), it.err()]).toEqual([0, expect.stringContaining('never seen before')]);
    expect(it.err()).toContain('1  gate  127.0.0.1');
    expect(it.err().match(/SHA256:/g)?.length).toBe(2);
    expect(it.err()).toContain('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
    expect(written()).toMatchObject({
      network: { pods: '10.200.0.0/16', services: '10.100.0.0/16' },
      nodes: [{ address: 'gate', hostKey: ED25519() }],
    });
    expect(await text()).toContain('10.244.0.0/24 (name server 10.244.0.53) is in the way of 10.244.0.0/16');
    expect(await text()).toContain('10.96.0.9/32 (db.example.net in its /etc/hosts) is in the way of');
    expect(it.out()).not.toContain('hosts trust');
    expect(await known()).toBe('');
  });

  test('is not logged in to when it was not agreed to', async () => {
    await knowing('');
    const before = await logins();
    const it = await init([], ['harbour', 'gate', '', '', '', '', '']);
    expect(it.code()).toBe(0);
    expect(it.err()).toContain('error[ssh/host-key-unknown]');
    expect(await logins()).toBe(before);
    expect(written().nodes[0]?.hostKey).toBeUndefined();
    expect(await text()).toContain('# cp-0 could not be read (gate is not known to this machine)');
    expect([it.out(), await known()]).toEqual([expect.stringContaining('hosts trust'), '']);
  });

  test('is not even called when nobody can be asked, nor with --yes', async () => {
    await knowing('');
    const before = await sshd.log();
    for (const [words, typed] of [
      [['gate'], undefined] as const,
      [['gate', '--yes', '--force'], []] as const,
    ]) {
      const it = await init(words, typed);
      expect([it.code(), it.err()]).toEqual([0, expect.stringContaining('gate was not read')]);
    }
    expect(await sshd.log()).toBe(before);
  });

  test('and that can be no node yet keeps its key, and is asked for again', async () => {
    await knowing('', '  LogLevel ERROR');
    const it = await init(['ops@gate'], ['harbour', 'y', '', '', '', '']);
    expect(it.code()).toBe(0);
    expect([it.err(), it.out()]).toEqual([
      expect.stringContaining('error[ssh/'),
      expect.not.stringContaining('hosts trust'),
    ]);
    expect(written()).toMatchObject({ ssh: { user: 'ops' }, nodes: [{ name: 'cp-0', hostKey: ED25519() }] });
  });

  test('behind one that is not known either: the file has no place for that one, known_hosts has', async () => {
    await knowing(
      '',
      '  ProxyJump hop',
      'Host hop',
      '  HostName 127.0.0.1',
      `  Port ${other.port}`,
      '  User root',
      `  IdentityFile ${other.identityFile}`,
    );
    const it = await init(['gate'], ['harbour', 'y', 'y', '', '', '']);
    expect([it.code(), it.err().match(/never seen before/g)?.length]).toEqual([0, 2]);
    expect(await known()).toBe(other.hostKeys.map((key) => line(key, other)).join(''));
    expect(written().nodes[0]?.hostKey).toBe(ED25519());
    expect(await text()).toContain(' of memory.');
  });
});

describe('a host that is known', () => {
  test('is read without a question; what is written about it is what it is', async () => {
    await knowing(sshd.hostKeys.map((key) => line(key)).join(''));
    const it = await init(['one=gate', '--json']);
    expect([it.code(), it.err()]).toEqual([0, '']);
    expect(JSON.parse(it.out())).toMatchObject({ pods: '10.200.0.0/16', services: '10.100.0.0/16' });
    const [node] = written().nodes;
    expect(node).toMatchObject({ name: 'one', address: 'gate' });
    expect(node?.hostKey).toBeUndefined();
    // ssh connects to 127.0.0.1, which is nothing a cluster could use.
    expect(node?.internalAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(node?.internalAddress).not.toMatch(/^127\./);
    expect(await text()).toContain(
      'internalAddress: ssh connects to 127.0.0.1, which no device of the host carries.',
    );
  });

  test('by another key is not read, and nothing is written about the new one', async () => {
    const before = line(other.hostKeys[0] ?? '').replace(String(other.port), String(sshd.port));
    await knowing(before);
    const count = await logins();
    const it = await init(['gate']);
    expect([it.code(), it.err()]).toEqual([0, expect.stringContaining('its host key has changed')]);
    const asked = await init(['gate', '--force'], ['harbour', 'no', '', '', '', '']);
    expect(asked.err()).toContain('CHANGED since it was last seen');
    expect([await known(), await logins()]).toEqual([before, count]);
    expect(written().nodes[0]?.hostKey).toBeUndefined();
  });
});

test('no file is left when the answers end in the middle', async () => {
  await knowing('');
  for (const typed of [
    ['harbour', 'gate'],
    ['harbour', 'gate', 'y'],
    ['harbour', 'gate', 'y', ''],
  ]) {
    const it = await init([], typed);
    expect([it.code(), await readdir(cwd)]).toEqual([130, ['known', 'ssh_config']]);
  }
});
