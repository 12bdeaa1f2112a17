import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { whole } from './part.ts';

const target = () => join(mkdtempSync(join(tmpdir(), 'landfall-')), 'made');

describe('whole', () => {
  it('makes a file, a folder, and the folders above', async () => {
    const file = join(target(), 'below', 'file');
    await whole(file, (part) => writeFile(part, 'x'));
    expect(readFileSync(file, 'utf8')).toBe('x');
    const folder = target();
    await whole(folder, (part) => mkdir(part));
    expect(existsSync(folder)).toBe(true);
  });

  it('leaves nothing when the work fails, and clears away what a killed one left', async () => {
    const file = target();
    writeFileSync(`${file}.part.old`, 'half');
    await expect(
      whole(file, async (part) => {
        await writeFile(part, 'half');
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(readdirSync(join(file, '..'))).toEqual([]);
  });
});
