import type { Applied, Entry, Standing } from '../model/applied.ts';
import { difference, differenceLines, hunks } from './difference.ts';
import type { Look } from './look.ts';
import { count, moment } from './words.ts';
import { printable } from './width.ts';

/** What others have applied, beside the cluster.yaml in hand. */
export interface Others {
  readonly cluster: string;
  readonly standing: Exclude<Standing, 'same' | 'newer'>;
  readonly applied: Applied;
  /** The canonical text of the file in hand, and its digest. */
  readonly text: string;
  readonly digest: string;
}

/** Lines of the difference that are shown. */
const MOST = 16;

/** `anna@laptop on 23 Nov 09:12 (run 20261123-091200-ab12, Landfall 0.1.0)`. */
export function entryText({ by, at, run, landfall }: Entry, look: Pick<Look, 'offset' | 'now'>): string {
  return printable(`${by} on ${moment(at, look.offset, look.now)} (run ${run}, Landfall ${landfall})`);
}

/** What the file in hand is, in one sentence without a full stop. */
export function standingText({ cluster, standing }: Pick<Others, 'cluster' | 'standing'>): string {
  return standing === 'older'
    ? `this cluster.yaml is older than what was applied to ${cluster} last`
    : `another cluster.yaml than this one was applied to ${cluster} last, and not from here`;
}

function lastText({ applied }: Others, look: Pick<Look, 'offset' | 'now'>): string {
  return `applied last by ${entryText(applied.last, look)}`;
}

function sinceText({ applied, digest }: Others, look: Pick<Look, 'offset' | 'now'>): readonly string[] {
  const at = applied.earlier.findIndex((one) => one.digest === digest);
  const own = applied.earlier[at];
  if (own === undefined) return [];
  return [`this file was applied by ${entryText(own, look)}; ${count(at + 1, 'other')} since`];
}

/** What is shown before a plan: that the file is older, who applied the newer one, and what this one says otherwise. */
export function othersText(others: Others, look: Look): string {
  const { paint } = look;
  const said = standingText(others);
  return look.spell(
    [
      paint.wrong(`${said.charAt(0).toUpperCase()}${said.slice(1)}.`),
      ...[lastText(others, look), ...sinceText(others, look)].map((line) => `  ${line}`),
      `  what would be taken back (-) and put in its place (+):`,
      ...differenceLines(others.applied.text, others.text, look, MOST).map((line) => `    ${line}`),
      '',
    ].join('\n'),
  );
}

/** The same for a problem: plain lines. */
export function othersSeen(others: Others, look: Pick<Look, 'offset' | 'now'>): string {
  const lines = hunks(difference(others.applied.text, others.text), 0)
    .filter((line) => line !== undefined)
    .map(({ sign, text }) => `${sign} ${text}`);
  const more = lines.length > MOST ? [`and ${count(lines.length - MOST, 'more line')}`] : [];
  return [lastText(others, look), ...sinceText(others, look), ...lines.slice(0, MOST), ...more].join('\n');
}
