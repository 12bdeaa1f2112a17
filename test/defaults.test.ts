import { describe, expect, it } from 'vitest';
import { ETCD } from './defaults/etcd.ts';
import { IDENTITY } from './defaults/identity.ts';
import type { Default } from './defaults/item.ts';
import { defaultsPage } from './defaults/page.ts';
import { amiss } from './map/amiss.ts';
import type { Pointer } from './map/answer.ts';
import { kept } from './report/golden.ts';

const SUBJECTS = [IDENTITY, ETCD];
const all = SUBJECTS.flatMap(({ defaults }) => defaults);
const pointers = ({ answer }: Default): readonly Pointer[] =>
  answer.parts.filter((part) => typeof part !== 'string');

describe('the defaults that do not do', () => {
  it('are numbered, each once, and none is left out', () => {
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 29, 30, 31, 32, 33, 34, 35];
    expect(all.map(({ id }) => id)).toEqual(numbers.map((n) => `C${String(n).padStart(2, '0')}`));
  });

  it.each(all)('$id has a step and a switch, and both are there', async (one) => {
    const found = await Promise.all(pointers(one).map(amiss));
    expect(found.filter((what) => what !== undefined)).toEqual([]);
    const kinds = pointers(one).map(({ is }) => is);
    if (one.answer.standing === 'done') expect(kinds).toEqual(expect.arrayContaining(['step', 'field']));
  });

  it('are docs/defaults.md', () => {
    const text = defaultsPage(SUBJECTS);
    expect(text).toBe(kept(new URL('../docs/defaults.md', import.meta.url), text));
  });
});
