import { readdir, readlink, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { folderOf } from './artefacts.ts';
import { contentsFor, partsOf } from './contents.ts';
import type { Place } from './place.ts';
import { withNeeds } from './recipe.ts';
import { releases } from './release.ts';

/**
 * Removes what no depot of today's versions is made of, and depots that are not the present one.
 * Only the holder of the lock may.
 *
 * @returns the names of what was removed
 */
export async function prune(place: Place): Promise<readonly string[]> {
  const all = withNeeds(
    partsOf(
      contentsFor(
        releases.map(({ kubernetes }) => kubernetes),
        { containerd: true },
      ),
    ),
  );
  const artefacts = new Set(all.map((recipe) => basename(folderOf(place, recipe))));
  const current = await readlink(join(place.depots, 'current')).catch(() => undefined);
  const removed: string[] = [];
  const sweep = async (folder: string, keep: (name: string) => boolean): Promise<void> => {
    for (const name of await readdir(folder).catch(() => []))
      if (!keep(name)) {
        await rm(join(folder, name), { recursive: true, force: true });
        removed.push(name);
      }
  };
  await sweep(place.artefacts, (name) => artefacts.has(name));
  await sweep(place.depots, (name) => name === 'current' || name === current);
  return removed;
}
