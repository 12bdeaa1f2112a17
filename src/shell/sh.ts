/**
 * A piece of POSIX shell. It can only be made by {@link sh} and its helpers, so that every value in it is quoted.
 */
export interface Shell {
  readonly text: string;
  readonly [made]: true;
}

const made: unique symbol = Symbol('shell');

/** What may stand in `${…}` of {@link sh}: text and numbers are quoted, lists are quoted word by word, Shell goes in as it is. */
export type ShellValue = string | number | Shell | readonly string[];

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * Quotes one word for a POSIX shell; words that mean nothing to a shell stay as they are, so scripts stay readable.
 * A word beginning with `-` or containing `=` first is safe from the shell but not from the program: pass it after `--`.
 * @throws RangeError when the word holds a NUL, which no argument can carry.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new RangeError('a NUL cannot be part of a shell word');
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function isShell(value: ShellValue): value is Shell {
  return typeof value === 'object' && made in value;
}

function render(value: ShellValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return quote(String(value));
  return isShell(value) ? value.text : value.map(quote).join(' ');
}

/** Common leading white space of the template's own lines is taken off, and the first and last line when empty. */
function dedent(parts: readonly string[]): string[] {
  const marked = parts
    .join('\0')
    .replace(/^[ \t]*\n/, '')
    .replace(/\n[ \t]*$/, '');
  const indents = marked
    .split('\n')
    .filter((l) => l.trim() !== '')
    .map((l) => l.length - l.trimStart().length);
  const depth = indents.length === 0 ? 0 : Math.min(...indents);
  return marked
    .split('\n')
    .map((l) => (l.trim() === '' ? '' : l.slice(depth)))
    .join('\n')
    .split('\0');
}

/** The parts of templates, worked out once each: a template is the same object whenever its place in the program is passed. */
const PARTS = new WeakMap<TemplateStringsArray, readonly string[]>();

function partsOf(template: TemplateStringsArray): readonly string[] {
  const known = PARTS.get(template);
  if (known !== undefined) return known;
  const parts = dedent(template.raw.map((part) => part.replaceAll('\\${', '${').replaceAll('\\`', '`')));
  PARTS.set(template, parts);
  return parts;
}

/**
 * The one way to shell: `` sh`rm -f ${path}` ``. Every `${value}` is quoted as one word (a list as several); a nested
 * Shell is inserted as it is. Backslashes are the shell's own, but for `\${` and a backslash before a back quote,
 * which stand for `${` and the back quote. The template's indentation is removed.
 */
export function sh(template: TemplateStringsArray, ...values: readonly ShellValue[]): Shell {
  // Added up and not joined: the engine then keeps what many scripts share once, and a cluster has many hosts.
  let text = '';
  for (const [i, part] of partsOf(template).entries()) {
    text += part;
    if (i < values.length) text += render(values[i] as ShellValue);
  }
  return { text, [made]: true };
}

/** Joins pieces line by line. */
export function lines(...pieces: readonly Shell[]): Shell {
  return { text: pieces.map((p) => p.text).join('\n'), [made]: true };
}

/**
 * A here-document: `<<'END' … END`, to stand at the end of a command's line. Nothing in it is expanded. The delimiter is
 * lengthened until no line of the content equals it.
 * @param content text; a final newline is added when missing, as a here-document cannot be without.
 */
export function heredoc(content: string): Shell {
  if (content.includes('\0')) throw new RangeError('a NUL cannot be part of a here-document');
  const body = content === '' || content.endsWith('\n') ? content : `${content}\n`;
  let end = 'END';
  while (body.split('\n').includes(end)) end += '_';
  return { text: `<<'${end}'\n${body}${end}`, [made]: true };
}
