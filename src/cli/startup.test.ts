import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { spawned } from '../ssh/spawned.ts';

const MAIN = new URL('./main.ts', import.meta.url);

/** What is loaded together with these files: every file reached by static imports, and every package they name. */
function loadedAtOnce(...roots: readonly URL[]): {
  readonly files: readonly string[];
  readonly packages: readonly string[];
} {
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
  for (const root of roots) visit(root);
  return { files: [...files], packages: [...packages] };
}

/** Runs landfall through a shell, to lead its streams anywhere: `"$@"` stands for it. */
function inShell(script: string, env: Readonly<Record<string, string | undefined>> = {}) {
  const tsx = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
  return spawned(['sh', '-c', script, 'sh', tsx, fileURLToPath(MAIN)], {
    env,
    signal: AbortSignal.timeout(50_000),
  });
}

describe('streams that are not there', () => {
  test.each<[string, string, string]>([
    ['standard input', '"$@" explain kernel <&-', '0'],
    ['standard output', '"$@" explain kernel >&-', '0'],
    ['standard error', '"$@" explain nonsense 2>&-', '2'],
    ['all of them', '"$@" explain nonsense <&- >&- 2>&-', '2'],
    ['standard error, its disk being full', '"$@" explain nonsense 2>/dev/full', '2'],
  ])('%s: it ends as ever', async (_, command, status) => {
    const ended = await inShell(`{ ${command}; echo "ended with $?" >&3; } 3>&1 >/dev/null`);
    expect([ended.stdout, ended.stderr]).toEqual([`ended with ${status}\n`, '']);
  });

  test('a reader of errors who goes away breaks nothing', async () => {
    const ended = await inShell(
      '{ "$@" explain nonsense 2>&1 >/dev/null; echo "ended with $?" >&2; } | exit 0',
    );
    expect(ended.stderr).toBe('ended with 2\n');
  });

  test('a disk that is full: what was printed is incomplete, which is told and is a failure', async () => {
    const ended = await inShell('"$@" explain >/dev/full');
    expect(ended.stderr).toMatch(/^error\[file\/output\]: [^]*ENOSPC[^]*is full[^]*\n {2}try +\S.*\n$/);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect(ended.status).toBe(1);
  });
});

describe('starting up', () => {
  test('loads the command line and nothing of what commands do', () => {
    const { files, packages } = loadedAtOnce(MAIN);
    expect(packages.filter((name) => !name.startsWith('node:'))).toEqual(['@stricli/core']);
    expect(files.filter((file) => !/\/src\/(cli|report)\//.test(file))).toEqual([]);
    expect(files.length).toBeLessThan(20);
  });

  test('loads before the hosts are called only what that needs', () => {
    const roots = ['./main.ts', './apply.ts', './source.ts', '../config/load.ts', './site.ts'];
    const { files, packages } = loadedAtOnce(...roots.map((root) => new URL(root, import.meta.url)));
    expect(packages.toSorted()).toEqual([
      '@stricli/core',
      'node:child_process',
      'node:fs',
      'node:os',
      'node:path',
      'yaml',
      'zod',
    ]);
    expect(files.filter((file) => /\/src\/(steps|plan|lab)\//.test(file))).toEqual([]);
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
