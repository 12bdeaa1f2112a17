import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fake, folder } from '../../test/cli/fake.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Entry } from '../model/applied.ts';
import type { Cluster } from '../model/cluster.ts';
import { specText } from '../model/spec-text.ts';
import { specDigest } from '../run/known.ts';
import type { Context } from './context.ts';
import { othersOf, tellOthers, unaware } from './others.ts';

const OLD: Cluster = { ...HARBOUR, kubernetes: '1.35' };
const NEW: Cluster = { ...HARBOUR, kubernetes: '1.37' };

const entry = (cluster: Cluster, by: string, run: string): Entry => ({
  digest: specDigest(cluster),
  at: '2026-11-23T09:12:00Z',
  run,
  landfall: '0.1.0',
  by,
});
/** Ben has applied another file after Anna had applied hers. */
const applied = {
  last: entry(HARBOUR, 'ben@desk', 'bens'),
  text: specText(HARBOUR),
  earlier: [entry(OLD, 'anna@laptop', 'annas')],
};

let place: ReturnType<typeof folder>;
beforeEach(() => (place = folder()));
afterEach(() => place.remove());

const context = (state = 'state'): Context => ({
  process: fake({ env: { XDG_STATE_HOME: join(place.dir, state) } }).process,
});
const run = (name: string, state = 'state'): string =>
  mkdirSync(join(place.dir, state, 'landfall/harbour/runs', name), { recursive: true }) ?? '';
const judged = (cluster: Cluster, at = context()) => {
  const found = othersOf(at, cluster, { applied });
  return found && [found.standing, found.isUnknown ? 'unknown' : 'known'];
};

describe('a file in hand', () => {
  test('is nothing to speak of where nothing is written down, or the same was applied last', () => {
    expect(othersOf(context(), HARBOUR, {})).toBeUndefined();
    expect(judged(HARBOUR)).toBeUndefined();
  });
  test('that was applied before is older, wherever it is', () => {
    expect(judged(OLD)).toEqual(['older', 'unknown']);
    run('annas');
    expect(judged(OLD)).toEqual(['older', 'unknown']);
  });
  test('that was applied before is older, but no surprise to who has applied the newer one', () => {
    run('bens');
    expect(judged(OLD)).toEqual(['older', 'known']);
  });
  test('that is new is made from the last one, where that was in hand', () => {
    expect(judged(HARBOUR)).toBeUndefined();
    expect(judged(NEW)).toBeUndefined();
    expect(judged(OLD)).toEqual(['older', 'known']);
  });
  test('that is new may lack what others have applied, where that was not', () => {
    run('annas');
    expect(judged(NEW)).toEqual(['apart', 'unknown']);
  });
  test('that is new on a machine that has never known anything is told of, and no more', () => {
    expect(judged(NEW)).toEqual(['apart', 'known']);
  });
});

test('who applied what, when, and what this file says otherwise is told before anything', () => {
  const it = fake({ env: { XDG_STATE_HOME: place.dir } });
  const others = othersOf({ process: it.process }, OLD, { applied });
  if (others === undefined) throw new Error('it is older');
  tellOthers({ process: it.process }, { color: 'never', json: false }, others);
  expect(it.out()).toBe(`This cluster.yaml is older than what was applied to harbour last.
  applied last by ben@desk on 23 Nov 09:12 (run bens, Landfall 0.1.0)
  this file was applied by anna@laptop on 23 Nov 09:12 (run annas, Landfall 0.1.0); 1 other since
  what would be taken back (-) and put in its place (+):
      name: harbour
    - kubernetes: "1.36"
    + kubernetes: "1.35"
      certificates:

`);
  const { exit, code, saw, ...rest } = unaware(
    { process: it.process },
    others,
    'landfall apply --older-file --yes',
  );
  expect([exit, code]).toEqual([5, 'record/older']);
  expect(saw).toContain('- kubernetes: "1.36"\n+ kubernetes: "1.35"');
  expect(rest.try).toContain('landfall apply --older-file --yes');
});
