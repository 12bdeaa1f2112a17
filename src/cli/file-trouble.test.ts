import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fileTrouble } from './file-trouble.ts';

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test.each([
  [
    'a file where a folder should be',
    () => mkdirSync('/dev/null/x', { recursive: true }),
    /a file, not a folder/,
  ],
  ['a place that takes no folders', () => mkdirSync('/proc/landfall'), /the kernel’s own/],
  ['a folder that is not there', () => writeFileSync('/nowhere/at/all', ''), /does not exist/],
  ['a folder in one that is not there', () => mkdirSync('/nowhere/at/all'), /does not exist/],
  ['a folder where a file should be', () => writeFileSync('/', ''), /it is a folder/],
])('%s is told with its path, what it means, and a remedy', (_, act, means) => {
  const problem = fileTrouble(thrown(act));
  expect(problem).toMatchObject({ code: 'file/system', exit: 1, why: expect.stringMatching(means) });
  expect(problem?.summary).toContain('/');
  expect(problem?.try).not.toBe('');
});

test('a disk that fills up under an open file', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  expect(fileTrouble(full)).toMatchObject({ code: 'file/system', why: expect.stringContaining('is full') });
});

test('what is no error of files is left to others', () => {
  expect(fileTrouble(new TypeError('x is undefined'))).toBeUndefined();
  expect(
    fileTrouble(
      Object.assign(new Error('spawn ssh ENOENT'), { code: 'ENOENT', syscall: 'spawn ssh', path: 'ssh' }),
    ),
  ).toBeUndefined();
});
