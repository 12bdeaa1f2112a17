import { describe, expect, test } from 'vitest';
import { type Entry, parseEntries, standingOf } from './applied.ts';

const digest = (letter: string): string => letter.repeat(64);
const entry = (letter: string, by = 'anna@laptop'): Entry => ({
  digest: digest(letter),
  at: '2026-11-23T09:12:00Z',
  run: '20261123-091200-ab12',
  landfall: '0.1.0',
  by,
});
const line = ({ digest, at, run, landfall, by }: Entry): string => [digest, at, run, landfall, by].join(' ');

test('entries are read line by line, and what is none is passed over', () => {
  const entries = [entry('a'), entry('b', 'ben@desk')];
  expect(parseEntries(`\n${entries.map(line).join('\n')}\nnot an entry\n${digest('c')} 2026\n`)).toEqual(
    entries,
  );
  expect(parseEntries('')).toEqual([]);
});

describe('how a file stands to what was applied last', () => {
  const applied = { last: entry('c', 'ben@desk'), text: '', earlier: [entry('b'), entry('a')] };
  test.each([
    ['c', false, 'same'],
    ['c', true, 'same'],
    ['b', true, 'older'],
    ['a', false, 'older'],
    ['d', true, 'newer'],
    ['d', false, 'apart'],
  ] as const)('%s, known %s: %s', (letter, knows, standing) => {
    expect(standingOf(applied, digest(letter), knows)).toBe(standing);
  });
  test('a file that was applied again is the same, though it is among those before it, too', () => {
    const again = { ...applied, earlier: [entry('b'), entry('c')] };
    expect(standingOf(again, digest('c'), false)).toBe('same');
  });
});
