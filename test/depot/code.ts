import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from './recipe.ts';

/**
 * Gives a hash of files of this folder: the input of recipes that cost seconds and are described by their code alone.
 * Recipes that cost minutes name their inputs one by one instead.
 */
export function code(...names: readonly string[]): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return sha256(names.map((name) => readFileSync(join(here, name), 'utf8')).join('\0'));
}
