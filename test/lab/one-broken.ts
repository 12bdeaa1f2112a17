import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allSteps, type Listed } from '../../src/cli/list.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { PHASES } from '../../src/steps/phases.ts';
import { DEEPER } from '../thorough.ts';
import { breaking, type Way } from './breaking.ts';
import { BREAKS } from './breaks.ts';
import { cleared, clusterYaml, type Desk, desk, freshLab, put, well } from './harness.ts';

/** The host of {@link oneBroken}. */
export const HOST = 'cp-0';

/** Every step of the list of one host that is always looked at. */
export const LIST: readonly Listed[] = allSteps().filter(({ phase }) => phase.when === 'always');

const order = PHASES.map(({ id }) => id);
const begins = order.indexOf('runtime');

/** Of the host alone, though it comes when the packages are in. */
const LATE = ['clock', 'updates'];

/** Whether a step is of the host alone. The runtime is not: a node without one is soon not ready, which only other breaks' rounds hide. */
export const isOfHost = ({ phase }: Listed): boolean =>
  order.indexOf(phase.id) < begins || LATE.includes(phase.id);

/**
 * Every step of a part of the list is broken by hand on a living cluster of one host: plan finds exactly what was broken, apply makes it
 * right or says what to do, and then nothing is left to do. Breaks that do not touch each other share a round: one plan, one apply.
 * @param name of the lab.
 * @param up makes it.
 */
export function oneBroken(
  name: string,
  part: (one: Listed) => boolean,
  up: (name: string) => Promise<Lab> = freshLab,
) {
  let lab: Lab;
  let place: Desk;

  beforeAll(async () => {
    lab = await up(name);
    place = desk();
    put(
      place,
      'cluster.yaml',
      clusterYaml(lab, 'host:\n  ssh: { port: 22322, rootLogin: keys, passwords: false }\n'),
    );
  });

  afterAll(() => cleared(name, place));

  const bench = breaking({
    host: HOST,
    list: LIST,
    breaks: BREAKS,
    part,
    lab: () => lab,
    place: () => place,
  });

  /** The tests of a cluster that lives: each break that is tried in one of these ways, and in the end a reboot. */
  function living(...ways: readonly Way[]): void {
    describe('a living cluster', () => {
      test('is made', async () => {
        await well(place, 'apply', '--yes', '--no-proof');
        expect(await bench.forecasts()).toEqual({});
      });

      bench.mending(...ways);

      // What npm test reboots is the host of create.test.ts.
      test.runIf(DEEPER)('all of it is still as it was made after the host was rebooted', async () => {
        await reboot(name, HOST);
        await bench.settled();
      });
    });
  }

  return { ...bench, living, place: () => place };
}
