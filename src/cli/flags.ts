import type { TypedFlagParameter } from '@stricli/core';
import type { ColourWish } from '../report/colour.ts';
import type { Context } from './context.ts';

/** The flags every command has. */
export interface CommonFlags {
  readonly directory?: string;
  readonly file?: string;
  readonly json: boolean;
  readonly color: ColourWish;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly noInput: boolean;
}

/** What --older-file says. */
export const OLDER_FILE = 'Though others have applied a newer cluster.yaml';

type Flag<T> = TypedFlagParameter<T, Context>;

/** Takes any text but the empty one. @throws Error saying so. */
export function word(input: string): string {
  if (input.trim() === '') throw new Error('must not be empty');
  return input;
}

/** Takes a whole number above zero, in digits only. @throws Error saying so. */
export function number(input: string): number {
  if (!/^[1-9]\d{0,8}$/.test(input)) throw new Error('must be a whole number above 0');
  return Number(input);
}

/** A flag that takes a word. */
export function text(brief: string, placeholder: string): Flag<string | undefined> {
  return { kind: 'parsed', parse: word, optional: true, brief, placeholder };
}

/** A flag that takes a whole number above zero. */
export function count(brief: string, placeholder: string): Flag<number | undefined> {
  return { kind: 'parsed', parse: number, optional: true, brief, placeholder };
}

/** A flag that is there or not. */
export function yes(brief: string): Flag<boolean> {
  return { kind: 'boolean', default: false, withNegated: false, brief };
}

/** A flag that may be given more than once. */
export function many(
  brief: string,
  placeholder: string,
  propose?: (context: Context) => Promise<readonly string[]>,
): Flag<readonly string[]> {
  return {
    kind: 'parsed',
    parse: word,
    variadic: true,
    default: [],
    brief,
    placeholder,
    ...(propose === undefined
      ? {}
      : {
          proposeCompletions(this: Context) {
            return propose(this);
          },
        }),
  };
}

/** The definitions of {@link CommonFlags}. */
export const COMMON: { readonly [K in keyof CommonFlags]-?: Flag<CommonFlags[K]> } = {
  directory: text('Work as if started there', 'DIR'),
  file: text('The cluster file (./cluster.yaml; - is standard input)', 'FILE'),
  json: yes('One JSON document, or one event a line, on standard output'),
  color: {
    kind: 'enum',
    values: ['auto', 'always', 'never'],
    default: 'auto',
    brief: 'This wins over FORCE_COLOR, that over NO_COLOR, that over TERM=dumb (auto)',
  },
  verbose: yes('Show what the steps’ own programs print, and stacks of bugs'),
  quiet: yes('Say nothing but what is wrong'),
  noInput: yes('Never ask; refuse what would need an answer'),
};

/** The one-letter names of {@link CommonFlags}. */
export const COMMON_ALIASES = { C: 'directory', f: 'file', v: 'verbose', q: 'quiet' } as const;

const LEADING_VALUES = new Set(['-C', '--directory', '-f', '--file', '--color']);
const LEADING = new Set(['--json', '-v', '--verbose', '-q', '--quiet', '--no-input', '--no-color']);

/** Cuts off the flags that stand before the command. */
function cut(inputs: readonly string[]): {
  readonly led: readonly string[];
  readonly rest: readonly string[];
} {
  const rest = [...inputs];
  const led: string[] = [];
  for (;;) {
    const first = rest[0];
    if (first === undefined) break;
    if (LEADING_VALUES.has(first)) led.push(...rest.splice(0, 2));
    else if (LEADING.has(first) || /^--(directory|file|color)=/.test(first)) led.push(...rest.splice(0, 1));
    else break;
  }
  return { led, rest };
}

/** The words from the command on. */
export function fromCommand(inputs: readonly string[]): readonly string[] {
  return cut(inputs).rest;
}

/**
 * Puts the flags that stand before the command behind it, where they are looked for: `landfall -C infra plan` is
 * `landfall plan -C infra`; `--no-color` is `--color=never`; `help plan` is `plan --help`.
 */
export function arranged(inputs: readonly string[]): readonly string[] {
  const { led, rest } = cut(inputs);
  const asked = rest[0] === 'help' ? [...rest.slice(1), '--help'] : rest;
  const end = asked.indexOf('--');
  const [own, behind] = end < 0 ? [asked, []] : [asked.slice(0, end), asked.slice(end)];
  return [...[...own, ...led].map((input) => (input === '--no-color' ? '--color=never' : input)), ...behind];
}
