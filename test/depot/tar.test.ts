import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { netBindService, tar, type TarEntry } from './tar.ts';

const long = `${'folder-with-a-name/'.repeat(9)}file`;
const entries: readonly TarEntry[] = [
  { path: 'etc', type: 'directory', mode: 0o755 },
  { path: 'etc/passwd', type: 'file', mode: 0o644, data: Buffer.from('root:x:0:0::/:/bin/sh\n') },
  { path: 'tmp', type: 'directory', mode: 0o1777 },
  { path: 'bin', type: 'symlink', mode: 0o777, target: 'usr/bin' },
  { path: long, type: 'file', mode: 0o600, data: Buffer.alloc(512, 'x') },
  { path: 'to-it', type: 'symlink', mode: 0o777, target: long },
  { path: 'coredns', type: 'file', mode: 0o755, data: Buffer.from('#!'), xattrs: netBindService },
];

describe('tar', { timeout: 60_000 }, () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-tar-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is read by the system’s tar: names, modes, links, long paths, contents', () => {
    execFileSync('tar', ['-x', '-p', '-C', folder], { input: tar(entries, 1_700_000_000) });
    expect(readFileSync(join(folder, 'etc/passwd'), 'utf8')).toBe('root:x:0:0::/:/bin/sh\n');
    expect(statSync(join(folder, 'tmp')).mode & 0o7777).toBe(0o1777);
    expect(readlinkSync(join(folder, 'bin'))).toBe('usr/bin');
    expect(readFileSync(join(folder, long), 'utf8')).toBe('x'.repeat(512));
    expect(readlinkSync(join(folder, 'to-it'))).toBe(long);
    expect(statSync(join(folder, 'etc/passwd')).mtimeMs).toBe(1_700_000_000_000);
  });

  it('carries a file capability as setcap would write it', () => {
    const listing = execFileSync('tar', ['-tvv', '--xattrs', '--xattrs-include=*', '-f', '-'], {
      input: tar(entries, 0),
      encoding: 'utf8',
    });
    expect(listing).toContain('20 security.capability');
    expect(netBindService['security.capability']?.toString('hex')).toBe(
      `01000002${'00040000'}${'0'.repeat(24)}`,
    );
  });

  it('gives the same bytes for the same entries', () => {
    expect(tar(entries, 5).equals(tar(entries, 5))).toBe(true);
    expect(tar(entries, 5).length % 512).toBe(0);
  });
});
