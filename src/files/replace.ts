import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

function existing(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/** Writes a text into a new file beside another, down to the disk; gives its name. */
function beside(target: string, content: string, mode: number): string {
  const name = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const descriptor = openSync(name, 'wx', mode & 0o777);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return name;
  } catch (error) {
    rmSync(name, { force: true });
    throw error;
  }
}

/**
 * Gives a file another text, whole or not at all: nobody ever reads half of it. A link stays one, and a mode stays what it was.
 * @throws what the file system says; the file is then as it was.
 */
export function replaceFile(file: string, content: string): void {
  const target = existing(file) ?? file;
  const mode = statSync(target, { throwIfNoEntry: false })?.mode ?? 0o644;
  const name = beside(target, content, mode);
  try {
    renameSync(name, target);
  } catch (error) {
    rmSync(name, { force: true });
    throw error;
  }
}

/**
 * Makes a file of this text, whole or not at all, and never in place of another.
 * @throws what the file system says: EEXIST when something of that name is there, though it came only a moment ago.
 */
export function createFile(file: string, content: string): void {
  const name = beside(file, content, 0o644);
  try {
    linkSync(name, file);
  } catch (error) {
    // Not every file system knows a file by two names.
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    writeFileSync(file, content, { flag: 'wx' });
  } finally {
    rmSync(name, { force: true });
  }
}
