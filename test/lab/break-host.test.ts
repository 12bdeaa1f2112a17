import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeLock } from '../../src/config/lock-text.ts';
import { BREAKS } from './breaks.ts';
import { isOfHost, oneBroken } from './one-broken.ts';

/* What the host keeps; what the cluster keeps is broken in break-cluster.test.ts and break-apart.test.ts. */

const { planned, forecasts, byHand, apply, sound, living, place } = oneBroken('test-break-host', isOfHost);

test('every break of this half can be mended', () => sound());

describe('before there is a cluster', () => {
  // As on a new host for a cluster that is known: versions need not be asked for any more.
  beforeAll(async () => writeLock(join(place().dir, 'landfall.lock'), (await planned()).lock));

  for (const [step, entry] of Object.entries(BREAKS)) {
    if (!('cannot' in entry)) continue;
    for (const one of entry.fresh ?? [])
      test(`${step}: ${one.how}`, async () => {
        const before = await forecasts();
        await byHand(one.by);
        try {
          expect(await forecasts()).toEqual({ ...before, [step]: 'wrong' });
          const { status, problems, made } = await apply();
          expect([status, made, problems.map((p) => p.code)]).toEqual([1, [], [step]]);
          expect(Object.values(problems[0] ?? {}).join('\n')).toMatch(one.ends.says);
        } finally {
          // What is left broken would be found by all tests after it.
          await byHand(one.ends.mend);
        }
        expect(await forecasts()).toEqual(before);
      });
  }
});

living('together', 'alone', 'left');
