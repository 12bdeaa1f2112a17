/**
 * Plays random schedules of faults on simulated hosts by the real engine.
 * usage: npm run simulate -- --schedules N --seed S
 * Exit code 1, with the schedule made as small as it goes, when something is that must never be.
 */
import { parseArgs } from 'node:util';
import { find, foundText } from './find.ts';

const { values } = parseArgs({ options: { schedules: { type: 'string' }, seed: { type: 'string' } } });
const search = {
  schedules: Number(values.schedules ?? 1000),
  seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
};

const begun = performance.now();
const found = await find({
  ...search,
  onPlayed: (count) => {
    if (count % 1000 === 0) console.error(`${count} played`);
  },
});
const seconds = (performance.now() - begun) / 1000;
if (found === undefined) {
  const rate = (search.schedules / seconds).toFixed(1);
  console.log(
    `${search.schedules} schedules of seed ${search.seed}: nothing found; ${seconds.toFixed(1)} s, ${rate} a second`,
  );
} else {
  console.log(foundText(found, search));
  process.exitCode = 1;
}
