import { damaged, discard, made, make } from './artefacts.ts';
import type { Place } from './place.ts';
import type { Recipe } from './recipe.ts';

/** What happens while a depot is filled. Durations are in seconds. */
export type FillEvent =
  | { readonly type: 'planned'; readonly missing: readonly Recipe[]; readonly present: number }
  | { readonly type: 'started'; readonly recipe: Recipe }
  | { readonly type: 'far'; readonly recipe: Recipe; readonly fraction: number; readonly at?: string }
  | { readonly type: 'made'; readonly recipe: Recipe; readonly seconds: number }
  | { readonly type: 'note'; readonly text: string };

/** Whoever wants to know. */
export type Listener = (event: FillEvent) => void;

/** Gives what has to be made for the wanted artefacts to exist, in an order that works: needs of what exists are not asked for. */
export async function missing(place: Place, wanted: readonly Recipe[]): Promise<readonly Recipe[]> {
  const seen = new Map<Recipe, boolean>();
  const order: Recipe[] = [];
  const visit = async (recipe: Recipe): Promise<void> => {
    if (seen.has(recipe)) return;
    const there = await made(place, recipe);
    seen.set(recipe, there);
    if (there) return;
    for (const need of recipe.needs) await visit(need);
    order.push(recipe);
  };
  for (const recipe of wanted) await visit(recipe);
  return order;
}

/** Throws away artefacts that are not what they were when they were made, saying so. */
export async function checkPresent(place: Place, recipes: readonly Recipe[], on: Listener): Promise<void> {
  for (const recipe of recipes) {
    if (!(await made(place, recipe))) continue;
    const bad = await damaged(place, recipe).catch(() => ['artefact.json']);
    if (bad.length === 0) continue;
    on({ type: 'note', text: `${recipe.id} is damaged (${bad.slice(0, 3).join(', ')}): making it again` });
    await discard(place, recipe);
  }
}

/**
 * Makes recipes, each after what it needs, several at a time; the ones that take longest to the end first.
 * When one fails no other is begun and those under way are told to stop; it throws when they have ended.
 *
 * @param order what to make, needed ones first
 * @param lanes how many at a time
 * @param stop ends what is under way
 */
export async function makeAll(
  place: Place,
  order: readonly Recipe[],
  lanes: number,
  on: Listener,
  makeOne: typeof make = make,
  stop: () => void = () => undefined,
): Promise<void> {
  const waiting = new Set(order);
  const unfinished = new Set(order);
  const rest = restOf(order);
  const running = new Set<Promise<void>>();
  let failure: unknown;
  const begin = (recipe: Recipe): void => {
    waiting.delete(recipe);
    on({ type: 'started', recipe });
    const far = (fraction: number, at?: string): void =>
      on({ type: 'far', recipe, fraction, ...(at === undefined ? {} : { at }) });
    const work = makeOne(place, recipe, far)
      .then((seconds) => {
        unfinished.delete(recipe);
        on({ type: 'made', recipe, seconds });
      })
      .catch((error: unknown) => {
        if (failure === undefined) stop();
        failure ??= error;
      })
      .finally(() => running.delete(work));
    running.add(work);
  };
  while (failure === undefined && (waiting.size > 0 || running.size > 0)) {
    const ready = [...waiting].filter((recipe) => !recipe.needs.some((need) => unfinished.has(need)));
    ready.sort((a, b) => (rest.get(b) ?? 0) - (rest.get(a) ?? 0));
    for (const recipe of ready.slice(0, lanes - running.size)) begin(recipe);
    await Promise.race(running);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure;
}

/** Gives for each recipe how long it and everything that waits for it takes, one after the other. */
function restOf(order: readonly Recipe[]): ReadonlyMap<Recipe, number> {
  const rest = new Map<Recipe, number>();
  for (const recipe of [...order].reverse()) {
    const after = order.filter((other) => other.needs.includes(recipe)).map((other) => rest.get(other) ?? 0);
    rest.set(recipe, recipe.seconds + Math.max(0, ...after));
  }
  return rest;
}
