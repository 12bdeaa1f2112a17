import type { Place } from '../model/problem.ts';

/** A stretch of a text, in UTF-16 code units from its start; `end` is the first one that is not meant. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A file's text and where its lines begin. */
export interface Text {
  /** As the user knows the file. */
  readonly file: string;
  readonly content: string;
  readonly lineStarts: readonly number[];
  /** Where the last thing that can be seen ends. */
  readonly end: number;
}

/** Takes a file's name and content; a byte order mark at the start is dropped, so that columns are what an editor shows. */
export function asText(file: string, content: string): Text {
  const plain = content.startsWith('\uFEFF') ? content.slice(1) : content;
  const lineStarts = [0];
  for (let at = plain.indexOf('\n'); at !== -1; at = plain.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, content: plain, lineStarts, end: plain.trimEnd().length };
}

/** The line (from 1) that holds an offset. */
export function lineAt(text: Text, offset: number): number {
  let low = 0;
  let high = text.lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((text.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** A line (from 1) without its end; empty beyond the text. */
export function lineText(text: Text, line: number): string {
  const start = text.lineStarts[line - 1] ?? text.content.length;
  const end = (text.lineStarts[line] ?? text.content.length + 1) - 1;
  return text.content.slice(start, end).replace(/\r$/, '');
}

/**
 * The place of a span, for showing its line: the span is cut at the end of its first line, and one behind the last
 * character of the file is moved back to the last line that has something on it.
 */
export function placeOf(text: Text, span: Span, label?: string): Place {
  const start = Math.min(span.start, text.end);
  const line = lineAt(text, start);
  const shown = lineText(text, line);
  const column = Math.min(start - (text.lineStarts[line - 1] ?? 0), shown.length) + 1;
  const length = Math.max(1, Math.min(span.end - start, shown.length - column + 1));
  return {
    file: text.file,
    line,
    column,
    length,
    text: showable(shown),
    ...(label === undefined ? {} : { label: showable(label) }),
  };
}

/**
 * Makes a text of a file safe to print: every control or direction character becomes one visible or plain character, so
 * that a file cannot drive the terminal, and columns stay what they are. A tab becomes a space.
 */
export function showable(text: string): string {
  return text
    .replaceAll('\t', ' ')
    .replace(/[\p{Cc}\p{Cs}\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu, '\uFFFD');
}

/** Makes every part of a problem safe to print; see {@link showable}. */
export function showableParts<T extends Readonly<Record<string, unknown>>>(parts: T): T {
  const safe = Object.entries(parts).map(([key, part]) => [
    key,
    typeof part === 'string' ? showable(part) : part,
  ]);
  return Object.fromEntries(safe) as T;
}
