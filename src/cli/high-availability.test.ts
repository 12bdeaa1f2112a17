import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { calls } from '../../test/cli/calls.ts';
import { objection } from '../../test/cli/parsed.ts';
import { loadCluster } from '../config/load.ts';
import { parseFault } from '../lab/fault.ts';
import { everyStep } from './list.ts';

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

  test('breaks only what can be broken', () => {
    const hosts = ['cp-0', 'cp-1', 'cp-2', 'worker-0', 'worker-1'].map((name) => ({ name }));
    const lab = { name: 'harbour', hosts } as never;
    const faults = all
      .filter(([first, word]) => first === 'lab' && word === 'break')
      .map(([, , ...words]) => words.slice(0, words.indexOf('--name')));
    expect(faults.length).toBeGreaterThan(4);
    for (const words of faults) expect(() => parseFault(lab, words)).not.toThrow();
  });

  test('shows only steps that are there', () => {
    const steps = everyStep().map(({ step }) => step.id as string);
    const shown = [...text.matchAll(/^ {2}[~✗?] ([a-z]+\/[a-z-]+)/gm)].map(([, id]) => id ?? '');
    expect(shown.length).toBeGreaterThan(1);
    expect(shown.filter((id) => !steps.includes(id))).toEqual([]);
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
