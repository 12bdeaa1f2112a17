import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawned } from '../../src/ssh/spawned.ts';
import type { Target } from '../../src/ssh/target.ts';
import { examineTrust, pinKeys } from '../../src/ssh/trust.ts';
import { refusal, targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { DEAD_PORTS } from './wait.ts';

let sshd: Sshd;
let other: Sshd;
let nth = 0;

beforeAll(async () => {
  [sshd, other] = await Promise.all([startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] }), startSshd()]);
});

afterAll(() => Promise.all([sshd, other].map((one) => one.stop())));

const named = (key: string): string => `[127.0.0.1]:${sshd.port} ${key}\n`;

/** The host with a known_hosts file of the test's own. */
async function knowing(
  text: string | undefined,
  ...settings: readonly string[]
): Promise<{ target: Target; file: string }> {
  nth += 1;
  const file = join(sshd.folder, `known-${nth}`);
  if (text !== undefined) await writeFile(file, text);
  const config = join(sshd.folder, `config-${nth}`);
  const lines = [`UserKnownHostsFile ${file}`, ...settings, `Include ${sshd.config}`];
  await writeFile(config, `${lines.join('\n')}\n`);
  return { target: targetOf(sshd, { config }), file };
}

async function fingerprints(): Promise<readonly string[]> {
  const shown = await spawned(['sh', '-c', `for f in ${sshd.folder}/host/*.pub; do ssh-keygen -lf $f; done`]);
  return shown.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .sort();
}

describe('a host that is not known', () => {
  test('is not spoken to; its keys are shown, and once pinned it is known', async () => {
    const { target, file } = await knowing(undefined);
    const problem = await refusal(target);
    expect(problem).toMatchObject({ code: 'ssh/host-key-unknown', try: 'landfall hosts trust cp-0' });
    const trust = await examineTrust(target);
    expect(trust).toMatchObject({ state: 'new', name: `[127.0.0.1]:${sshd.port}`, before: [] });
    expect(trust.shown.map((key) => key.fingerprint).sort()).toEqual(await fingerprints());
    expect(trust.shown.map((key) => key.text).sort()).toEqual([...sshd.hostKeys].sort());
    expect(problem.saw).toContain(trust.shown.find((key) => key.type === 'ssh-ed25519')?.fingerprint);
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    expect(await pinKeys(trust)).toBe(file);
    expect((await readFile(file, 'utf8')).trim().split('\n').length).toBe(3);
    await using(target, async (host) => expect((await host.run('id -u')).stdout).toBe('0\n'));
    const again = await examineTrust(target);
    expect(again.state).toBe('known');
    expect(again.shown.every((key) => key.known)).toBe(true);
    expect(await pinKeys(again)).toBeUndefined();
  });

  test('is pinned with a hashed name where the user hashes names; what was in the file stays', async () => {
    const before =
      'elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMTqiZEGpFs7xOUL4bIIBrGr1f09C1qIbQba8GGn3km';
    const { target, file } = await knowing(before, 'HashKnownHosts yes');
    await pinKeys(await examineTrust(target));
    const text = await readFile(file, 'utf8');
    expect(text.startsWith(`${before}\n|1|`)).toBe(true);
    expect(text).not.toContain(String(sshd.port));
    expect(await examineTrust(target)).toMatchObject({ state: 'known' });
  });

  test('without a place to write to is refused, with the line for cluster.yaml', async () => {
    const { target } = await knowing(undefined, 'UserKnownHostsFile /dev/null');
    const config = join(sshd.folder, 'nowhere');
    await writeFile(config, `UserKnownHostsFile /dev/null\nInclude ${sshd.config}\n`);
    await expect(pinKeys(await examineTrust({ ...target, config }))).rejects.toMatchObject({
      code: 'ssh/nowhere-to-write',
      exit: 5,
      try: expect.stringContaining('hostKey: ssh-'),
    });
  });
});

