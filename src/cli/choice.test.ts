import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { folder, landfall } from '../../test/cli/fake.ts';

/** A desk with a cluster, and an ssh that leaves a mark when a host is called. */
let desk: { readonly dir: string; readonly remove: () => void };
let mark: string;
const path = process.env['PATH'];

beforeAll(() => {
  desk = folder({
    'cluster.yaml':
      'apiVersion: landfall/v1\nkind: Cluster\nname: harbour\nkubernetes: "1.36"\nnodes:\n  - { name: cp-0, role: control-plane, address: 10.0.0.11 }\n',
  });
  mark = join(desk.dir, 'called');
  writeFileSync(join(desk.dir, 'ssh'), `#!/bin/sh\n: >'${mark}'\nexit 255\n`);
  chmodSync(join(desk.dir, 'ssh'), 0o755);
  process.env['PATH'] = `${desk.dir}:${path}`;
});
afterEach(() => rmSync(mark, { force: true }));
afterAll(() => {
  process.env['PATH'] = path;
  desk.remove();
});

const ONLY = /^error\[only\/unknown\]: there is no phase, subject or step called "nonsense"/;
const NODE = /^error\[node\/unknown\]: there is no node called "nonsense"/;

describe('a name nothing has is refused before any host is called and anything is asked', () => {
  test.each<[readonly string[], RegExp]>([
    [['plan', '--only', 'nonsense'], ONLY],
    [['plan', '--node', 'nonsense'], NODE],
    [['apply', '--only', 'nonsense'], ONLY],
    [['apply', '--node', 'nonsense'], NODE],
    [['apply', '--only', 'nonsense', '--yes'], ONLY],
    [['apply', 'some.plan', '--only', 'nonsense'], ONLY],
    [['status', '--only', 'nonsense'], ONLY],
    [['status', '--node', 'nonsense'], NODE],
    [['reset', '--node', 'nonsense'], NODE],
    [['reset', '--node', 'nonsense', '--cluster', 'harbour', '--yes'], NODE],
    [['hosts', 'trust', 'nonsense'], NODE],
    [
      ['explain', 'nonsense'],
      /^error\[explain\/unknown\]: there is no step, subject or diagnosis called "nonsense"/,
    ],
  ])('landfall %j', async (words, says) => {
    // Once with nobody to ask, once with somebody who would answer.
    for (const typed of [undefined, ['y', 'harbour']]) {
      const it = await landfall(words, { cwd: desk.dir, ...(typed === undefined ? {} : { typed }) });
      expect(it.err()).toMatch(says);
      expect(it.err()).toMatch(/\n {2}try +\S/);
      expect([it.out(), it.code(), existsSync(mark)]).toEqual(['', 2, false]);
    }
  });

  test('and so is a reset, or an apply, that nobody can have meant', async () => {
    for (const words of [
      ['apply'],
      ['reset'],
      ['reset', '--cluster', 'haven', '--yes'],
      ['apply', 'no.plan'],
    ]) {
      expect((await landfall(words, { cwd: desk.dir })).code()).toBe(2);
      expect(existsSync(mark)).toBe(false);
    }
  });

  test('while a name that is one leads to the hosts', async () => {
    const it = await landfall(['plan', '--only', 'kernel', '--node', 'cp-0'], { cwd: desk.dir });
    expect([it.code(), existsSync(mark)]).toEqual([4, true]);
  });
});

test('a saved plan is made whole or not at all', async () => {
  const it = await landfall(['apply', 'some.plan', '--only', 'kernel'], { cwd: desk.dir });
  expect(it.err()).toMatch(/^error\[plan\/part\]: [^]*plan --out FILE/);
  expect([it.code(), existsSync(mark)]).toEqual([2, false]);
});
