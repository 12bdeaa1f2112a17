import { RECORD } from '../../src/shell/compile.ts';
import { sh } from '../../src/shell/sh.ts';

/** Stands in the place of a check's reading, where that is not modelled. */
export const CHECK = sh`: check`;

/** A step as it stands in a compiled script. */
export interface Asked {
  readonly n: number;
  readonly id: string;
  /** The chapter of the script: its comment and functions. */
  readonly text: string;
  readonly kind: 'make' | 'check';
  /** Seconds. */
  readonly within: number;
}

/** A compiled script, read back. */
export interface AskedScript {
  readonly mode: 'read' | 'make' | 'undo';
  readonly steps: readonly Asked[];
  /** The late values it brings along, by slot. */
  readonly slots: ReadonlyMap<string, string>;
}

const KNOWN = new Map<string, AskedScript>();

/** Reads a compiled script back: its steps, in order, and what it hands over. */
export function askedOf(script: string): AskedScript {
  const known = KNOWN.get(script);
  if (known !== undefined) return known;
  const [, ...chapters] = script.split('\n# ── ');
  const main = script.slice(script.lastIndexOf('\nmain() {'));
  const calls = new Map(
    [...main.matchAll(/^step (\d+)(?: (make|check) (\d+))?$/gm)].map((m) => [Number(m[1]), m] as const),
  );
  const steps = chapters.map((text): Asked => {
    const [, n = '', id = ''] = /^(\d+) (\S+): /.exec(text) ?? [];
    const call = calls.get(Number(n));
    return {
      n: Number(n),
      id,
      text,
      kind: call?.[2] === 'check' || text.includes(`\n${CHECK.text}\n`) ? 'check' : 'make',
      within: Number(call?.[3] ?? 0),
    };
  });
  const mode = script.includes('say "$1" undoing')
    ? 'undo'
    : script.includes('\nstopped=\n')
      ? 'make'
      : 'read';
  const slots = new Map(
    [...main.matchAll(/^cat >"\$tmp\/slots"\/'?([\w-]+)'? <<'(END_*)'\n([\s\S]*?)\n\2$/gm)].map(
      (m) => [m[1] ?? '', m[3] ?? ''] as const,
    ),
  );
  if (steps.length === 0 || steps.some(({ n }, i) => n !== i + 1))
    throw new Error(`not a script of steps: ${script.slice(0, 200)}`);
  const read: AskedScript = { mode, steps, slots };
  if (KNOWN.size > 500) KNOWN.clear();
  KNOWN.set(script, read);
  return read;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A record as the shell prints it; every text after the words is sealed in base64. */
export function record(words: string, ...texts: readonly string[]): string {
  return `${RECORD}${[words, ...texts.map(base64)].join(' ')}`;
}
