import type { Command, RouteMap } from '@stricli/core';
import { manualOf } from './command.ts';
import type { Context } from './context.ts';
import { COMMON } from './flags.ts';

type Target = Command<Context> | RouteMap<Context>;

/** How a flag looks in help, as far as it is of interest here. */
interface ShownFlag {
  readonly kind: string;
  readonly brief: string;
  readonly placeholder?: string;
  readonly hidden?: boolean;
  readonly variadic?: boolean | string;
  readonly values?: readonly string[];
}

const isMap = (target: Target): target is RouteMap<Context> => 'getAllEntries' in target;

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

function commandHelp(target: Command<Context>, prefix: string): string[] {
  const manual = manualOf(target);
  const flags = Object.entries((target.parameters.flags ?? {}) as Record<string, ShownFlag>);
  const aliases = (target.parameters.aliases ?? {}) as Record<string, string>;
  const own = flags.filter(([name, flag]) => !(name in COMMON) && flag.hidden !== true);
  const common = flags.filter(([name]) => name in COMMON);
  const args = [
    ...(manual?.args ?? []).map((a) => (a.optional === true ? `[${a.placeholder}]` : a.placeholder)),
    ...(manual?.rest === undefined ? [] : [`[${manual.rest.placeholder} …]`]),
  ];
  const words = [...(manual?.args ?? []), ...(manual?.rest === undefined ? [] : [manual.rest])];
  const rows = (list: typeof flags): (readonly [string, string])[] =>
    list.map(([name, flag]) => flagRow(name, flag, aliases));
  return [
    ...table((manual?.examples ?? []).map(([call, does]) => [`landfall ${call}`, does] as const)),
    '',
    target.fullDescription ?? `${target.brief}.`,
    '',
    `Usage: ${[prefix, '[flags]', ...args].join(' ')}`,
    ...(words.length === 0 ? [] : ['', ...table(words.map((a) => [a.placeholder, a.brief] as const))]),
    ...(own.length === 0 ? [] : ['', 'Flags', ...table(rows(own))]),
    '',
    'Flags every command has',
    ...table([...rows(common), ['-h, --help', 'This page']]),
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
