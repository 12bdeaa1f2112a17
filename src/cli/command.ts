import { buildCommand, type Command, type TypedFlagParameter } from '@stricli/core';
import type { ExitCode } from '../model/problem.ts';
import type { Context } from './context.ts';
import { COMMON, COMMON_ALIASES, type CommonFlags } from './flags.ts';

/** A call one might type, and what it does: without `landfall`, which is put before it. */
export type Example = readonly [call: string, does: string];

/** One word a command takes. */
export interface Argument {
  readonly placeholder: string;
  readonly brief: string;
  readonly optional?: boolean;
  readonly propose?: (context: Context) => Promise<readonly string[]>;
}

/** What a command does when it is called; gives what the process ends with. */
export type Action<FLAGS> = (
  context: Context,
  flags: FLAGS & CommonFlags,
  args: readonly string[],
) => Promise<ExitCode>;

/** What a command may end with, and what that says of it. */
export type Ends = Readonly<Partial<Record<ExitCode, string>>>;

/** A command as it is written down in `commands.ts`. */
export interface CommandSpec<FLAGS> {
  /** One line, an imperative. */
  readonly brief: string;
  /** What else is to be known, shown by --help. */
  readonly more?: string;
  /** Shown first by --help. */
  readonly examples: readonly [Example, Example, ...Example[]];
  readonly flags: { readonly [K in keyof FLAGS]-?: TypedFlagParameter<FLAGS[K], Context> };
  readonly aliases?: Readonly<Record<string, string & keyof FLAGS>>;
  /** The words it takes; `rest` takes any number more. */
  readonly args?: readonly Argument[];
  readonly rest?: Argument;
  /** What it ends with in a way of its own, and what that says: told by docs/cli.md. */
  readonly ends?: Ends;
  /** Loads the command's own file, which nothing loads before it is called. */
  readonly load: () => Promise<Action<FLAGS>>;
}

/** What --help and docs/cli.md show of a command besides its flags. */
export interface Manual {
  readonly examples: readonly Example[];
  readonly args: readonly Argument[];
  readonly rest?: Argument;
  readonly ends: Ends;
}

const MANUALS = new WeakMap<object, Manual>();

/** The manual of a command made by {@link command}. */
export function manualOf(target: object): Manual | undefined {
  return MANUALS.get(target);
}

const asText = (input: string): string => input;

function positional(argument: Argument) {
  const { placeholder, brief, optional, propose } = argument;
  return {
    placeholder,
    brief,
    parse: asText,
    ...(optional === true ? { optional } : {}),
    ...(propose === undefined
      ? {}
      : {
          proposeCompletions(this: Context) {
            return propose(this);
          },
        }),
  };
}

/** Makes a command: its own flags and those all have, its file loaded late, whatever it throws told as it should be. */
export function command<FLAGS extends object>(spec: CommandSpec<FLAGS>): Command<Context> {
  const { args = [], rest } = spec;
  const parameters = {
    flags: { ...spec.flags, ...COMMON },
    aliases: { ...spec.aliases, ...COMMON_ALIASES },
    positional:
      rest === undefined
        ? { kind: 'tuple', parameters: args.map(positional) }
        : {
            kind: 'array',
            parameter: positional(rest),
            minimum: args.filter((a) => a.optional !== true).length,
          },
  };
  async function func(
    this: Context,
    flags: FLAGS & CommonFlags,
    ...words: (string | undefined)[]
  ): Promise<void> {
    try {
      const action = await spec.load();
      this.process.exitCode = await action(
        this,
        flags,
        words.filter((w): w is string => w !== undefined),
      );
    } catch (error) {
      const { tell } = await import('./tell.ts');
      this.process.exitCode = tell(this, flags, error);
    }
  }
  // Stricli derives the types of its parameters from those of the function; here both come from one specification.
  const built = buildCommand<Record<string, unknown>, (string | undefined)[], Context>({
    func: func as never,
    parameters: parameters as never,
    docs: { brief: spec.brief, ...(spec.more === undefined ? {} : { fullDescription: spec.more }) },
  });
  MANUALS.set(built, {
    examples: spec.examples,
    args,
    ...(rest === undefined ? {} : { rest }),
    ends: spec.ends ?? {},
  });
  return built;
}
