import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';

function existing(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/**
 * Gives a file another text, whole or not at all: nobody ever reads half of it. A link stays one, and a mode stays what it was.
 * @throws what the file system says; the file is then as it was.
 */
export function replaceFile(file: string, content: string): void {
  const target = existing(file) ?? file;
  const name = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const mode = statSync(target, { throwIfNoEntry: false })?.mode ?? 0o644;
    const descriptor = openSync(name, 'wx', mode & 0o777);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(name, target);
  } catch (error) {
    rmSync(name, { force: true });
    throw error;
  }
}
