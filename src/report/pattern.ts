/*
 * A clue's pattern is written for a machine. What a reader wants to see is the text it stands for.
 */

/** Alternatives inside one pattern that are worth writing out; beyond, they stay as they are. */
const MOST = 6;

/** One piece of a pattern: the texts it may stand for, and where the next begins. */
interface Piece {
  readonly texts: readonly string[];
  readonly end: number;
}

/** Where the bracket that is open at `at` is closed. */
function closing(source: string, at: number): number {
  const isClass = source[at] === '[';
  let depth = 0;
  for (let i = at; i < source.length; i += 1) {
    const c = source[i];
    if (c === '\\') i += 1;
    else if (isClass) {
      if (c === ']' && i > at + 1) return i;
    } else if (c === '(') depth += 1;
    else if (c === ')' && (depth -= 1) === 0) return i;
    else if (c === '[') i = closing(source, i);
  }
  return source.length;
}

/** Cuts at the alternatives that are in no group. */
function outermost(source: string): readonly string[] {
  const cuts: number[] = [];
  for (let i = 0; i < source.length; i += 1) {
    const c = source[i];
    if (c === '\\') i += 1;
    else if (c === '(' || c === '[') i = closing(source, i);
    else if (c === '|') cuts.push(i);
  }
  return [...cuts, source.length].map((end, i) => source.slice(i === 0 ? 0 : (cuts[i - 1] ?? 0) + 1, end));
}

function piece(source: string, at: number): Piece {
  const c = source[at] ?? '';
  if (c === '(') {
    const end = closing(source, at);
    const inside = source.slice(at + 1, end);
    if (/^\?<?[=!]/.test(inside)) return { texts: [''], end: end + 1 };
    return { texts: outermost(inside.replace(/^\?:/, '')).flatMap(expanded), end: end + 1 };
  }
  if (c === '[') {
    const end = closing(source, at);
    return { texts: [/^[\d-]+$/.test(source.slice(at + 1, end)) ? 'N' : '…'], end: end + 1 };
  }
  if (c === '\\') {
    const escaped = source[at + 1] ?? '';
    const meaning: Readonly<Record<string, string>> = { b: '', d: 'N', s: ' ', S: '…', w: '…' };
    return { texts: [meaning[escaped] ?? escaped], end: at + 2 };
  }
  if (c === '^' || c === '$') return { texts: [''], end: at + 1 };
  return { texts: [c], end: at + 1 };
}

/** All that a pattern without outer alternatives may stand for. */
function expanded(source: string): readonly string[] {
  let all: readonly string[] = [''];
  for (let at = 0; at < source.length; ) {
    const { texts, end } = piece(source, at);
    const [, many = ''] = /^([*+?]|\{\d[\d,]*\})/.exec(source.slice(end)) ?? [];
    const isDot = source[at] === '.';
    const shown = isDot && many !== '' ? [' … '] : many === '?' ? [''] : texts;
    all =
      all.length * shown.length > MOST
        ? all.map((text) => text + source.slice(at, end).replace(/\\(.)/g, '$1'))
        : all.flatMap((text) => shown.map((more) => text + more));
    at = end + many.length + (source[end + many.length] === '?' ? 1 : 0);
  }
  return all;
}

/** A pattern as a reader understands it: `br_netfilter not found`, its alternatives apart, `N` for a number, `…` for anything. */
export function alternatives(pattern: RegExp): readonly string[] {
  const texts = outermost(pattern.source)
    .flatMap(expanded)
    .map((text) =>
      text
        .replace(/[ \u2026]*\u2026[ \u2026]*/g, (gap) => (/ /.test(gap) ? ' … ' : '…'))
        .replace(/ +/g, ' ')
        .trim(),
    );
  return [...new Set(texts)];
}
