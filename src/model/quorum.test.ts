import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ballot, type EtcdMember, removal } from './quorum.ts';

const member = (name: string, more: Partial<EtcdMember> = {}): EtcdMember => ({
  id: name,
  name,
  peer: `https://${name}:2380`,
  learner: false,
  well: true,
  ...more,
});
const THREE = ['cp-0', 'cp-1', 'cp-2'].map((name) => member(name));
const with0 = (more: Partial<EtcdMember>): readonly EtcdMember[] => [member('cp-0', more), ...THREE.slice(1)];

describe('taking a member out of etcd', () => {
  it('counts who votes, who is well, and how many are needed', () => {
    expect(ballot(with0({ well: false }))).toEqual({ voting: 3, well: 2, needed: 2 });
    expect(ballot(with0({ learner: true }))).toEqual({ voting: 2, well: 2, needed: 2 });
    expect(removal(THREE, 'cp-0')).toMatchObject({ after: { voting: 2, well: 2, needed: 2 } });
  });
  it('is right for one that is dead, that only learns, that never started, and for who is no member', () => {
    expect(removal(with0({ well: false }), 'cp-0').fault).toBe(undefined);
    expect(removal(with0({ learner: true, well: false }), 'cp-0').fault).toBe(undefined);
    const unborn = removal(with0({ name: '', well: false }), 'cp-0', 'https://cp-0:2380');
    expect([unborn.fault, unborn.leaving.map(({ id }) => id)]).toEqual([undefined, ['cp-0']]);
    expect(removal(THREE, 'worker-0')).toMatchObject({ leaving: [], after: { voting: 3 } });
  });
  it('is refused when etcd has stopped, would stop, or would be gone', () => {
    const two = [member('cp-0', { well: false }), member('cp-1', { well: false }), member('cp-2')];
    expect(removal(two, 'cp-0').fault).toBe('lost');
    expect(removal([member('cp-0')], 'cp-0').fault).toBe('last');
    expect(removal(with0({ well: false }), 'cp-1').fault).toBe('few');
    expect(removal([...with0({ well: false }), member('cp-3'), member('cp-4')], 'cp-1').fault).toBe('unwell');
  });
  it('never leaves fewer well than are needed, whatever is removed in whatever order', () => {
    const state = fc.record({ learner: fc.boolean(), well: fc.boolean(), named: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(state, { maxLength: 7 }),
        fc.array(fc.nat(6), { maxLength: 12 }),
        (states, order) => {
          let members: readonly EtcdMember[] = states.map(({ named, ...one }, i) =>
            member(named ? `cp-${i}` : '', { ...one, peer: `https://cp-${i}:2380`, id: `${i}` }),
          );
          for (const i of order) {
            const found = removal(members, `cp-${i}`, `https://cp-${i}:2380`);
            if (found.fault !== undefined || found.leaving.length === 0) continue;
            members = members.filter((one) => !found.leaving.includes(one));
            const voting = members.filter(({ learner }) => !learner);
            expect(voting.filter(({ well }) => well).length * 2).toBeGreaterThan(voting.length);
          }
        },
      ),
    );
  });
});
