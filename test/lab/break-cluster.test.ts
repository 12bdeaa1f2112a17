import { expect, test } from 'vitest';
import { BREAKS } from './breaks.ts';
import { isOfHost, oneBroken } from './one-broken.ts';
import { preparedLab } from './prepared.ts';

/* What the cluster itself keeps, broken in many places at once, which apply makes right; what does not go together is in break-apart.test.ts. */

const { order, sound, living } = oneBroken('test-break-cluster', (one) => !isOfHost(one), preparedLab);

test('there is a way to break every step of the list, or a reason why not', () => {
  expect(Object.keys(BREAKS).filter((id) => !order.includes(id))).toEqual([]);
  expect(order.filter((id) => BREAKS[id] === undefined)).toEqual([]);
});

test('every break of the cluster can be mended', () => sound());

living('together');
