import { describe, expect, it } from 'vitest';
import type { Node } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import { type EtcdFound, lossOf } from '../model/recovery.ts';
import { choose, type Question } from './recover-refusals.ts';

const NAMES = ['cp-0', 'cp-1', 'cp-2'];
const planes = NAMES.map(
  (name): Node => ({ name, role: 'control-plane', address: '10.0.0.1', workloads: false }),
);
const found = (name: string, more: Partial<EtcdFound> = {}): EtcdFound => ({
  name,
  plane: true,
  data: true,
  runs: true,
  well: false,
  index: 100,
  revision: 90,
  members: NAMES.map((of) => ({ id: of, name: of, peer: '', learner: false })),
  ...more,
});
const question = (all: readonly EtcdFound[], wish: Partial<Question['wish']> = {}): Question => ({
  wish: { despiteMajority: false, ...wish },
  planes,
  found: all,
  loss: lossOf(all, NAMES),
  away: NAMES.filter((name) => !all.some((one) => one.name === name)).map(
    (host) => new Problem({ code: 'ssh/unreachable', host, summary: `${host} does not answer`, exit: 4 }),
  ),
});

/** Who is chosen, or why nobody is and what the command ends with. */
function chosen(all: readonly EtcdFound[], wish?: Partial<Question['wish']>): string {
  try {
    return choose(question(all, wish)).name;
  } catch (error) {
    if (error instanceof Problem) return `${error.code} ${error.exit}`;
    throw error;
  }
}

describe('the control plane out of which etcd is begun anew', () => {
  it('is the one whose data are newest, or the one that is named', () => {
    expect(chosen([found('cp-1')])).toBe('cp-1');
    expect(chosen([found('cp-1', { data: false }), found('cp-2')])).toBe('cp-2');
    expect(chosen([found('cp-2')], { from: 'cp-2' })).toBe('cp-2');
  });
  it('is none while etcd decides, whatever is said', () => {
    const all = [found('cp-0'), found('cp-1', { well: true })];
    expect(chosen(all)).toBe('recover/healthy 5');
    expect(chosen(all, { despiteMajority: true, from: 'cp-0', snapshot: '/root/etcd.db' })).toBe(
      'recover/healthy 5',
    );
  });
  it('is none while a majority could come back, unless that is said', () => {
    const all = [found('cp-0', { revision: 91, runs: false }), found('cp-1')];
    expect(chosen(all)).toBe('recover/majority 5');
    expect(chosen(all, { snapshot: '/root/etcd.db' })).toBe('recover/majority 5');
    expect(chosen(all, { despiteMajority: true })).toBe('cp-0');
  });
  it('must be there, answer, and have data or be given a snapshot', () => {
    expect(chosen([found('cp-1')], { from: 'worker-0' })).toBe('recover/unknown 2');
    expect(chosen([found('cp-1')], { from: 'cp-0' })).toBe('recover/silent 4');
    const empty = found('cp-0', { data: false, members: [] });
    expect(chosen([empty, found('cp-1')], { from: 'cp-0' })).toBe('recover/no-data 5');
    expect(chosen([empty])).toBe('recover/no-survivor 4');
    expect(chosen([])).toBe('recover/no-survivor 4');
    expect(chosen([empty], { snapshot: '/root/etcd.db' })).toBe('cp-0');
  });
  it('is one that was a control plane: a snapshot has no keys', () => {
    const fresh = found('cp-0', { plane: false, data: false, runs: false, members: [] });
    expect(chosen([fresh], { snapshot: '/root/etcd.db' })).toBe('recover/no-plane 5');
    const wiped = found('cp-1', { data: false, runs: false, members: [] });
    expect(chosen([fresh, wiped], { snapshot: '/root/etcd.db' })).toBe('cp-1');
  });
  it('has lost its data where its etcd was started without them, however well that is', () => {
    const anew = found('cp-0', { data: false, anew: true, well: false, members: [] });
    expect(chosen([anew])).toBe('recover/no-data 5');
    expect(chosen([anew], { snapshot: '/root/etcd.db' })).toBe('cp-0');
  });
  it('is the one on which it was begun, once it was, and no other', () => {
    const all = [found('cp-1', { data: false, begun: '20261126T094206Z' }), found('cp-2')];
    expect(chosen(all)).toBe('cp-1');
    expect(chosen(all, { from: 'cp-1' })).toBe('cp-1');
    expect(chosen(all, { from: 'cp-2' })).toBe('recover/begun 5');
    // In between it may decide alone already.
    expect(chosen([found('cp-1', { begun: '20261126T094206Z', well: true })])).toBe('cp-1');
  });
});
