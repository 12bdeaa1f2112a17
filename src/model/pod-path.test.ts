import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Encapsulation, ENCAPSULATIONS } from './cluster.ts';
import type { Member } from './member.ts';
import { choosePodPath, LEAST_MTU, overhead, type PodPath } from './pod-path.ts';

const member = (more: Partial<Member> = {}): Member => ({
  name: 'cp-0',
  mtu: 1500,
  subnet: '10.0.0.0/24',
  physical: true,
  ...more,
});

const members = fc.array(
  fc.record({
    name: fc.constantFrom('cp-0', 'worker-0', 'worker-1'),
    mtu: fc.integer({ min: 576, max: 9216 }),
    subnet: fc.constantFrom('10.0.0.0/24', '10.0.1.0/24'),
    physical: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);
const able = fc
  .subarray([...ENCAPSULATIONS], { minLength: 1 })
  .map((list) => list as [Encapsulation, ...Encapsulation[]]);
const wish = fc.record(
  { encapsulation: fc.constantFrom(...ENCAPSULATIONS), mtu: fc.integer({ min: LEAST_MTU, max: 9216 }) },
  { requiredKeys: [] },
);

describe('choosePodPath', () => {
  it('leaves direct delivery to machines, and wraps packets of guests', () => {
    const all = ['cross-subnet', 'vxlan', 'none'] as const;
    expect(choosePodPath([member()], all, {})).toEqual({ encapsulation: 'cross-subnet', mtu: 1450 });
    const guest = member({ name: 'worker-0', physical: false });
    expect(choosePodPath([member(), guest], all, {})).toEqual({ encapsulation: 'vxlan', mtu: 1450 });
    expect(choosePodPath([member()], ['vxlan', 'none'], {})).toEqual({ encapsulation: 'vxlan', mtu: 1450 });
  });
  it('keeps to the usual way of a plugin that can do it and does not by itself', () =>
    expect(choosePodPath([member()], ENCAPSULATIONS, {})).toMatchObject({ encapsulation: 'vxlan' }));
  it('takes the least of jumbo frames and ordinary ones', () => {
    const jumbo = member({ mtu: 9000 });
    expect(choosePodPath([jumbo], ENCAPSULATIONS, {})).toMatchObject({ mtu: 8950 });
    expect(choosePodPath([jumbo, member({ name: 'worker-0' })], ENCAPSULATIONS, {})).toMatchObject({
      mtu: 1450,
    });
    expect(choosePodPath([jumbo], ENCAPSULATIONS, { encapsulation: 'none' })).toMatchObject({ mtu: 9000 });
  });
  it('refuses packets as they are between subnets', () => {
    const far = member({ name: 'worker-0', subnet: '10.0.1.0/24' });
    expect(choosePodPath([member(), far], ENCAPSULATIONS, { encapsulation: 'none' })).toMatchObject({
      field: 'encapsulation',
      why: expect.stringContaining('worker-0 is in 10.0.1.0/24'),
      try: 'encapsulation: cross-subnet',
    });
  });
  it('refuses packets that fit nowhere, and names the node', () => {
    const small = member({ name: 'worker-0', mtu: 1400 });
    expect(choosePodPath([member(), small], ENCAPSULATIONS, { mtu: 1450 })).toMatchObject({
      field: 'mtu',
      summary: 'packets of 1450 bytes do not fit through the network of worker-0',
      try: expect.stringMatching(/^mtu: 1350 /),
    });
    expect(choosePodPath([member({ mtu: 1300 })], ENCAPSULATIONS, {})).toMatchObject({ field: 'mtu' });
  });
  it('gives what fits through every node, never less than pods need, never what the plugin cannot, never against the wish', () => {
    let chosen = 0;
    fc.assert(
      fc.property(members, able, wish, (list, can, asked) => {
        const path = choosePodPath(list, can, asked);
        if ('field' in path) return;
        chosen += 1;
        for (const { mtu } of list) expect(path.mtu + overhead(path.encapsulation)).toBeLessThanOrEqual(mtu);
        expect(path.mtu).toBeGreaterThanOrEqual(LEAST_MTU);
        expect(path.mtu).toBe(asked.mtu ?? path.mtu);
        expect(path.encapsulation).toBe(asked.encapsulation ?? path.encapsulation);
        if (asked.encapsulation === undefined) expect(can).toContain(path.encapsulation);
      }),
    );
    expect(chosen).toBeGreaterThan(0);
  });
  it('chooses the same whatever the order of the nodes, and again when asked for what it chose', () => {
    fc.assert(
      fc.property(members, able, (list, can) => {
        const path = choosePodPath(list, can, {});
        if ('field' in path) return;
        expect(choosePodPath(list.toReversed(), can, {})).toEqual(path);
        expect(choosePodPath(list, can, path satisfies PodPath)).toEqual(path);
      }),
    );
  });
});
