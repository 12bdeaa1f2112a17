import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Place } from './place.ts';
import { keyOf, type Recipe, type Work } from './recipe.ts';

/** What is written beside an artefact's files. */
export interface Stamp {
  readonly format: 1;
  readonly id: string;
  readonly key: string;
  /** How long the making took, in seconds. */
  readonly seconds: number;
  /** Path → size in bytes and sha256. */
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

/** Gives the folder of a recipe's artefact, whether it exists or not. */
export function folderOf(place: Place, recipe: Recipe): string {
  return join(place.artefacts, `${recipe.id}-${keyOf(recipe).slice(0, 16)}`);
}

/** Says whether a recipe's artefact has been made. A folder exists only when it is whole. */
export async function made(place: Place, recipe: Recipe): Promise<boolean> {
  return access(folderOf(place, recipe)).then(
    () => true,
    () => false,
  );
}

/** Gives the paths of all regular files under a folder, relative to it, sorted. */
export async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Gives the sha256 of a file in hexadecimal. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Makes a recipe's artefact: in a scratch folder, then renamed into its place, so that being killed leaves nothing half-made.
 *
 * @returns how long it took, in seconds
 */
export async function make(place: Place, recipe: Recipe, far: Work['far']): Promise<number> {
  await mkdir(place.scratch, { recursive: true });
  await mkdir(place.artefacts, { recursive: true });
  const folder = await mkdtemp(join(place.scratch, `${recipe.id}-`));
  const started = performance.now();
  try {
    const out = join(folder, 'files');
    const scratch = join(folder, 'scratch');
    await mkdir(out);
    await mkdir(scratch);
    await recipe.build({ out, scratch, far, of: (need) => join(folderOf(place, need), 'files') });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    const files: Record<string, { size: number; sha256: string }> = {};
    for (const path of await filesUnder(out)) {
      const file = join(out, path);
      const { mode, size } = await stat(file);
      await chmod(file, mode & 0o7555); // later hard links share it: nobody should write into it
      files[path] = { size, sha256: await sha256Of(file) };
    }
    const stamp: Stamp = { format: 1, id: recipe.id, key: keyOf(recipe), seconds, files };
    await writeFile(join(folder, 'artefact.json'), `${JSON.stringify(stamp, null, 1)}\n`);
    await rm(scratch, { recursive: true, force: true });
    await chmod(folder, 0o755);
    await rename(folder, folderOf(place, recipe));
    return seconds;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Compares an artefact's files with their checksums. Gives the paths that are missing or differ. */
export async function damaged(place: Place, recipe: Recipe): Promise<readonly string[]> {
  const folder = folderOf(place, recipe);
  const stamp = JSON.parse(await readFile(join(folder, 'artefact.json'), 'utf8')) as Stamp;
  const bad: string[] = [];
  for (const [path, { size, sha256 }] of Object.entries(stamp.files)) {
    const file = join(folder, 'files', path);
    const found = await stat(file).catch(() => undefined);
    if (found?.size !== size || (await sha256Of(file)) !== sha256) bad.push(path);
  }
  return bad;
}

/** Throws an artefact away. */
export async function discard(place: Place, recipe: Recipe): Promise<void> {
  const folder = folderOf(place, recipe);
  await rename(folder, `${folder}.gone`).catch(() => undefined); // so that a half-deleted one is never seen as whole
  await rm(`${folder}.gone`, { recursive: true, force: true });
}
