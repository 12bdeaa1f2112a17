import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Links a file into the depot; where it cannot be linked it is copied. */
export async function put(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    if (error.code === 'EXDEV' || error.code === 'EMLINK' || error.code === 'EPERM')
      return copyFile(from, to);
    throw error;
  });
}

/** Writes files under a folder, path → content. */
export async function writeAll(
  folder: string,
  files: Readonly<Record<string, Buffer | string>>,
): Promise<void> {
  for (const [path, data] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), data);
  }
}
