import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFile } from './replace.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-replace-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a file that is made', () => {
  it('holds its text, and nothing is left beside it', () => {
    createFile(join(dir, 'new'), 'text\n');
    expect([readdirSync(dir), readFileSync(join(dir, 'new'), 'utf8')]).toEqual([['new'], 'text\n']);
  });

  it('never takes the place of another, nor of a link that leads nowhere', () => {
    writeFileSync(join(dir, 'old'), 'mine\n');
    symlinkSync('nowhere', join(dir, 'link'));
    for (const name of ['old', 'link'])
      expect(() => createFile(join(dir, name), 'text\n')).toThrow(
        expect.objectContaining({ code: 'EEXIST' }),
      );
    expect([readdirSync(dir), readFileSync(join(dir, 'old'), 'utf8')]).toEqual([['link', 'old'], 'mine\n']);
  });

  it('is not made where there is no folder for it', () => {
    expect(() => createFile(join(dir, 'no', 'new'), 'x')).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });
});
