import { Problem } from '../model/problem.ts';
import type { Words } from './syntax-words.ts';
import { lineAt, placeOf, showableParts, type Span, type Text } from './text.ts';

/** More syntax errors than this are echoes of the first ones. */
export const MOST = 10;

/** A problem of the file's text, before its meaning is known; the process ends with 2. */
export function syntax(
  text: Text,
  span: Span,
  { code, ...words }: Words & { readonly code: string },
): Problem {
  return new Problem({ code, where: placeOf(text, span), exit: 2, ...showableParts(words) });
}

/** Takes offsets in order; gives the indexes of those that are the first of their line. */
export function firstOfEachLine(text: Text, offsets: readonly number[]): readonly number[] {
  const lines = new Set<number>();
  return offsets.flatMap((offset, i) => {
    const line = lineAt(text, Math.min(offset, text.end));
    return lines.has(line) ? [] : [(lines.add(line), i)];
  });
}

/** The characters YAML forbids, one problem a line. */
export function characters(text: Text): readonly Problem[] {
  const found = [
    ...text.content.matchAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]|\r(?!\n)|\p{Cs}/gu),
  ];
  return firstOfEachLine(
    text,
    found.map((match) => match.index),
  )
    .slice(0, MOST)
    .map((i) => {
      const match = found[i];
      const start = match?.index ?? 0;
      const code = (match?.[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      return syntax(
        text,
        { start, end: start + 1 },
        {
          code: 'yaml/character',
          summary: `the character U+${code} cannot stand in a YAML file`,
          why:
            code === '0000'
              ? 'a text file holds no zero bytes: is this the right file?'
              : 'it cannot be seen, and programs differ in what they make of it',
          try: 'take it out',
        },
      );
    });
}

/** The marks a merge leaves behind; they would be read as keys without colons. */
export function conflicts(text: Text): readonly Problem[] {
  return [...text.content.matchAll(/^(<{7}|={7}|>{7}|\|{7})(?=[ \r\n]|$)/gm)].slice(0, MOST).map((match) =>
    syntax(
      text,
      { start: match.index, end: match.index + 7 },
      {
        code: 'yaml/conflict',
        summary: 'git left a merge conflict here',
        try: 'keep one of the two versions and take the marks out',
      },
    ),
  );
}
