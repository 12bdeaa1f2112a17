import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allSteps } from '../../src/cli/list.ts';
import { writeLock } from '../../src/config/lock-text.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { breaking } from './breaking.ts';
import { BREAKS } from './breaks.ts';
import { cleared, clusterYaml, type Desk, desk, freshLab, put, well } from './harness.ts';

/*
 * Every step of the list is broken by hand on a living cluster: plan finds exactly what was broken, apply makes it right or
 * says what to do, and then nothing is left to do. Breaks that do not touch each other share a round: one plan, one apply.
 */

const NAME = 'test-break';
const HOST = 'cp-0';

let lab: Lab;
let place: Desk;

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  put(
    place,
    'cluster.yaml',
    clusterYaml(lab, 'host:\n  ssh: { port: 22322, rootLogin: keys, passwords: false }\n'),
  );
});

afterAll(() => cleared(NAME, place));

const { order, planned, forecasts, byHand, apply, settled, sound, mending } = breaking({
  host: HOST,
  list: allSteps().filter(({ phase }) => phase.when === 'always'),
  breaks: BREAKS,
  lab: () => lab,
  place: () => place,
});

test('there is a way to break every step of the list, or a reason why not', () => {
  expect(Object.keys(BREAKS).filter((id) => !order.includes(id))).toEqual([]);
  expect(order.filter((id) => BREAKS[id] === undefined)).toEqual([]);
  sound();
});

describe('before there is a cluster', () => {
  // As on a new host for a cluster that is known: versions need not be asked for any more.
  beforeAll(async () => writeLock(join(place.dir, 'landfall.lock'), (await planned()).lock));

  for (const [step, entry] of Object.entries(BREAKS)) {
    if (!('cannot' in entry)) continue;
    for (const one of entry.fresh ?? [])
      test(`${step}: ${one.how}`, async () => {
        const before = await forecasts();
        await byHand(one.by);
        expect(await forecasts()).toEqual({ ...before, [step]: 'wrong' });
        const { status, problems, made } = await apply();
        expect([status, made, problems.map((p) => p.code)]).toEqual([1, [], [step]]);
        expect(Object.values(problems[0] ?? {}).join('\n')).toMatch(one.ends.says);
        await byHand(one.ends.mend);
        expect(await forecasts()).toEqual(before);
      });
  }
});

describe('a living cluster', () => {
  test('is made', async () => {
    await well(place, 'apply', '--yes', '--no-proof');
    expect(await forecasts()).toEqual({});
  });

  mending();

  test('all of it is still as it was made after the host was rebooted', async () => {
    await reboot(NAME, HOST);
    await settled();
  });
});
