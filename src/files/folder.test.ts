import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { spawned } from '../ssh/spawned.ts';
import { makeFolder } from './folder.ts';

const dir = mkdtempSync(join(tmpdir(), 'landfall-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('makes what is missing, with its mode, and leaves what is there', () => {
  const path = join(dir, 'a', 'b', 'c');
  makeFolder(path, 0o700);
  expect([modeOf(path), modeOf(join(dir, 'a'))]).toEqual(['700', '700']);
  makeFolder(path, 0o755);
  expect(modeOf(path)).toBe('700');
  symlinkSync(join(dir, 'a'), join(dir, 'link'));
  makeFolder(join(dir, 'link'));
});

test('says which folder cannot be made, and why', () => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'));
  const refused = (path: string, code: string): void =>
    expect(() => makeFolder(path), path).toThrow(expect.objectContaining({ code, syscall: 'mkdir' }));
  refused(join(dir, 'file'), 'EEXIST');
  refused(join(dir, 'file', 'x'), 'ENOTDIR');
  refused(join(dir, 'dangling', 'x'), 'EEXIST');
});

test.runIf(process.platform === 'linux')('comes back from where no folder can be', async () => {
  const source = `
    import { makeFolder } from ${JSON.stringify(new URL('./folder.ts', import.meta.url).href)};
    try { makeFolder('/proc/landfall/x/y'); } catch (error) { console.log(error.code, error.path); }
  `;
  const ended = await spawned([process.execPath, '--import', 'tsx', '--input-type=module', '-e', source], {
    signal: AbortSignal.timeout(20_000),
  });
  expect(ended).toMatchObject({ status: 0, stdout: 'ENOENT /proc/landfall\n', stderr: '' });
});
