import { API_CLUES, APT_CLUES, DISK_CLUES, IMAGE_CLUES } from './clues.ts';
import { pluginClues } from './plugin-clues.ts';
import { EXEC_CLUES } from './proof-asking.ts';
import type { Clue } from './step.ts';

/** Clues that always come together: what can be in the way of one kind of work, whichever step does it. */
export interface Trouble {
  /** `landfall explain trouble/disk`. That of the network is there once for each plugin. */
  readonly id: string;
  /** What is seen, as the rest of a sentence: 'a file cannot be written'. */
  readonly title: string;
  readonly clues: readonly Clue[];
}

const besides = (clues: readonly Clue[], others: readonly Clue[]): readonly Clue[] =>
  clues.filter((clue) => !others.includes(clue));

/** The plugins, and one that somebody else installs: each has its own words for the same trouble. */
const PLUGINS = ['flannel', 'calico', 'cilium', undefined] as const;

/** The troubles many steps share: told once, and referred to by every other page. */
export const TROUBLES: readonly Trouble[] = [
  { id: 'disk', title: 'a file cannot be written', clues: DISK_CLUES },
  { id: 'packages', title: 'packages cannot be fetched or installed', clues: besides(APT_CLUES, DISK_CLUES) },
  { id: 'images', title: 'an image cannot be pulled', clues: besides(IMAGE_CLUES, DISK_CLUES) },
  { id: 'api', title: 'the API server does not answer', clues: API_CLUES },
  { id: 'kubelet', title: 'the API server cannot speak with a kubelet', clues: EXEC_CLUES },
  ...PLUGINS.map((plugin) => ({
    id: 'network',
    title: 'a node is not ready, or its pods have no network',
    clues: besides(pluginClues(plugin), [...IMAGE_CLUES, ...API_CLUES]),
  })),
];

/** Two clues that mean the same and ask for the same are one to a reader, whatever they match. */
export const meaning = (clue: Clue): string => `${clue.means}\u0000${clue.try}`;

/** A step's clues, without those of the troubles it shares with many, and these by name. */
export function sorted(clues: readonly Clue[]): {
  readonly own: readonly Clue[];
  readonly shared: readonly Trouble[];
} {
  const has = new Set(clues.map(meaning));
  const shared = TROUBLES.filter((trouble) => trouble.clues.every((clue) => has.has(meaning(clue))));
  const told = new Set(shared.flatMap((trouble) => trouble.clues.map(meaning)));
  const own = new Map(clues.filter((clue) => !told.has(meaning(clue))).map((clue) => [meaning(clue), clue]));
  return { own: [...own.values()], shared };
}
