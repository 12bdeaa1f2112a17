import { cell, code, inline, prose } from '../report/markup.ts';
import { COMMANDS } from './app.ts';
import { manualOf } from './command.ts';
import { EXITS } from './exits.ts';
import { commandPage, isMap, type Target } from './help.ts';

type Rows = readonly (readonly [string, string])[];

interface Leaf {
  /** How it is called: `landfall lab up`. */
  readonly called: string;
  readonly target: Exclude<Target, typeof COMMANDS>;
}

/** Every command that is shown, in the order of --help. */
function leaves(target: Target, called: string): readonly Leaf[] {
  if (!isMap(target)) return [{ called, target }];
  return target
    .getAllEntries()
    .filter((entry) => !entry.hidden)
    .flatMap((entry) => leaves(entry.target, `${called} ${entry.name['convert-camel-to-kebab']}`));
}

function table(head: string, rows: Rows): string {
  return [head, '|---|---|', ...rows.map(([left, right]) => `| ${left} | ${cell(right)} |`)].join('\n');
}

/** `-f, --file FILE` as code; a pipe would end the cell. */
function flags(rows: Rows): Rows {
  return rows.map(([flag, brief]) => [inline(flag.trim()).replaceAll('|', '\\|'), brief]);
}

function examples(rows: Rows): string {
  const column = Math.max(...rows.map(([call]) => call.length));
  return code(rows.map(([call, does]) => `${call.padEnd(column)}   # ${does}`).join('\n'), 'sh');
}

/** Lines that were broken for a terminal are one paragraph on a page. */
function paragraph(text: string): string {
  return prose(text.replaceAll('\n', ' '));
}

function section({ called, target }: Leaf): string {
  const { examples: calls, about, usage, words, own } = commandPage(target, called);
  const ends = Object.entries(manualOf(target)?.ends ?? {});
  const brief = `${target.brief}.`;
  return [
    `## ${called}`,
    prose(brief),
    ...(about === brief ? [] : [paragraph(about)]),
    examples(calls),
    `Usage: ${inline(usage)}`,
    ...(words.length === 0 ? [] : [table('| word | |', flags(words))]),
    ...(own.length === 0 ? [] : [table('| flag | |', flags(own))]),
    ...(ends.length === 0
      ? []
      : [
          table(
            '| ends with | when |',
            ends.map(([n, says]) => [`\`${n}\``, says]),
          ),
        ]),
  ].join('\n\n');
}

/** Every command with its flags, their defaults, examples and what it ends with: docs/cli.md. */
export function cliPage(): string {
  const all = leaves(COMMANDS, 'landfall');
  const common = all[0] === undefined ? [] : commandPage(all[0].target, '').common;
  const anchor = (called: string): string => called.replaceAll(' ', '-');
  const contents = all.map(
    ({ called, target }) => [`[${inline(called)}](#${anchor(called)})`, target.brief] as const,
  );
  const exits = Object.entries(EXITS).map(([n, says]) => [`\`${n}\``, says] as const);
  return `${[
    '# The commands',
    '<!-- Made from src/cli/commands*.ts; UPDATE_GOLDEN=1 npx vitest run --project unit src/cli/reference.test.ts writes it anew. -->',
    'What a flag is when it is not given stands in parentheses behind it; one without is then off, or empty. `landfall COMMAND --help` shows the same in the terminal.',
    table('| command | |', contents),
    '## Flags every command has',
    'They may also stand before the command: `landfall -C infra plan`.',
    table('| flag | |', flags(common)),
    '## What a command ends with',
    'The exit code says what to do next. Several things can go wrong at once; then it is the gravest that counts.',
    table('| code | |', exits),
    ...all.map(section),
  ].join('\n\n')}\n`;
}
