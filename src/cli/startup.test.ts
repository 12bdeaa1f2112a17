import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const MAIN = new URL('./main.ts', import.meta.url);

/** What is loaded before a command is: every file reached by static imports, and every package they name. */
function loadedAtOnce(): { readonly files: readonly string[]; readonly packages: readonly string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: URL): void => {
    if (files.has(file.href)) return;
    files.add(file.href);
    const text = readFileSync(file, 'utf8');
    for (const [, clause = '', from = ''] of text.matchAll(
      /^(?:import|export) (?:([^;]*?)\s*from )?'([^']+)';/gms,
    )) {
      const names = /^\{([^}]*)\}$/s.exec(clause)?.[1];
      const onlyTypes =
        clause.startsWith('type ') ||
        (names !== undefined &&
          names
            .split(',')
            .filter((name) => name.trim() !== '')
            .every((name) => name.trim().startsWith('type ')));
      if (onlyTypes) continue;
      if (from.startsWith('.')) visit(new URL(from, file));
      else packages.add(from);
    }
  };
  visit(MAIN);
  return { files: [...files], packages: [...packages] };
}

describe('starting up', () => {
  test('loads the command line and nothing of what commands do', () => {
    const { files, packages } = loadedAtOnce();
    expect(packages.filter((name) => !name.startsWith('node:'))).toEqual(['@stricli/core']);
    expect(files.filter((file) => !/\/src\/(cli|report)\//.test(file))).toEqual([]);
    expect(files.length).toBeLessThan(20);
  });

  test('a reader who goes away breaks nothing', async () => {
    const tsx = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
    const child = spawn(tsx, [fileURLToPath(MAIN), 'explain', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect([status, err]).toEqual([0, '']);
  }, 60_000);
});
