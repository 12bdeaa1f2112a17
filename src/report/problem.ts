import type { Place, ProblemParts } from '../model/problem.ts';
import type { Look } from './look.ts';
import { count, listed } from './words.ts';
import { printable, width, wrap } from './width.ts';

/** One trouble, with every host that has it. */
interface Group {
  readonly problem: ProblemParts;
  readonly hosts: readonly string[];
}

/** How many lines of a program's own words are shown of one problem. */
const SAW_LINES = 20;

/** The hosts a run is about, by what they are, so that a group can say "7 of 12 workers". */
export interface Crowd {
  /** In the plural: `workers`, `hosts`. */
  readonly noun: string;
  readonly hosts: readonly string[];
}

const ADDRESS = /\d+\.\d+\.\d+\.\d+/g;

/** A problem's text with host and address taken out, for finding out whether two hosts have the same trouble. */
function nameless(problem: ProblemParts, text: string | undefined): string {
  if (text === undefined || problem.host === undefined) return text ?? '';
  return text.split(problem.host).join('\u0000').replace(ADDRESS, '\u0000');
}

function sameTrouble(problem: ProblemParts): string {
  return [problem.code, nameless(problem, problem.summary), nameless(problem, problem.try)].join('\u0001');
}

function group(problems: readonly ProblemParts[]): Group[] {
  const groups = new Map<string, { problem: ProblemParts; hosts: string[] }>();
  for (const [i, problem] of problems.entries()) {
    const key = problem.host === undefined || problem.where !== undefined ? `#${i}` : sameTrouble(problem);
    const known = groups.get(key);
    if (known === undefined) {
      groups.set(key, { problem, hosts: problem.host === undefined ? [] : [problem.host] });
    } else if (problem.host !== undefined && !known.hosts.includes(problem.host)) {
      known.hosts.push(problem.host);
    }
  }
  return [...groups.values()];
}

/** `7 of 12 workers: CRI-O does not start`, from `CRI-O does not start on worker-3`. */
function summaryOf({ problem, hosts }: Group, crowds: readonly Crowd[]): string {
  const host = problem.host;
  if (hosts.length < 2 || host === undefined) return problem.summary;
  const crowd = crowds.find((c) => hosts.every((name) => c.hosts.includes(name)));
  const who =
    crowd === undefined ? `${hosts.length} hosts` : `${hosts.length} of ${crowd.hosts.length} ${crowd.noun}`;
  const name = escaped(host);
  const without = problem.summary
    .replace(new RegExp(` \\(${ADDRESS.source}[^)]*\\)`), '')
    .replace(new RegExp(`^${name}:? `), '')
    .replace(new RegExp(` (on|of|at|to|from) ${name}(?![\\w-])`), '')
    .split(host)
    .join('it');
  return `${who}: ${without}`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** The line of a file, cut around the words meant, and what is under it. */
function excerpt(place: Place, look: Look): string[] {
  const { paint, signs } = look;
  const number = String(place.line);
  const gutter = ' '.repeat(number.length);
  const head = `${gutter} ${paint.faint(signs.corner)} ${printable(place.file)}:${place.line}:${place.column}`;
  if (place.text === undefined) return [head];
  const room = Math.max(20, look.columns - number.length - 3);
  const start = Math.max(0, place.column - 1);
  const from = start + (place.length ?? 1) > room ? Math.max(0, start - Math.floor(room / 3)) : 0;
  const one = (text: string): string => printable(text.replaceAll('\t', ' ')).replaceAll('\n', ' ');
  const line = one(place.text.slice(from, from + room));
  const before = width(one(place.text.slice(from, start)));
  const meant = Math.max(1, width(one(place.text.slice(start, start + (place.length ?? 1)))));
  const under = '^'.repeat(Math.max(1, Math.min(meant, room - before)));
  const label = place.label === undefined ? '' : ` ${printable(place.label)}`;
  return [
    head,
    `${number} ${paint.faint(signs.bar)} ${line}`,
    `${gutter} ${paint.faint(signs.bar)} ${' '.repeat(before)}${paint.wrong(under)}${paint.wrong(label)}`,
  ];
}

/** Prose is broken to the window; a command never is, so that it can be copied whole. */
function set(text: string, room: number): string[] {
  return printable(text)
    .split('\n')
    .flatMap((line) => (/[,.;:] [A-Za-z]/.test(line) && !line.includes('   ') ? wrap(line, room) : [line]));
}

function hanging(label: string, lines: readonly string[]): string[] {
  const indent = ' '.repeat(width(label));
  return lines.map((line, i) => (i === 0 ? label : indent) + line);
}

function one(grouped: Group, look: Look, crowds: readonly Crowd[]): string[] {
  const { problem, hosts } = grouped;
  const { paint } = look;
  const head = `${paint.wrong(paint.strong(`error[${problem.code}]`))}: ${paint.strong(printable(summaryOf(grouped, crowds)))}`;
  if (problem.where !== undefined) {
    const room = look.columns - 7;
    return [
      head,
      ...excerpt(problem.where, look),
      ...(problem.saw === undefined ? [] : hanging('  saw: ', printable(problem.saw).split('\n'))),
      ...(problem.why === undefined
        ? []
        : hanging(`  ${paint.faint('why:')} `, wrap(printable(problem.why), room))),
      ...(problem.try === undefined ? [] : hanging(`  ${paint.command('try:')} `, set(problem.try, room))),
      ...(problem.more === undefined ? [] : hanging(`  ${paint.faint('more:')} `, set(problem.more, room))),
    ];
  }
  const room = look.columns - 9;
  const saw = problem.saw === undefined ? [] : printable(problem.saw).replace(/\n+$/, '').split('\n');
  const shown = saw.slice(-SAW_LINES);
  const field = (label: string, lines: readonly string[]): string[] => hanging(`  ${label} `, lines);
  return [
    head,
    ...(hosts.length < 2 ? [] : field(paint.faint('on    '), wrap(listed(hosts, 12), room))),
    ...(shown.length === 0
      ? []
      : field(paint.faint('saw   '), hosts.length < 2 ? shown : [`on ${hosts[0]}:`, ...shown])),
    ...(problem.why === undefined
      ? []
      : field(paint.faint(shown.length === 0 ? 'why   ' : 'means '), wrap(printable(problem.why), room))),
    ...(problem.try === undefined ? [] : field(paint.command('try   '), set(problem.try, room))),
    ...(problem.more === undefined ? [] : field(paint.faint('more  '), set(problem.more, room))),
  ];
}

/**
 * Problems as text, in their order, an empty line between them; the same trouble of several hosts is told once.
 * The last line is the last thing on the screen, so it is the `footer`: what was and was not done.
 */
export function problemText(
  problems: readonly ProblemParts[],
  look: Look,
  more: { readonly crowds?: readonly Crowd[]; readonly footer?: string } = {},
): string {
  const blocks = group(problems).map((g) => one(g, look, more.crowds ?? []).join('\n'));
  const footer = more.footer === undefined ? '' : `${more.footer}\n`;
  return look.spell(`${blocks.join('\n\n')}\n${footer}`);
}

/** What stands under the problems of a file: `3 problems in cluster.yaml`; nothing when there is only one. */
export function fileFooter(problems: readonly ProblemParts[]): string | undefined {
  const files = [...new Set(problems.flatMap((p) => (p.where === undefined ? [] : [p.where.file])))];
  if (problems.length < 2 || files.length === 0) return undefined;
  return `\n${count(problems.length, 'problem')} in ${listed(files)}.`;
}
