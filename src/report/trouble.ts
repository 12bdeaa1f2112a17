import type { Clue, Step } from '../steps/step.ts';
import { inline, prose } from './markup.ts';
import { alternatives } from './typed.ts';
import { listed } from './words.ts';

/** A trouble that several steps may meet is told once, at the end, when so many know of it. */
const COMMON = 3;

/** The troubles of a runbook, by what they mean and what is to be done. */
export interface Troubles {
  /** Those of a step alone, and the names by which it refers to the common ones. */
  readonly of: (step: Step) => { readonly own: readonly Clue[]; readonly common: readonly number[] };
  /** The common ones; their number is their place here, from 1. */
  readonly common: readonly Clue[];
}

const keyOf = (clue: Clue): string => `${clue.means}\u0000${clue.try}`;

/** A clue with every pattern of the others that mean the same. */
function joined(clues: readonly Clue[]): Clue {
  const first = clues[0] as Clue;
  const sources = [...new Set(clues.map((c) => c.match.source))];
  return { ...first, match: new RegExp(sources.join('|'), first.match.flags) };
}

/** Sorts the troubles of these steps into those of one step and those of many. */
export function troubles(steps: readonly Step[]): Troubles {
  const all = new Map<string, { clues: Clue[]; steps: Set<string> }>();
  for (const step of steps) {
    for (const clue of step.clues ?? []) {
      const known = all.get(keyOf(clue)) ?? { clues: [], steps: new Set<string>() };
      known.clues.push(clue);
      known.steps.add(step.id);
      all.set(keyOf(clue), known);
    }
  }
  const keys = [...all].filter(([, known]) => known.steps.size >= COMMON).map(([key]) => key);
  return {
    common: keys.map((key) => joined(all.get(key)?.clues ?? [])),
    of: (step) => {
      const mine = [...new Map((step.clues ?? []).map((clue) => [keyOf(clue), clue])).entries()];
      return {
        own: mine.filter(([key]) => !keys.includes(key)).map(([, clue]) => clue),
        common: mine.filter(([key]) => keys.includes(key)).map(([key]) => keys.indexOf(key) + 1),
      };
    },
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function means(clue: Clue): string {
  const id = clue.diagnosis === undefined ? '' : ` (${clue.diagnosis})`;
  return `${prose(sentence(`${clue.means}${id}`))} **Do:** ${prose(sentence(clue.try))}`;
}

function says(clue: Clue): string {
  return listed(alternatives(clue.match).map(inline)).replace(/ and (`[^`]*`)$/, ' or $1');
}

/** What can go wrong with a step, as Markdown; nothing when nothing is known. */
export function troubleText(step: Step, known: Troubles): string[] {
  const { own, common } = known.of(step);
  const links = common.map((n) => {
    const clue = known.common[n - 1] as Clue;
    return `[${prose(clue.means)}](#trouble-${n})`;
  });
  const items = [
    ...own.map((clue) => `- It says ${says(clue)}: ${means(clue)}`),
    ...(links.length === 0 ? [] : [`- Or what can happen anywhere: ${links.join('; ')}.`]),
  ];
  return items.length === 0 ? [] : ['**When it fails**', items.join('\n')];
}

/** The chapter of common troubles, as Markdown; nothing when there are none. */
export function commonTroubles(known: Troubles): string[] {
  if (known.common.length === 0) return [];
  return [
    '<a id="troubles"></a>',
    '## What can go wrong anywhere',
    'The same few troubles can show in many steps.',
    ...known.common.map(
      (clue, i) => `<a id="trouble-${i + 1}"></a>\n\nIt says ${says(clue)}: ${means(clue)}`,
    ),
  ];
}
