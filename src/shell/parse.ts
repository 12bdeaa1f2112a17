import { RECORD } from './compile.ts';

/** What a script told of a step, or of itself. */
export type ScriptRecord =
  | { readonly is: 'begin'; readonly steps: number }
  | { readonly is: 'right' | 'made' | 'undoing' | 'undone'; readonly step: number }
  | { readonly is: 'skipped'; readonly step: number; readonly asked: boolean }
  | {
      readonly is: 'differs' | 'unproven' | 'wrong';
      readonly step: number;
      readonly reading: string;
      /** What the reading's programs complained about. */
      readonly note: string;
    }
  | {
      readonly is: 'waiting';
      readonly step: number;
      readonly seconds: number;
      readonly reading: string;
      readonly note: string;
    }
  | {
      readonly is: 'failed';
      readonly step: number;
      readonly status: number;
      readonly reading: string;
      readonly note: string;
    }
  /** What a step hands over beside its reading. */
  | { readonly is: 'told'; readonly step: number; readonly text: string }
  | { readonly is: 'end' }
  /** Words of the transport around the script: `held`, `got`, `gone`, … with their texts decoded. */
  | { readonly is: 'said'; readonly word: string; readonly texts: readonly string[] };

const UTF8 = new TextDecoder();

/** Decodes base64 as UTF-8; pure, so that it runs in a browser too. */
export function decode(text: string | undefined): string {
  if (text === undefined || text === '') return '';
  return UTF8.decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
}

function record(line: string): ScriptRecord | undefined {
  const words = line.split(' ');
  const [head, word, ...rest] = words;
  if (head === 'landfall' && word === '1') return { is: 'begin', steps: Number(rest[0]) };
  if (head === 'end') return { is: 'end' };
  const step = Number(head);
  if (!Number.isInteger(step) || step < 1) {
    return head !== undefined && /^[a-z]+$/.test(head)
      ? { is: 'said', word: head, texts: words.slice(1).map(decode) }
      : undefined;
  }
  switch (word) {
    case 'right':
    case 'made':
    case 'undoing':
    case 'undone':
      return { is: word, step };
    case 'skipped':
      return { is: word, step, asked: rest[0] === 'stop' };
    case 'told':
      return { is: word, step, text: decode(rest[0]) };
    case 'differs':
    case 'unproven':
    case 'wrong':
      return { is: word, step, reading: decode(rest[0]), note: decode(rest[1]) };
    case 'waiting':
      return { is: word, step, seconds: Number(rest[0]), reading: decode(rest[1]), note: decode(rest[2]) };
    case 'failed':
      return { is: word, step, status: Number(rest[0]), reading: decode(rest[1]), note: decode(rest[2]) };
    default:
      return undefined;
  }
}

/** Takes a script's stream piece by piece and tells its records and the output between them, line by line. */
export interface StreamReader {
  readonly feed: (chunk: string) => void;
  /** Tells what is left when the stream has ended without a newline. */
  readonly end: () => void;
}

/**
 * Reads a script's stream. A record begins at {@link RECORD} wherever it stands, because a program's last line may lack
 * its newline; what does not parse as a record is output.
 * @param onLine told before what stands in a line, once a line: a line may hold output and a record.
 */
export function streamReader(
  onRecord: (r: ScriptRecord) => void,
  onOutput: (line: string) => void,
  onLine: () => void = () => undefined,
): StreamReader {
  let rest = '';
  const line = (text: string): void => {
    onLine();
    const at = text.indexOf(RECORD);
    const before = at < 0 ? text : text.slice(0, at);
    if (before !== '' || at < 0) onOutput(before);
    if (at < 0) return;
    const parsed = record(text.slice(at + 1));
    if (parsed === undefined) onOutput(text.slice(at + 1));
    else onRecord(parsed);
  };
  return {
    feed: (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) line(part);
    },
    end: () => {
      if (rest !== '') line(rest);
      rest = '';
    },
  };
}

/** Reads a whole stream at once: the records, without the output. */
export function parseRecords(text: string): readonly ScriptRecord[] {
  const records: ScriptRecord[] = [];
  const reader = streamReader(
    (r) => records.push(r),
    () => undefined,
  );
  reader.feed(text);
  reader.end();
  return records;
}
