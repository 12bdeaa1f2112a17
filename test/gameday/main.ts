/*
 * A real cluster of three control planes and two workers, written to all the time, on which random faults fall.
 * usage: npm run gameday -- [--minutes N] [--seed S]
 * Exit code 1 when a write that was acknowledged is gone, when etcd's voters are other than they should be, or when an apply does not
 * mend what was broken; the lab then stays up to be looked at.
 */
import { parseArgs } from 'node:util';
import { gameDay } from './day.ts';
import { clearSite, makeSite } from './site.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes ?? 30);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

const from = Date.now();
const say = (line: string): void =>
  console.log(`${new Date(Date.now() - from).toISOString().slice(11, 19)}  ${line}`);

say(`seed ${seed}, ${minutes} minutes of faults; first the cluster is made`);
const site = await makeSite('gameday');
say('3 control planes and 2 workers are up; the load begins');
const day = await gameDay(site, { seed, milliseconds: minutes * 60_000 }, say);
for (const { by, tried, acknowledged, longest } of day.tallies)
  say(
    `through ${by}: ${tried} writes, ${acknowledged.length} acknowledged, at most ${(longest / 1000).toFixed(1)} s between two`,
  );
for (const line of day.amiss) say(`AMISS  ${line}`);
say(
  day.amiss.length === 0
    ? `${day.troubles.length} faults; every acknowledged write is there, and the plan is empty`
    : `${day.troubles.length} faults, ${day.amiss.length} things amiss; again with --seed ${seed}; the lab gameday stays up`,
);
if (day.amiss.length === 0) await clearSite(site);
else process.exitCode = 1;
