import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { historyFolder } from '../../src/run/history.ts';
import { gameDay } from '../gameday/day.ts';
import { clearSite, makeSite, type Site } from '../gameday/site.ts';

/* A short game day: two faults fall on three control planes and two workers while they are written to. `npm run gameday` makes long ones. */

const NAME = 'test-gameday';
const SEED = 7;

let site: Site | undefined;

afterAll(async () => {
  if (site === undefined) return;
  await clearSite(site);
  for (const path of [site.place.dir, join(historyFolder(NAME), '..')])
    rmSync(path, { recursive: true, force: true });
});

test('no acknowledged write is lost, whatever falls, and one apply after each fault ends with an empty plan', async () => {
  site = await makeSite(NAME);
  const day = await gameDay(site, { seed: SEED, milliseconds: 10 * 60_000, faults: 2 }, console.info);
  for (const { by, tried, acknowledged, longest } of day.tallies)
    console.info(
      `through ${by}: ${tried} tried, ${acknowledged.length} acknowledged, longest gap ${longest} ms`,
    );
  expect(day.amiss).toEqual([]);
  expect(day.troubles).toHaveLength(2);
  expect(Math.min(...day.tallies.map(({ acknowledged }) => acknowledged.length))).toBeGreaterThan(50);
});
