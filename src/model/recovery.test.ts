import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EtcdFound, lossOf } from './recovery.ts';

const NAMES = ['cp-0', 'cp-1', 'cp-2'];
const MEMBERS = NAMES.map((name) => ({ id: name, name, peer: `https://${name}:2380`, learner: false }));
const found = (name: string, more: Partial<EtcdFound> = {}): EtcdFound => ({
  name,
  plane: true,
  data: true,
  runs: true,
  well: false,
  index: 100,
  revision: 90,
  members: MEMBERS,
  ...more,
});

describe('what is left of etcd', () => {
  it('is counted by who has data on a host that answers', () => {
    const { ballot, voters, survivors } = lossOf(
      [found('cp-1'), found('cp-2', { data: false, members: [] })],
      NAMES,
    );
    expect(ballot).toEqual({ voting: 3, well: 1, needed: 2 });
    expect(voters).toEqual(NAMES);
    expect(survivors.map(({ name }) => name)).toEqual(['cp-1']);
  });
  it('leaves those who only learn out, and takes the members of cluster.yaml when no etcd can be asked', () => {
    const learning = MEMBERS.map((one) => ({ ...one, learner: one.name === 'cp-2' }));
    expect(lossOf([found('cp-1', { members: learning })], NAMES).ballot).toEqual({
      voting: 2,
      well: 1,
      needed: 2,
    });
    expect(lossOf([found('cp-1', { members: [] })], [...NAMES, 'cp-3', 'cp-4']).ballot).toEqual({
      voting: 5,
      well: 1,
      needed: 3,
    });
  });
  it('puts who knows the most first', () => {
    const order = (...all: readonly EtcdFound[]): readonly string[] =>
      lossOf(all, NAMES).survivors.map(({ name }) => name);
    expect(order(found('cp-0'), found('cp-1', { index: 101 }))).toEqual(['cp-1', 'cp-0']);
    expect(order(found('cp-0'), found('cp-1', { revision: 91 }))).toEqual(['cp-1', 'cp-0']);
    const { index: _, ...still } = found('cp-1', { revision: 91, runs: false });
    expect(order(found('cp-0', { index: 500 }), still)).toEqual(['cp-1', 'cp-0']);
  });
  it('never counts more than it has found, in whatever order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(NAMES), (names) => {
        const { ballot, survivors } = lossOf(
          names.map((name) => found(name)),
          NAMES,
        );
        expect([ballot.well, survivors.length]).toEqual([names.length, names.length]);
      }),
    );
  });
});
