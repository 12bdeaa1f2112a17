import { describe, expect, it } from 'vitest';
import type { EtcdMember } from '../model/quorum.ts';
import { removal } from '../model/quorum.ts';
import type { LeaveReading } from '../steps/leave-reading.ts';
import type { LeavePlan } from './leave.ts';
import { isSeenAlive, refusals } from './leave-refusals.ts';

const member = (n: number, well: boolean): EtcdMember => ({
  id: `${n}`,
  name: `cp-${n}`,
  peer: `https://10.0.0.1${n + 1}:2380`,
  learner: false,
  well,
});
const reading = (ready: boolean): LeaveReading => ({
  members: [],
  node: { ready, address: '10.0.0.11' },
  pods: [],
  controllers: [],
  budgets: [],
  volumes: [],
  room: true,
});
const plan = (more: Partial<LeavePlan>): LeavePlan =>
  ({
    node: { name: 'cp-0' },
    state: 'away',
    same: false,
    reading: reading(false),
    concerns: [],
    despite: [],
    ...more,
  }) as LeavePlan;
const codes = (more: Partial<LeavePlan>): readonly string[] => refusals(plan(more)).map(({ code }) => code);

describe('a node that is to leave', () => {
  it('is not given up while the cluster sees it alive and we do not', () => {
    expect(isSeenAlive(plan({}))).toBe(false);
    expect(codes({ reading: reading(true) })).toEqual(['leave/alive']);
    const voting = removal(
      [0, 1, 2].map((n) => member(n, true)),
      'cp-0',
    );
    expect(codes({ removal: voting })).toEqual(['leave/alive']);
  });
  it('is not looked for elsewhere when its host is before us, however far its join has come', () => {
    expect(codes({ state: 'stranger', reading: reading(true) })).toEqual(['leave/alive']);
    expect(codes({ state: 'stranger', same: true, reading: reading(true) })).toEqual([]);
    expect(codes({ state: 'member', reading: reading(true) })).toEqual([]);
  });
  it('is refused when etcd would stop, whatever is named', () => {
    const few = removal([member(0, true), member(1, true), member(2, false)], 'cp-0');
    expect(codes({ state: 'member', removal: few, despite: ['budget', 'nowhere'] })).toEqual([
      'leave/quorum',
    ]);
  });
  it('is refused once for each kind of loss that is not named, each with its remedy', () => {
    const concerns = [
      { kind: 'emptydir' as const, what: 'default/a', by: ['cache'] },
      { kind: 'emptydir' as const, what: 'default/b', by: ['tmp'] },
      { kind: 'single' as const, what: 'default/a', by: [] },
      { kind: 'budget' as const, what: 'default/a', owner: 'Deployment default/a', by: ['default/a'] },
    ];
    const all = refusals(plan({ state: 'member', concerns }));
    expect(all.map(({ code }) => code)).toEqual(['leave/budget', 'leave/emptydir']);
    expect(all[1]?.saw).toBe('default/a (cache)\ndefault/b (tmp)');
    expect(all[1]?.try).toContain('--despite emptydir');
    expect(codes({ state: 'member', concerns, despite: ['emptydir', 'budget'] })).toEqual([]);
  });
});
