import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asText, lineAt, lineText, placeOf, showable } from './text.ts';

describe('places', () => {
  const text = asText('x', '\uFEFFone\r\ntwo: 2\n\n\n');
  it('are counted from 1, without a byte order mark and line ends', () => {
    expect(placeOf(text, { start: 5, end: 8 }, 'here')).toEqual({
      file: 'x',
      line: 2,
      column: 1,
      length: 3,
      text: 'two: 2',
      label: 'here',
    });
    expect(placeOf(text, { start: 0, end: 99 })).toEqual({
      file: 'x',
      line: 1,
      column: 1,
      length: 3,
      text: 'one',
    });
  });
  it('behind the end are moved back to the last line that shows something', () => {
    expect(placeOf(text, { start: 13, end: 14 })).toMatchObject({
      line: 2,
      column: 7,
      length: 1,
      text: 'two: 2',
    });
    expect(placeOf(asText('x', ''), { start: 0, end: 1 })).toMatchObject({ line: 1, column: 1, text: '' });
  });
  it('lie in the text, whatever the span', () => {
    const content = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\r\n', '\t', 'é') });
    fc.assert(
      fc.property(content, fc.nat(50), fc.nat(50), (all, start, length) => {
        const some = asText('x', all);
        const place = placeOf(some, { start, end: start + length });
        const line = lineText(some, place.line);
        expect(place.line).toBeLessThanOrEqual(some.lineStarts.length);
        expect(place.column).toBeLessThanOrEqual(line.length + 1);
        expect(place.text).toHaveLength(line.length);
      }),
    );
  });
  it('find the line of every character', () => {
    const at = (offset: number) => lineAt(text, offset);
    expect([0, 4, 5, 11, 12, 13].map(at)).toEqual([1, 1, 2, 2, 3, 4]);
  });
});

describe('showable', () => {
  it('leaves letters alone and keeps the length', () => {
    expect(showable('größe\t🛥')).toBe('größe 🛥');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(showable(text)).toHaveLength(text.length);
        expect(showable(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});
