import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wantsColour } from './colour.ts';
import { look, speaksUtf8 } from './look.ts';
import { fit, pad, printable, width, wrap } from './width.ts';
import { bytes, clock, count, listed, moment, span } from './words.ts';

describe('words', () => {
  test('durations', () => {
    expect([4, 900, 2100, 9940, 9960, 12_000, 72_000, 240_000, 3_780_000, 7_200_000].map(span)).toEqual([
      '4 ms',
      '0.9 s',
      '2.1 s',
      '9.9 s',
      '10 s',
      '12 s',
      '1 min 12 s',
      '4 min',
      '1 h 3 min',
      '2 h',
    ]);
    expect([0, 14_900, 725_000, 3_723_000].map(clock)).toEqual(['0:00', '0:14', '12:05', '1:02:03']);
  });

  test('no duration is told as sixty of the smaller unit', () => {
    fc.assert(
      fc.property(fc.nat(20 * 3_600_000), (ms) => {
        expect(span(ms)).not.toMatch(/(^| )60 (s|min)/);
      }),
    );
  });

  test('counts, lists, bytes, moments', () => {
    expect([count(1, 'step'), count(3, 'step'), count(2, 'match', 'matches')]).toEqual([
      '1 step',
      '3 steps',
      '2 matches',
    ]);
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
    expect(listed(['a', 'b', 'c', 'd', 'e'], 3)).toBe('a, b and 3 more');
    expect([bytes(512), bytes(8 * 1024 ** 3), bytes(7.6 * 1024 ** 3)]).toEqual(['512 B', '8 GiB', '7.6 GiB']);
    const now = Date.parse('2026-12-01T00:00:00Z');
    expect(moment('2026-11-23T09:12:00Z', 60, now)).toBe('23 Nov 10:12');
    expect(moment('2025-11-23T09:12:00Z', 0, now)).toBe('23 Nov 2025 09:12');
  });
});

describe('width', () => {
  test('colours, wide characters and accents', () => {
    expect([width('\u001b[31mab\u001b[39m'), width('日本'), width('e\u0301')]).toEqual([2, 4, 1]);
    expect(pad('日', 4)).toBe('日  ');
  });

  test('a line that is cut fits, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        const line = printable(text).replaceAll('\n', ' ');
        expect(width(fit(line, columns))).toBeLessThanOrEqual(columns);
        expect(fit(line, width(line))).toBe(line);
      }),
    );
  });

  test('wrapped prose loses no word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/)),
        fc.integer({ min: 5, max: 40 }),
        (words, columns) => {
          const lines = wrap(words.join(' '), columns);
          expect(lines.join(' ').trim()).toBe(words.join(' '));
          for (const line of lines) expect(width(line) <= columns || !line.includes(' ')).toBe(true);
        },
      ),
    );
  });

  test('nothing printable steers a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
    );
    expect(printable('10%\r20%\r\nnext\r')).toBe('20%\nnext');
    expect(printable('a\tb')).toBe('a  b');
    expect(printable('\u001b[1;31mred\u001b[0m \u001b]0;title\u0007x')).toBe('red x');
  });
});

describe('the look', () => {
  test('colour: the flag, then FORCE_COLOR, NO_COLOR, TERM, the terminal', () => {
    expect(wantsColour('never', { FORCE_COLOR: '1' }, true)).toBe(false);
    expect(wantsColour('always', { NO_COLOR: '1' }, false)).toBe(true);
    expect(wantsColour('auto', { FORCE_COLOR: '1', NO_COLOR: '1' }, false)).toBe(true);
    expect(wantsColour('auto', { FORCE_COLOR: '0' }, true)).toBe(false);
    expect(wantsColour('auto', { NO_COLOR: '1' }, true)).toBe(false);
    expect(wantsColour('auto', { NO_COLOR: '' }, true)).toBe(true);
    expect(wantsColour('auto', { TERM: 'dumb' }, true)).toBe(false);
    expect(wantsColour('auto', {}, false)).toBe(false);
  });

  test('UTF-8 is taken from the first locale variable that says something', () => {
    expect(speaksUtf8({ LC_ALL: 'C', LANG: 'de_DE.UTF-8' })).toBe(false);
    expect(speaksUtf8({ LC_ALL: '', LANG: 'de_DE.utf8' })).toBe(true);
    expect(speaksUtf8({})).toBe(true);
  });

  test('where UTF-8 is not spoken, everything is ASCII', () => {
    expect(look({ utf8: false }).spell('✓ 3 more … – “é”')).toBe('v 3 more ... - "?"');
  });
});
