import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';

/**
 * Makes a file (or folder) so that it is there whole or not at all: `make` writes to a place beside it, which is moved
 * when done. The place is a new one each time: when we are killed, a program we had started may still be writing to the old
 * one. Older ones are cleared away, as far as that goes.
 */
export async function whole(target: string, make: (part: string) => Promise<void>): Promise<void> {
  const dir = dirname(target);
  const prefix = `${basename(target)}.part.`;
  makeFolder(dir);
  for (const name of await readdir(dir))
    if (name.startsWith(prefix))
      await rm(join(dir, name), { recursive: true, force: true }).catch(() => undefined);
  const part = join(dir, prefix + crypto.randomUUID());
  try {
    await make(part);
    await rename(part, target);
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}
