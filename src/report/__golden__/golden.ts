import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** Compares a text with a file that is kept for reading in review; UPDATE_GOLDEN=1 writes the file anew. */
export function expectGolden(text: string, file: URL): void {
  const path = fileURLToPath(file);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const kept = existsSync(path)
    ? readFileSync(path, 'utf8')
    : `(${path} is not there: run with UPDATE_GOLDEN=1)`;
  expect(text).toBe(kept);
}
