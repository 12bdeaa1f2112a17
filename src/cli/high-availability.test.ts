import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { calls } from '../../test/cli/calls.ts';
import { objection } from '../../test/cli/parsed.ts';
import { loadCluster } from '../config/load.ts';

const PAGE = new URL('../../docs/high-availability.md', import.meta.url);
const text = readFileSync(PAGE, 'utf8');
const typed = [...text.matchAll(/^\$ (.*)$/gm)].map((m) => m[1] ?? '');
const spoken = [...text.replace(/^```console\n[^]*?\n```$/gm, '').matchAll(/`(landfall [^`]*)`/g)].map((m) =>
  (m[1] ?? '').replaceAll('\n', ' '),
);
const all = [...typed, ...spoken].flatMap(calls);

describe('docs/high-availability.md', () => {
  test('shows a whole way', () => {
    for (const word of ['plan', 'apply', 'status', 'node', 'recover', 'reset'])
      expect(all.map(([first]) => first)).toContain(word);
  });

  test.each(all.map((words) => [words.join(' '), words] as const))('landfall %s', async (_, words) => {
    expect(await objection(words)).toBe('');
  });

  test('leads only to pages that are there', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((m) => m[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !existsSync(new URL(link, PAGE)))).toEqual([]);
  });
});

describe('examples', () => {
  const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
  test.each(readdirSync(folder))('%s is right', (name) => {
    expect(loadCluster(folder + name).cluster.nodes.length).toBeGreaterThan(0);
  });
});
