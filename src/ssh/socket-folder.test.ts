import { mkdirSync, mkdtempSync, rmSync, statSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { spawned } from './spawned.ts';

const base = mkdtempSync(join(tmpdir(), 'lf-'));

afterAll(() => rmSync(base, { recursive: true, force: true }));

/** What a process of its own gets as its folder, and whether it is there while it runs. */
async function folderOf(
  runtime: string,
): Promise<{ readonly folder: string; readonly mode: string; readonly length: number }> {
  const source = `
    import { statSync } from 'node:fs';
    import { freshName, socketFolder } from ${JSON.stringify(new URL('./socket-folder.ts', import.meta.url).href)};
    const folder = socketFolder();
    if (socketFolder() !== folder) throw new Error('two folders');
    console.log(JSON.stringify({ folder, mode: (statSync(folder).mode & 0o777).toString(8), length: \`\${folder}/\${freshName()}\`.length }));
  `;
  const done = await spawned([process.execPath, '--import', 'tsx', '--input-type=module', '-e', source], {
    env: { XDG_RUNTIME_DIR: runtime },
  });
  expect(done.stderr).toBe('');
  return JSON.parse(done.stdout) as Awaited<ReturnType<typeof folderOf>>;
}

test('is private, short, gone at exit, and swept after processes that were killed', async () => {
  const left = join(base, 'landfall', '4194999-dead');
  mkdirSync(left, { recursive: true, mode: 0o700 });
  mkdirSync(join(base, 'landfall', `${process.pid}-alive`));
  const { folder, mode, length } = await folderOf(base);
  expect(folder.startsWith(join(base, 'landfall/'))).toBe(true);
  expect(mode).toBe('700');
  expect(length + 17).toBeLessThan(104);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(left)).toBe(false);
  expect(existsSync(join(base, 'landfall', `${process.pid}-alive`))).toBe(true);
});

test('is elsewhere when the place is too long for a socket, cannot be made, or others could write there', async () => {
  expect((await folderOf('/proc')).folder).toMatch(/^\/tmp\/landfall-/);
  expect((await folderOf('run')).folder).toMatch(/^\/tmp\/landfall-/);
  const long = join(base, 'x'.repeat(90));
  expect((await folderOf(long)).folder).toMatch(/^\/tmp\/landfall-/);
  const open = join(base, 'open');
  mkdirSync(join(open, 'landfall'), { recursive: true });
  await spawned(['chmod', '777', join(open, 'landfall')]);
  expect(statSync(join(open, 'landfall')).mode & 0o777).toBe(0o777);
  expect((await folderOf(open)).folder).toMatch(/^\/tmp\/landfall-/);
});
