import { random } from '../lab/live.ts';
import { TROUBLES, type Trouble } from './faults.ts';
import { lost, type Tally, writers } from './load.ts';
import { mended, open, PLANES, type Site, voters } from './site.ts';

/** What a game day was. */
export interface Day {
  readonly troubles: readonly { readonly title: string; readonly applies: number }[];
  readonly tallies: readonly Tally[];
  /** Everything that must not have been; none, when the day was won. */
  readonly amiss: readonly string[];
}

/** All of them in an order of the seed's, over and over: in a short day none comes twice. */
function* shuffled(chance: () => number): Generator<Trouble> {
  for (;;) {
    const left = [...TROUBLES];
    while (left.length > 0) yield* left.splice(Math.floor(chance() * left.length), 1);
  }
}

/**
 * Lets random faults fall on a cluster that is written to all the time, and mends each by one apply.
 * @param wish.milliseconds after which no fault falls any more; `faults`, how many at most.
 */
export async function gameDay(
  site: Site,
  wish: { readonly seed: number; readonly milliseconds: number; readonly faults?: number },
  say: (line: string) => void,
): Promise<Day> {
  const chance = random(wish.seed);
  const until = Date.now() + wish.milliseconds;
  const load = await writers(site);
  const troubles: { title: string; applies: number }[] = [];
  const amiss: string[] = [];
  try {
    for (const trouble of shuffled(chance)) {
      if (Date.now() >= until || troubles.length === wish.faults) break;
      say(`${trouble.title} …`);
      const begun = Date.now();
      const what = await trouble.strike(site, chance);
      const applies = await mended(site);
      const vote = await voters(site);
      if (vote.join(' ') !== PLANES.join(' '))
        amiss.push(`after “${trouble.title}” (${what}) the voters are ${vote.join(' ')}`);
      troubles.push({ title: trouble.title, applies });
      const counts = load.map((one) => one.tally().acknowledged.length).join(' + ');
      say(
        `  ${what}: mended by ${applies} ${applies === 1 ? 'apply' : 'applies'}, ${Math.round((Date.now() - begun) / 1000)} s; ${counts} writes acknowledged`,
      );
    }
  } catch (e) {
    amiss.push(e instanceof Error ? e.message : String(e));
  } finally {
    await Promise.all(load.map((one) => one.stop()));
  }
  const tallies = load.map((one) => one.tally());
  amiss.push(...(await lost(site, tallies)).map((name) => `${name} was acknowledged and is not there`));
  amiss.push(
    ...tallies.flatMap(({ forgotten }) => forgotten).map((name) => `${name} was not there right after`),
  );
  amiss.push(...(await open(site)).map((step) => `still open at the end: ${step}`));
  return { troubles, tallies, amiss };
}
