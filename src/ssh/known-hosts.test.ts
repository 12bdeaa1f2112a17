import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendKeys, fingerprint, forgetHost, hostKey, knownKeys, readFound } from './known-hosts.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMTqiZEGpFs7xOUL4bIIBrGr1f09C1qIbQba8GGn3km';
const PRINT = 'SHA256:nbpNMpW9UCEMXy8JuPigXyhdIKrLaedHaR3Fj9rF/EU';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-known-'));
});

afterAll(() => rm(folder, { recursive: true }));

test('a fingerprint is what ssh-keygen -l shows', () => {
  expect(fingerprint(KEY)).toBe(PRINT);
  expect(hostKey(`${KEY} a comment`)).toEqual({ type: 'ssh-ed25519', text: KEY, fingerprint: PRINT });
});

test('what ssh-keygen -F prints is read, with markers and lines', () => {
  const text = [
    '# Host a found: line 3 ',
    `a ${KEY}`,
    '# Host a found: line 7 REVOKED',
    `@revoked a ${KEY}`,
    '# Host a found: line 9 CA',
    `@cert-authority *.example.com ${KEY} comment`,
    '',
  ].join('\n');
  expect(readFound('/f', text)).toEqual([
    { ...hostKey(KEY), file: '/f', line: 3 },
    { ...hostKey(KEY), file: '/f', line: 7, marker: 'revoked' },
    { ...hostKey(KEY), file: '/f', line: 9, marker: 'cert-authority' },
  ]);
});

describe('a known_hosts file', () => {
  test('is made, private, where there is none', async () => {
    const file = join(folder, 'new', 'known_hosts');
    await appendKeys('[h]:22322', [hostKey(KEY)], file, false, folder);
    expect(await readFile(file, 'utf8')).toBe(`[h]:22322 ${KEY}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o700);
  });

  test('keeps what it holds, even without an end of line', async () => {
    const file = join(folder, 'open-ended');
    await writeFile(file, '# mine');
    await appendKeys('h', [hostKey(KEY)], file, false, folder);
    expect(await readFile(file, 'utf8')).toBe(`# mine\nh ${KEY}\n`);
  });

  test('hides names when asked, and finds them again', async () => {
    const file = join(folder, 'hashed');
    await appendKeys('h.example', [hostKey(KEY)], file, true, folder);
    expect(await readFile(file, 'utf8')).toMatch(/^\|1\|/);
    expect(await knownKeys('h.example', [file, join(folder, 'absent')])).toEqual([
      { ...hostKey(KEY), file, line: 1 },
    ]);
    expect(await knownKeys('other.example', [file])).toEqual([]);
  });

  test('forgets one host and no other', async () => {
    const file = join(folder, 'forgetful');
    await writeFile(file, `a ${KEY}\nb ${KEY}\n`);
    await forgetHost('a', file);
    expect(await readFile(file, 'utf8')).toBe(`b ${KEY}\n`);
    await expect(forgetHost('a', join(folder, 'absent'))).rejects.toThrow('ssh-keygen could not change');
  });
});
