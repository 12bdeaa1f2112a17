import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/**
 * Makes a folder and those above it, as far as they are missing. Node's own `recursive` never comes back where a file system
 * says ENOENT to whoever makes a folder in one that is there, as /proc does.
 * @param mode of the folders that are made, less the umask.
 * @throws the file system's own error, with the folder that could not be made as its path.
 */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (isFolder(path)) return;
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existsSync(above)) throw error;
    makeFolder(above, mode);
    makeFolder(path, mode);
  }
}