describe('a host whose key has changed', () => {
  test('is not spoken to, and never taken without its name typed', async () => {
    const { target, file } = await knowing(`# mine\n${named(other.hostKeys[0] ?? '')}`);
    const problem = await refusal(target);
    expect(problem).toMatchObject({ code: 'ssh/host-key-changed', exit: 4, where: { file, line: 2 } });
    expect(problem.summary).toContain('nothing was sent to it');
    expect(problem.try).not.toMatch(/ssh-keygen.*-R|rm /);
    const trust = await examineTrust(target);
    expect(trust).toMatchObject({ state: 'changed', before: [{ file, line: 2 }] });
    for (const typedName of [undefined, 'yes', 'cp-1']) {
      const consent = typedName === undefined ? {} : { typedName };
      await expect(pinKeys(trust, consent)).rejects.toMatchObject({ code: 'ssh/host-key-changed', exit: 5 });
    }
    expect(await readFile(file, 'utf8')).toContain(other.hostKeys[0]);
    await pinKeys(trust, { typedName: 'cp-0' });
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain(other.hostKeys[0]);
    expect(text).toContain('# mine');
    expect(await readFile(`${file}.old`, 'utf8')).toContain(other.hostKeys[0]);
    await using(target, async (host) => expect((await host.run('id -u')).stdout).toBe('0\n'));
  });

  test('or was revoked is never taken', async () => {
    const { target } = await knowing(sshd.hostKeys.map((key) => `@revoked ${named(key)}`).join(''));
    expect(await refusal(target)).toMatchObject({ code: 'ssh/host-key-revoked' });
    const trust = await examineTrust(target);
    expect(trust.state).toBe('revoked');
    await expect(pinKeys(trust, { typedName: 'cp-0' })).rejects.toMatchObject({
      code: 'ssh/host-key-revoked',
    });
  });
});

describe('a pinned host', () => {
  test('is known whatever known_hosts says, and only by that key', async () => {
    const { target } = await knowing(named(other.hostKeys[0] ?? ''));
    for (const hostKey of sshd.hostKeys) {
      const pinned = { ...target, hostKey };
      await using(pinned, async (host) => {
        const all = await Promise.all([host.run('id -u'), host.run('id -u')]);
        expect(all.map((out) => out.stdout)).toEqual(['0\n', '0\n']);
      });
      expect((await examineTrust(pinned)).state).toBe('known');
    }
    const wrong = { ...target, hostKey: other.hostKeys[0] ?? '' };
    const problem = await refusal(wrong);
    expect(problem).toMatchObject({ code: 'ssh/host-key-changed' });
    expect(problem.summary).toContain('pinned in cluster.yaml');
    const trust = await examineTrust(wrong);
    expect(trust.state).toBe('changed');
    await expect(pinKeys(trust, { typedName: 'cp-0' })).rejects.toMatchObject({
      code: 'ssh/nowhere-to-write',
    });
  });

  test('is checked even where the user checks nothing', async () => {
    const { target } = await knowing(undefined, 'StrictHostKeyChecking no');
    const wrong = { ...target, hostKey: other.hostKeys[0] ?? '' };
    expect(await refusal(wrong)).toMatchObject({ code: 'ssh/host-key-changed' });
  });
});

test('a host that cannot be reached has no key to show', async () => {
  const { target } = await knowing(undefined);
  await expect(examineTrust({ ...target, port: DEAD_PORTS[0] })).rejects.toMatchObject({
    code: 'ssh/unreachable',
    exit: 4,
  });
});

test('a key behind a jump host is shown through it', async () => {
  const { target } = await knowing(undefined);
  const config = join(sshd.folder, 'jumping');
  await writeFile(
    config,
    [
      'Host jump',
      '  HostName 127.0.0.1',
      `  Port ${other.port}`,
      '  User root',
      `  IdentityFile ${other.identityFile}`,
      `  UserKnownHostsFile ${other.knownHosts}`,
      'Host *',
      `  UserKnownHostsFile ${join(sshd.folder, 'jumped')}`,
      '',
    ].join('\n'),
  );
  const trust = await examineTrust({ ...target, config, jump: 'jump' });
  expect(trust).toMatchObject({ state: 'new', way: { jumps: ['jump'] } });
  expect(trust.shown.length).toBe(3);
});
