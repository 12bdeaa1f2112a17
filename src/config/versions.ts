import type { Problem } from '../model/problem.ts';
import {
  DEFAULT_MINOR,
  END_OF_LIFE,
  formatMinor,
  move,
  parseVersion,
  SUPPORTED_MINORS,
  type Version,
} from '../model/version.ts';
import { type Draft, textAt } from './draft.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const PATH: Path = ['kubernetes'];

/** What landfall.lock holds already, and where: `landfall.lock (line 5)`. */
export interface Held {
  readonly kubernetes: string;
  readonly place: string;
}

/** Checks that the version wished for can be made, and can be reached from the one the lock holds. */
export function checkVersion(draft: Draft, held?: Held): readonly Problem[] {
  const text = textAt(draft, PATH);
  const wish = text === undefined ? undefined : parseVersion(text);
  if (text === undefined || wish === undefined) return [];
  const known: readonly number[] = SUPPORTED_MINORS;
  if (!known.includes(wish.minor)) return [unsupported(draft, wish)];
  return held === undefined ? [] : skew(draft, text, wish, held);
}

function unsupported(draft: Draft, { minor }: Version): Problem {
  const ended = END_OF_LIFE[minor];
  const newest = Math.max(...SUPPORTED_MINORS);
  const old = minor < newest;
  const why = old
    ? `upstream mended it for the last time ${ended === undefined ? 'long ago' : `on ${ended}`}: holes found since stay open`
    : `this version of Landfall was tried with minors up to ${formatMinor(newest)}`;
  return valueProblem(draft.page, PATH, {
    code: 'version/unsupported',
    summary: old
      ? `Kubernetes ${formatMinor(minor)} has reached its end of life`
      : `Kubernetes ${formatMinor(minor)} is newer than this Landfall knows`,
    why,
    try: `kubernetes: "${formatMinor(DEFAULT_MINOR)}"   (${SUPPORTED_MINORS.map(formatMinor).join(', ')} can be made)`,
  });
}

function skew(draft: Draft, text: string, wish: Version, { kubernetes, place }: Held): readonly Problem[] {
  const from = parseVersion(kubernetes);
  const way = from === undefined ? 'same' : move(from, wish);
  if (from === undefined || (way !== 'down' && way !== 'far')) return [];
  const next = formatMinor(from.minor + 1);
  const parts = {
    code: 'version/skew',
    exit: 5 as const,
    summary:
      way === 'down'
        ? `the cluster is Kubernetes ${kubernetes} and cannot go back to ${text}`
        : `from Kubernetes ${kubernetes} to ${text} is more than one minor`,
    why:
      way === 'down'
        ? 'newer API servers store objects in forms that older ones cannot read'
        : 'control planes go up one minor at a time: what a minor removes, the one before it converts',
    try: way === 'down' ? `kubernetes: "${kubernetes}"` : `kubernetes: "${next}"   first, then the next`,
  };
  return [valueProblem(draft.page, PATH, parts, `${place} holds ${kubernetes}`)];
}
