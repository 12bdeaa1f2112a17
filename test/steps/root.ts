import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** A folder that stands for the root of a host, another one for each test of the file that asks for it. */
export interface Root {
  readonly path: () => string;
  /** Where programs lie that stand in for the host's. */
  readonly bin: () => string;
  /** Writes a file below it; gives where it lies. */
  readonly put: (path: string, text: string, mode?: number) => string;
}

/** @param systemctl the text of a program that stands in for systemctl. */
export function freshRoot(systemctl: string): Root {
  let root = '';
  const put = (path: string, text: string, mode = 0o644): string => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'landfall-'));
    put('bin/systemctl', systemctl, 0o755);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  return { path: () => root, bin: () => join(root, 'bin'), put };
}
