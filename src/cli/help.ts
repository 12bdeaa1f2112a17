import type { Command, RouteMap } from '@stricli/core';
import { manualOf } from './command.ts';
import type { Context } from './context.ts';
import { COMMON } from './flags.ts';

/** A command, or a group of them. */
export type Target = Command<Context> | RouteMap<Context>;

/** How a flag looks in help, as far as it is of interest here. */
interface ShownFlag {
  readonly kind: string;
  readonly brief: string;
  readonly placeholder?: string;
  readonly hidden?: boolean;
  readonly variadic?: boolean | string;
  readonly values?: readonly string[];
}

/** Whether it is a group. */
export const isMap = (target: Target): target is RouteMap<Context> => 'getAllEntries' in target;

/** A flag's name as it is typed. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

function table(rows: readonly (readonly [string, string])[]): string[] {
  const column = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(column)}   ${right}`.trimEnd());
}

function flagRow(
  name: string,
  flag: ShownFlag,
  aliases: Readonly<Record<string, string>>,
): readonly [string, string] {
  const letter = Object.keys(aliases).find((key) => aliases[key] === name);
  const value = flag.kind === 'boolean' ? '' : ` ${flag.values?.join('|') ?? flag.placeholder ?? 'VALUE'}`;
  const again = flag.variadic === undefined || flag.variadic === false ? '' : ' (more than once)';
  return [
    `${letter === undefined ? '    ' : `-${letter}, `}--${kebab(name)}${value}`,
    `${flag.brief}${again}`,
  ];
}

/** What there is to be said of a command, part by part. */
export interface CommandPage {
  /** What is typed, and what that does. */
  readonly examples: readonly (readonly [string, string])[];
  readonly about: string;
  readonly usage: string;
  /** The words it takes, its own flags, and those every command has: each with what it is. */
  readonly words: readonly (readonly [string, string])[];
  readonly own: readonly (readonly [string, string])[];
  readonly common: readonly (readonly [string, string])[];
}

/** The page of a command. @param prefix how it is called: `landfall plan`. */
export function commandPage(target: Command<Context>, prefix: string): CommandPage {
  const manual = manualOf(target);
  const flags = Object.entries((target.parameters.flags ?? {}) as Record<string, ShownFlag>);
  const aliases = (target.parameters.aliases ?? {}) as Record<string, string>;
  const args = [
    ...(manual?.args ?? []).map((a) => (a.optional === true ? `[${a.placeholder}]` : a.placeholder)),
    ...(manual?.rest === undefined ? [] : [`[${manual.rest.placeholder} …]`]),
  ];
  const words = [...(manual?.args ?? []), ...(manual?.rest === undefined ? [] : [manual.rest])];
  const rows = (list: typeof flags) => list.map(([name, flag]) => flagRow(name, flag, aliases));
  return {
    examples: (manual?.examples ?? []).map(([call, does]) => [`landfall ${call}`, does] as const),
    about: target.fullDescription ?? `${target.brief}.`,
    usage: [prefix, '[flags]', ...args].join(' '),
    words: words.map((a) => [a.placeholder, a.brief] as const),
    own: rows(flags.filter(([name, flag]) => !(name in COMMON) && flag.hidden !== true)),
    common: [...rows(flags.filter(([name]) => name in COMMON)), ['-h, --help', 'This page']],
  };
}

function commandHelp(target: Command<Context>, prefix: string): string[] {
  const { examples, about, usage, words, own, common } = commandPage(target, prefix);
  return [
    ...table(examples),
    '',
    about,
    '',
    `Usage: ${usage}`,
    ...(words.length === 0 ? [] : ['', ...table(words)]),
    ...(own.length === 0 ? [] : ['', 'Flags', ...table(own)]),
    '',
    'Flags every command has',
    ...table(common),
  ];
}

function mapHelp(target: RouteMap<Context>, prefix: string, isRoot: boolean): string[] {
  const rows = target
    .getAllEntries()
    .filter((entry) => !entry.hidden)
    .map((entry) => [`${prefix} ${entry.name['convert-camel-to-kebab']}`, entry.target.brief] as const);
  return [
    target.fullDescription ?? `${target.brief}.`,
    '',
    ...table(rows),
    '',
    isRoot
      ? 'Examples and flags of a command: landfall COMMAND --help        Version: landfall --version'
      : `Examples and flags: ${prefix} COMMAND --help`,
  ];
}

/** The page --help shows of a command or of a group of commands. */
export function helpText(target: Target, prefix: readonly string[]): string {
  const called = prefix.join(' ');
  const lines = isMap(target) ? mapHelp(target, called, prefix.length < 2) : commandHelp(target, called);
  return `${lines.join('\n')}\n`;
}
