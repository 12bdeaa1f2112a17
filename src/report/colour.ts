/** What the user may say with --color. */
export type ColourWish = 'auto' | 'always' | 'never';

/** Puts a colour around a text, or does nothing. */
export type Painter = (text: string) => string;

/** Colours by meaning. Each is used beside a sign or a word, never alone. */
export interface Paint {
  readonly strong: Painter;
  readonly faint: Painter;
  readonly right: Painter;
  readonly differs: Painter;
  readonly wrong: Painter;
  readonly unknown: Painter;
  /** Something to type. */
  readonly command: Painter;
}

const sgr =
  (on: number, off: number): Painter =>
  (text) =>
    text === '' ? text : `\u001b[${on}m${text}\u001b[${off}m`;

const same: Painter = (text) => text;

/** Colours for a terminal. */
export const COLOURED: Paint = {
  strong: sgr(1, 22),
  faint: sgr(2, 22),
  right: sgr(32, 39),
  differs: sgr(33, 39),
  wrong: sgr(31, 39),
  unknown: sgr(36, 39),
  command: sgr(1, 22),
};

/** No colours at all. */
export const COLOURLESS: Paint = {
  strong: same,
  faint: same,
  right: same,
  differs: same,
  wrong: same,
  unknown: same,
  command: same,
};

/**
 * Whether to use colour on a stream: --color, then FORCE_COLOR, then NO_COLOR, then TERM=dumb, then whether it is a terminal.
 * FORCE_COLOR=0 (or false) forbids; NO_COLOR counts only when it is not empty (no-color.org).
 */
export function wantsColour(
  wish: ColourWish,
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (wish !== 'auto') return wish === 'always';
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if (env['TERM'] === 'dumb') return false;
  return isTerminal;
}
