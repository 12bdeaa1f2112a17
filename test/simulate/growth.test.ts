import { describe, expect, it } from 'vitest';
import { arrive, begin, carry, type Play } from './acts.ts';
import { newClock, underClock } from './clock.ts';
import { applying } from './commands.ts';
import { complete, register } from './deeds.ts';
import { unstopped } from './host.ts';
import { clusterOf } from './site.ts';
import { enrol, machineOf, newWorld } from './world.ts';

/** How often each node that was there before is called while one worker joins a cluster of one control plane and the rest workers. */
async function trips(size: number): Promise<readonly number[]> {
  const world = newWorld(newClock());
  const names = ['cp-0', ...Array.from({ length: size - 1 }, (_, i) => `worker-${i}`)];
  const own: Play = { world, bugs: new Set(), cluster: clusterOf(names), pending: new Map(), runs: 0 };
  for (const name of names) {
    arrive(own, name);
    const machine = machineOf(world, name);
    machine.holds.add('*');
    enrol(world, machine);
    if (machine.isPlane) complete(world, machine);
    else register(world, machine);
  }
  const late = `worker-${size}`;
  arrive(own, late);
  const process = begin(own, unstopped());
  const ended = await underClock(world.clock, () =>
    carry(own, applying(process, clusterOf([...names, late]))),
  );
  expect(ended).toEqual([]);
  expect(machineOf(world, late).member).toBe('whole');
  return names.slice(1).map((name) => process.operator.trips.get(name) ?? 0);
}

describe('one worker more', () => {
  it('costs a node that stays as it is the same few calls, however many there are', async () => {
    const [three, fifty, many] = [await trips(3), await trips(50), await trips(500)];
    const counts = new Set([...three, ...fifty, ...many]);
    expect([...counts]).toHaveLength(1);
    expect(Math.max(...counts)).toBeLessThan(16);
  }, 120_000);
});
