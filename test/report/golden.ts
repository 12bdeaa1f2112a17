import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The text that is kept in a file for reading in review, to be compared with what is made now.
 * UPDATE_GOLDEN=1 writes the file anew first.
 */
export function kept(file: URL, text: string): string {
  const path = fileURLToPath(file);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return existsSync(path) ? readFileSync(path, 'utf8') : `${path} is not there: run with UPDATE_GOLDEN=1`;
}
