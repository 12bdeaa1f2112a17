import type { Clue, Step } from '../steps/step.ts';
import { meaning, sorted, type Trouble, TROUBLES } from '../steps/troubles.ts';
import { inline, prose } from './markup.ts';
import { alternatives } from './pattern.ts';
import { capital, listed } from './words.ts';

/** A trouble that no name is known for is told once, at the end, when so many steps know of it. */
const COMMON = 3;

/** What can go wrong with a step: what is its own, and what is told once for many. */
export interface StepTroubles {
  readonly own: readonly Clue[];
  readonly shared: readonly Trouble[];
  /** Their places in {@link Troubles.common}, from 1. */
  readonly common: readonly number[];
}

/** The troubles of a runbook, by what they mean and what is to be done. */
export interface Troubles {
  readonly of: (step: Step) => StepTroubles;
  readonly shared: readonly Trouble[];
  readonly common: readonly Clue[];
}

/** A clue with every pattern of the others that mean the same. */
function joined(clues: readonly Clue[]): Clue {
  const first = clues[0] as Clue;
  const sources = [...new Set(clues.map((c) => c.match.source))];
  return { ...first, match: new RegExp(sources.join('|'), first.match.flags) };
}

/** Sorts the troubles of these steps into those of one step and those of many. */
export function troubles(steps: readonly Step[]): Troubles {
  const known = new Map<string, { clues: Clue[]; steps: Set<string> }>();
  const sortedOf = (step: Step) => sorted(step.clues ?? []);
  for (const step of steps) {
    for (const clue of sortedOf(step).own) {
      const it = known.get(meaning(clue)) ?? { clues: [], steps: new Set<string>() };
      it.clues.push(clue);
      it.steps.add(step.id);
      known.set(meaning(clue), it);
    }
  }
  const shared = TROUBLES.filter((trouble) => steps.some((step) => sortedOf(step).shared.includes(trouble)));
  const told = new Set(shared.flatMap((trouble) => trouble.clues.map(meaning)));
  const many = [...known].filter(([key, it]) => it.steps.size >= COMMON && !told.has(key));
  const keys = many.map(([key]) => key);
  return {
    shared,
    common: many.map(([, it]) => joined(it.clues)),
    of: (step) => {
      const { own, shared: named } = sortedOf(step);
      return {
        own: own.filter((clue) => !keys.includes(meaning(clue))),
        shared: named,
        common: own.map((clue) => keys.indexOf(meaning(clue)) + 1).filter((n) => n > 0),
      };
    },
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A clue as an item: what is seen, what that means, what to do. What is to be typed ends without a full stop. */
function item(clue: Clue): string {
  const says = listed(alternatives(clue.match).map(inline)).replace(/ and (`[^`]*`)$/, ' or $1');
  const id = clue.diagnosis === undefined ? '' : ` (${clue.diagnosis})`;
  return `${says}: ${prose(sentence(`${clue.means}${id}`))} **Do:** ${prose(clue.try)}`;
}

/**
 * What can go wrong with a step, as Markdown: its own troubles an item each, those of many by a link; nothing when nothing is
 * known.
 * @param when how the list begins: `When it fails`.
 */
export function troubleText(step: Step, known: Troubles, when: string): string[] {
  const { own, shared, common } = known.of(step);
  const links = [
    ...shared.map(({ id, title }) => `[${title}](#trouble-${id})`),
    ...common.map((n) => `[${prose((known.common[n - 1] as Clue).means)}](#trouble-${n})`),
  ].join('; ');
  if (own.length === 0) return links === '' ? [] : [`${when}: ${links}.`];
  const items = [...own.map((clue) => `- ${item(clue)}`), ...(links === '' ? [] : [`- Or ${links}.`])];
  return [`${when}:`, items.join('\n')];
}

/** Whether there is anything for the chapter of troubles to tell. */
export function hasCommon(known: Troubles): boolean {
  return known.shared.length + known.common.length > 0;
}

/** The chapter of what many steps may meet, as Markdown; nothing when there is nothing. */
export function commonTroubles(known: Troubles): string[] {
  if (!hasCommon(known)) return [];
  return [
    '<a id="troubles"></a>',
    '## What many steps may meet',
    'Look for what your screen says, in the words of the program that said it.',
    ...known.shared.flatMap(({ id, title, clues }) => [
      `<a id="trouble-${id}"></a>`,
      `### ${capital(title)}`,
      clues.map((clue) => `- ${item(clue)}`).join('\n'),
    ]),
    ...(known.common.length === 0 ? [] : ['### Something else happens']),
    ...(known.common.length === 0
      ? []
      : [known.common.map((clue, i) => `- <a id="trouble-${i + 1}"></a>${item(clue)}`).join('\n')]),
  ];
}
