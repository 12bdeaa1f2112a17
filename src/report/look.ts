import { COLOURLESS, type Paint } from './colour.ts';

/** The signs that stand before a line. Always with a word beside them. */
export interface Signs {
  readonly right: string;
  readonly differs: string;
  readonly wrong: string;
  readonly unknown: string;
  readonly running: string;
  readonly ellipsis: string;
  readonly dot: string;
  readonly bar: string;
  readonly corner: string;
}

const UNICODE: Signs = {
  right: '✓',
  differs: '~',
  wrong: '✗',
  unknown: '?',
  running: '▸',
  ellipsis: '…',
  dot: '·',
  bar: '│',
  corner: '┌',
};

const ASCII: Signs = {
  right: 'v',
  differs: '~',
  wrong: 'x',
  unknown: '?',
  running: '>',
  ellipsis: '...',
  dot: '-',
  bar: '|',
  corner: '+',
};

/** Everything a view must know of where it is shown. */
export interface Look {
  readonly signs: Signs;
  readonly paint: Paint;
  /** Columns there are; views keep to it where cutting loses nothing. */
  readonly columns: number;
  /** Minutes east of UTC, for telling moments. */
  readonly offset: number;
  /** Milliseconds since the epoch, for leaving out the year. */
  readonly now: number;
  /** Last touch before writing: leaves text as it is, or, where UTF-8 is not spoken, puts ASCII in its window. */
  readonly spell: (text: string) => string;
}

/** How a place that shows text can differ from a plain one of 100 columns. */
export interface Window {
  readonly paint?: Paint;
  readonly columns?: number;
  readonly utf8?: boolean;
  readonly offset?: number;
  readonly now?: number;
}

/** The narrowest and the widest that prose is set: narrower is unreadable, wider is tiring. */
const NARROWEST = 40;
const WIDEST = 120;

const SPELLING: Readonly<Record<string, string>> = {
  '✓': 'v',
  '✗': 'x',
  '▸': '>',
  '…': '...',
  '·': '-',
  '│': '|',
  '┌': '+',
  '→': '->',
  '←': '<-',
  '≠': '!=',
  '≥': '>=',
  '≤': '<=',
  '×': 'x',
  '–': '-',
  '—': '-',
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
};

function toAscii(text: string): string {
  return text.replace(/[^\u0000-\u007f]/gu, (character) => SPELLING[character] ?? '?');
}

/** The look for a window. */
export function look(window: Window = {}): Look {
  const utf8 = window.utf8 ?? true;
  return {
    signs: utf8 ? UNICODE : ASCII,
    paint: window.paint ?? COLOURLESS,
    columns: Math.min(WIDEST, Math.max(NARROWEST, window.columns ?? 100)),
    offset: window.offset ?? 0,
    now: window.now ?? 0,
    spell: utf8 ? (text) => text : toAscii,
  };
}

/** Whether the locale speaks UTF-8: LC_ALL, then LC_CTYPE, then LANG; when none is set, yes, as nearly every terminal does. */
export function speaksUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((v) => v !== undefined && v !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}
