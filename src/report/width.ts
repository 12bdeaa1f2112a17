/** A colour escape, as `paint` makes them: the only sort that may stand in a line that is measured. */
const COLOUR = /\u001b\[[0-9;]*m/g;

/** Characters a terminal draws two columns wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Characters that take no column of their own. */
const NARROW = /[\p{Mn}\p{Me}\u200b-\u200f\ufeff]/u;

/** Everything that could steer a terminal: C0 but tab and newline, DEL, C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what this looks for
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Colours and movements as other programs print them, whole. */
const SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\^_=>78]/g;

function columnsOf(character: string): number {
  if (NARROW.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** How many columns of a terminal a line takes; colours take none. */
export function width(line: string): number {
  let sum = 0;
  for (const character of line.replace(COLOUR, '')) sum += columnsOf(character);
  return sum;
}

/**
 * Text of somebody else (a program's output, a reading, a file) made safe to show: carriage returns that overwrite a line
 * keep what was written last, its colours are taken off, and any other control character is shown as a mark instead of
 * obeyed. Tabs become blanks.
 */
export function printable(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.includes('\r') ? lastWritten(line) : line))
    .join('\n')
    .replaceAll('\t', '  ')
    .replace(SEQUENCE, '')
    .replace(STEERING, '\u00b7');
}

/** What stays to be read of a line that a program overwrote by carriage returns, as progress bars do. */
function lastWritten(line: string): string {
  return line.split('\r').findLast((part) => part !== '') ?? '';
}

/** Cuts a line to so many columns, colours kept and closed, the last column an ellipsis when something was cut. */
export function fit(line: string, columns: number, ellipsis = '…'): string {
  if (width(line) <= columns) return line;
  const room = Math.max(0, columns - width(ellipsis));
  let out = '';
  let used = 0;
  let coloured = false;
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b[')) {
      out += part;
      coloured = true;
      continue;
    }
    for (const character of part) {
      const needs = columnsOf(character);
      if (used + needs > room) {
        const end = columns < width(ellipsis) ? '' : ellipsis;
        return coloured ? `${out}${end}\u001b[0m` : `${out}${end}`;
      }
      out += character;
      used += needs;
    }
  }
  return out;
}

/** Fills a line with blanks up to so many columns. */
export function pad(line: string, columns: number): string {
  return line + ' '.repeat(Math.max(0, columns - width(line)));
}

/** Fills a line with blanks on the left up to so many columns. */
export function padLeft(line: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - width(line))) + line;
}

/** Breaks prose at blanks into lines of at most so many columns; a longer word keeps a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const out: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/ +/)) {
      if (line !== '' && width(line) + 1 + width(word) > columns) {
        out.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    out.push(line);
  }
  return out;
}
