import { mkdir, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stanza } from './apt.ts';
import { exec } from './exec.ts';
import type { TarEntry } from './tar.ts';

/** What an image has no use for. */
const unwanted = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'usr/share/lintian',
  'usr/share/bug',
];

/**
 * Unpacks Debian packages into a folder, without running their scripts, and leaves out their documentation.
 *
 * @param pool where the `Filename` of the packages counts from
 */
export async function unpack(pool: string, packages: readonly Stanza[], tree: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(tree, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(tree, name)).catch(() => undefined); // merged /usr, as Debian has it since 12
  }
  for (const stanza of packages) await unpackOne(join(pool, stanza['Filename'] as string), tree);
  for (const path of unwanted) await rm(join(tree, path), { recursive: true, force: true });
}

async function unpackOne(file: string, tree: string): Promise<void> {
  const input = await exec(['dpkg-deb', '--fsys-tarfile', file]);
  await exec(['tar', '-x', '-p', '--keep-directory-symlink', '--no-same-owner', '-C', tree], { input });
}

/** Gives a folder's files, links and folders as entries for a tar archive, all root's, sorted by path. */
export async function entriesOf(tree: string, under = ''): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  const items = await readdir(join(tree, under), { withFileTypes: true });
  for (const item of items.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(under, item.name);
    const file = join(tree, path);
    if (item.isSymbolicLink())
      entries.push({ path, type: 'symlink', mode: 0o777, target: await readlink(file) });
    else if (item.isDirectory()) {
      entries.push({ path, type: 'directory', mode: (await stat(file)).mode & 0o7777 });
      entries.push(...(await entriesOf(tree, path)));
    } else if (item.isFile())
      entries.push({
        path,
        type: 'file',
        mode: (await stat(file)).mode & 0o7777,
        data: await readFile(file),
      });
  }
  return entries;
}
