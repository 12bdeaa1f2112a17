import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Holder, takeLock } from './lock.ts';

describe('the lock', { timeout: 120_000 }, () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lets one in at a time and names the holder to the other', async () => {
    const file = join(folder, 'lock');
    const first = await takeLock(file, 'filling the depot', () => expect.unreachable());
    let waitsFor: Holder | undefined;
    let inside = false;
    const second = takeLock(file, 'again', (holder) => {
      waitsFor = holder;
    }).then((lock) => {
      inside = true;
      return lock;
    });
    await expect
      .poll(() => waitsFor, { timeout: 60_000 })
      .toMatchObject({ pid: process.pid, what: 'filling the depot' });
    expect(inside).toBe(false);
    await first.release();
    await (await second).release();
    expect(inside).toBe(true);
  });

  it('is free again when its holder was killed', async () => {
    const file = join(folder, 'lock');
    const module = join(dirname(fileURLToPath(import.meta.url)), 'lock.ts');
    const code = `import { takeLock } from ${JSON.stringify(module)}; await takeLock(${JSON.stringify(file)}, 'dying', () => {}); console.log('held'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    const lock = await takeLock(file, 'next', () => undefined);
    expect(lock).toBeDefined();
    await lock.release();
  });
});
