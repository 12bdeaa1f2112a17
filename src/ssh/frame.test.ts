import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frame } from './frame.ts';

const MARK = '\u001e0123456789abcdef';

interface Heard {
  starts: number;
  data: string;
  pieces: string[];
  end: string | undefined;
  noise: string;
}

function listen(chunks: readonly string[]): Heard {
  const heard: Heard = { starts: 0, data: '', pieces: [], end: undefined, noise: '' };
  const one = frame(MARK, {
    onStart: () => (heard.starts += 1),
    onData: (text) => {
      heard.data += text;
      heard.pieces.push(text);
    },
    onEnd: (tail) => (heard.end = tail),
  });
  for (const chunk of chunks) one.push(chunk);
  heard.noise = one.noise();
  return heard;
}

/** Cuts a text into pieces at the given places. */
function cut(text: string, places: readonly number[]): readonly string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)), text.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => text.slice(at[i], end));
}

describe('a frame', () => {
  test('gives what is between the marks, however the stream is cut', () => {
    const body = fc.string({
      unit: fc.constantFrom('\u001e', '0', '1', 'a', '\n', ' ', 'é', '␞'),
      maxLength: 60,
    });
    const noise = fc.string({ unit: fc.constantFrom('w', '\n', '\u001e', '0'), maxLength: 20 });
    fc.assert(
      fc.property(body, noise, fc.nat(255), fc.array(fc.nat(200)), (text, before, status, places) => {
        const heard = listen(cut(`${before}${MARK}\n${text}${MARK} ${status}\nlate words`, places));
        expect(heard).toMatchObject({ starts: 1, data: text, end: String(status), noise: '' });
      }),
      { numRuns: 2000 },
    );
  });

  test('holds no finished line back', () => {
    const heard = listen([`${MARK}\n`, '\u001e7 differs\n', 'half', ' a line']);
    expect(heard.pieces).toEqual(['\u001e7 differs\n', 'half', ' a line']);
  });

  test('holds back what may be the mark, and gives it when it is not', () => {
    const heard = listen([`${MARK}\nabc${MARK.slice(0, 5)}`]);
    expect(heard).toMatchObject({ data: 'abc', end: undefined });
    expect(listen([`${MARK}\nabc${MARK.slice(0, 5)}`, 'x']).data).toBe(`abc${MARK.slice(0, 5)}x`);
  });

  test('keeps what came in place of the mark, and no more than the end of it', () => {
    expect(listen(['sudo: a password ', 'is required\n'])).toMatchObject({
      starts: 0,
      noise: 'sudo: a password is required\n',
    });
    const endless = listen(Array.from({ length: 400 }, () => 'x'.repeat(1000)));
    expect(endless.noise.length).toBeLessThanOrEqual(65_536);
  });
});
