import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locked } from './lock.ts';

const file = () => join(mkdtempSync(join(tmpdir(), 'landfall-')), 'a', 'lock');

describe('locked', () => {
  it('refuses a second holder and names the first', async () => {
    const lock = file();
    await locked(lock, 'the first', async () => {
      await expect(locked(lock, 'the second', async () => 2)).rejects.toMatchObject({
        code: 'lab/busy',
        exit: 5,
        summary: expect.stringContaining(`the first, process ${process.pid}`),
      });
    });
    expect(await locked(lock, 'the third', async () => 3)).toBe(3);
  });

  it('makes a second holder wait when told to', async () => {
    const lock = file();
    const order: string[] = [];
    let wait = () => undefined as void;
    const waiting = new Promise<void>((resolve) => {
      wait = resolve;
    });
    let has = () => undefined as void;
    const held = new Promise<void>((resolve) => {
      has = resolve;
    });
    const first = locked(lock, 'first', async () => {
      has();
      await waiting;
      order.push('first');
    });
    // The second asks only once the first has it.
    await held;
    const second = locked(
      lock,
      'second',
      async () => order.push('second'),
      () => wait(),
    );
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  it('is free again when the work throws', async () => {
    const lock = file();
    await expect(
      locked(lock, 'x', async () => {
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(await locked(lock, 'y', async () => 'free')).toBe('free');
  });
});
