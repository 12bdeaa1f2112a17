import { diffLines } from 'diff';
import type { Look } from './look.ts';
import { printable } from './width.ts';

/** A line of a difference: what is read and should not be, what should be and is not, or what stands around it. */
export interface DiffLine {
  readonly sign: '-' | '+' | ' ';
  readonly text: string;
}

/** How much two texts may differ before the whole of each is shown: finding the shortest difference is quadratic. */
const MOST_EDITS = 2000;

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** What is read against what is wanted, line by line, every line of both. */
export function difference(reading: string, want: string): DiffLine[] {
  const end = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
  const changes = diffLines(end(reading), end(want), { maxEditLength: MOST_EDITS });
  if (changes === undefined) {
    return [
      ...linesOf(reading).map((text) => ({ sign: '-' as const, text })),
      ...linesOf(want).map((text) => ({ sign: '+' as const, text })),
    ];
  }
  return changes.flatMap((change) => {
    const sign = change.added ? '+' : change.removed ? '-' : ' ';
    return linesOf(change.value).map((text) => ({ sign, text }) as const);
  });
}

/** The lines that differ and `around` lines before and after each; `undefined` stands for lines left out between. */
export function hunks(lines: readonly DiffLine[], around: number): (DiffLine | undefined)[] {
  const keep = new Set<number>();
  for (const [i, line] of lines.entries()) {
    if (line.sign === ' ') continue;
    for (let j = i - around; j <= i + around; j += 1) keep.add(j);
  }
  const out: (DiffLine | undefined)[] = [];
  let last = -1;
  for (const [i, line] of lines.entries()) {
    if (!keep.has(i)) continue;
    if (last >= 0 && i > last + 1) out.push(undefined);
    out.push(line);
    last = i;
  }
  return out;
}

/** What is said instead of a long difference: `new, 74 lines`, `3 of 74 lines differ`. */
export function summary(reading: string, want: string): string {
  // A file's reading begins with its mode and owner, which are not lines of it.
  const wanted = linesOf(want).filter((line, i) => i > 0 || !/^\d{4} \S+:\S+$/.test(line)).length;
  if (reading === '' || reading === 'absent') return `new, ${wanted} lines`;
  const lines = difference(reading, want);
  const changed = Math.max(
    lines.filter((l) => l.sign === '+').length,
    lines.filter((l) => l.sign === '-').length,
  );
  return `${changed} of ${Math.max(wanted, 1)} lines ${changed === 1 ? 'differs' : 'differ'}`;
}

/**
 * A difference as it is shown, signs before lines, at most so many of them: `4 more …` stands for the rest.
 * @param most `Infinity` shows all.
 */
export function differenceLines(reading: string, want: string, look: Look, most: number): string[] {
  const { paint, signs } = look;
  const whole = hunks(
    difference(printable(reading), printable(want)),
    most === Number.POSITIVE_INFINITY ? 3 : 1,
  );
  const cut = whole.length > most ? whole.slice(0, most - 1) : whole;
  const rest = whole.slice(cut.length).filter((line) => line !== undefined && line.sign !== ' ').length;
  const out = cut.map((line) => {
    if (line === undefined) return paint.faint(`  ${signs.ellipsis}`);
    if (line.sign === ' ') return paint.faint(`  ${line.text}`);
    const text = `${line.sign} ${line.text}`.trimEnd();
    return line.sign === '+' ? paint.right(text) : paint.wrong(text);
  });
  return rest === 0 ? out : [...out, paint.faint(`  ${rest} more ${signs.ellipsis}`)];
}
