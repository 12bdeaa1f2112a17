import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { landfall } from '../../test/cli/fake.ts';
import { calls } from '../../test/cli/calls.ts';
import { objection } from '../../test/cli/parsed.ts';
import { parseFault } from '../lab/fault.ts';
import { everyStep } from './list.ts';

/*
 * docs/tutorial.md is walked by hand, on a lab. Between two walks this sees to it that nothing it names has gone: its commands
 * are understood, and its steps, files and pages are there.
 */

const PAGE = new URL('../../docs/tutorial.md', import.meta.url);
const text = readFileSync(PAGE, 'utf8');

/** What is typed: the lines behind `$` in its blocks, and calls named in its sentences. */
const typed = [...text.matchAll(/^\$ (.*)$/gm)].map((m) => m[1] ?? '');
const prose = text.replace(/^```console\n[^]*?\n```$/gm, '');
const spoken = [...prose.matchAll(/`(landfall [^`]*)`/g)].map((m) => m[1] ?? '');
const STEPS = everyStep().map(({ step }) => step);

describe('the words of a line of shell', () => {
  test.each([
    ['landfall plan >x && cd y', [['plan']]],
    ["landfall lab ssh -- 'a; b >c' d", [['lab', 'ssh', '--', 'a; b >c', 'd']]],
    ['mkdir -p landfall && landfall init; landfall apply | less', [['init'], ['apply']]],
  ])('%s', (line, words) => {
    expect(calls(line)).toEqual(words);
  });
});

describe('a command line', () => {
  test.each([
    [['plan', '--only', 'kernel'], ''],
    [['runs'], ''],
    [['plan', '--ful'], /no flag --ful/],
    [['plam'], /no command "plam"/],
    [['runs', 'show', 'a', 'b'], /one word too many/],
  ])('%j is judged by the real tree', async (words, said) => {
    expect(await objection(words)).toMatch(said === '' ? /^$/ : said);
  });
});

describe('docs/tutorial.md', () => {
  const all = [...typed, ...spoken].flatMap(calls);
  test('shows a whole way', () => {
    for (const word of ['init', 'plan', 'apply', 'explain', 'runbook', 'kubeconfig', 'reset']) {
      expect(all.map(([first]) => first)).toContain(word);
    }
  });

  test.each(all.map((words) => [words.join(' '), words] as const))('landfall %s', async (_, words) => {
    expect(await objection(words)).toBe('');
  });

  test('breaks only what can be broken', () => {
    const faults = all
      .filter(([lab, word]) => lab === 'lab' && word === 'break')
      .map(([, , ...words]) => words);
    const lab = { name: 'teach', hosts: [{ name: 'cp-0' }] } as never;
    const named = faults.map((words) =>
      words.slice(
        0,
        words.findIndex((w) => w.startsWith('-')),
      ),
    );
    expect(named.filter((words) => words.length > 0).length).toBeGreaterThan(0);
    for (const words of named.filter((w) => w.length > 0)) expect(() => parseFault(lab, words)).not.toThrow();
  });

  test('asks to explain only what can be explained', async () => {
    const asked = all.filter(([first]) => first === 'explain').map((words) => words.slice(1));
    expect(asked.length).toBeGreaterThan(2);
    for (const words of asked.filter((w) => w.join() !== 'STEP')) {
      const it = await landfall(['explain', ...words], { cwd: '/nowhere' });
      expect([words, it.err(), it.code()]).toEqual([words, '', 0]);
    }
  });

  test('names no step that is not there', () => {
    const ids = new Set<string>(STEPS.map(({ id }) => id));
    const subjects = [...new Set(STEPS.map(({ id }) => id.slice(0, id.indexOf('/'))))];
    const named = [
      ...text.matchAll(new RegExp(`(?<![\\w./-])(?:${subjects.join('|')})/[a-z][a-z0-9-]*`, 'g')),
    ];
    expect(named.length).toBeGreaterThan(5);
    expect(named.map(([id]) => id).filter((id) => !ids.has(id))).toEqual([]);
    const diagnoses = new Set(STEPS.flatMap(({ clues = [] }) => clues.map(({ diagnosis }) => diagnosis)));
    expect([...text.matchAll(/\bH\d+\b/g)].map(([id]) => id).filter((id) => !diagnoses.has(id))).toEqual([]);
  });

  test('leads only to pages that are there', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((m) => m[1] ?? '');
    expect(links.length).toBeGreaterThan(4);
    expect(links.filter((link) => !existsSync(new URL(link, PAGE)))).toEqual([]);
  });

  test('names only files of a host that some step knows', () => {
    const known = STEPS.map(({ read, make, undo }) =>
      [read, make, undo].map((s) => s?.text ?? '').join('\n'),
    ).join();
    const paths = [...text.matchAll(/(?<![\w.:/-])\/(?:etc|var|run)\/[\w./-]+\w/g)].map(([path]) => path);
    const own = typed.join('\n');
    expect(paths.length).toBeGreaterThan(2);
    expect(paths.filter((path) => !known.includes(path) && !own.includes(path))).toEqual([]);
  });
});
