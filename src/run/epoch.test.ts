import { describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import { betweenEpochs, ofOneEpoch } from './epoch.ts';

const CLUSTER: Cluster = {
  ...HARBOUR,
  nodes: [
    ...[0, 1, 2].map((n) => ({
      name: `cp-${n}`,
      role: 'control-plane' as const,
      address: `10.0.0.1${n}`,
      workloads: false,
    })),
    { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true },
  ],
};
const BEFORE = '2026-11-20T08:00:00Z';
const THEN = '2026-11-26T09:42:06Z';
const AFTER = '2026-11-26T10:00:00Z';
const member = (epoch: string, more: Partial<Facts> = {}): Facts => ({
  ...FACTS,
  member: true,
  epoch,
  ...more,
});
const code = (hosts: Readonly<Record<string, Facts>>): string | undefined =>
  betweenEpochs(ofOneEpoch(CLUSTER, hosts))?.code;

describe('a control plane whose data are of the cluster as it was', () => {
  it('is no member of the one it was recovered to, and nothing is done while it is there', () => {
    const hosts = { 'cp-0': member(BEFORE), 'cp-1': member(THEN, { recovered: THEN }) };
    const marked = ofOneEpoch(CLUSTER, hosts);
    expect([marked['cp-0']?.member, marked['cp-0']?.leftBehind]).toEqual([undefined, true]);
    expect(marked['cp-1']).toEqual(hosts['cp-1']);
    expect(code(hosts)).toBe('recover/left-behind');
    expect(betweenEpochs(marked)?.try).toBe('landfall node replace cp-0');
  });
  it('is none that has joined since, none that is yet to join, and no worker', () => {
    const recovered = member(THEN, { recovered: THEN });
    expect(code({ 'cp-0': member(AFTER), 'cp-1': recovered })).toBe(undefined);
    expect(code({ 'cp-0': FACTS, 'cp-1': recovered })).toBe(undefined);
    expect(code({ 'worker-0': member(BEFORE), 'cp-1': recovered })).toBe(undefined);
  });
  it('is there only where the cluster was recovered, and the last recovery is the one that counts', () => {
    expect(code({ 'cp-0': member(BEFORE), 'cp-1': member(AFTER) })).toBe(undefined);
    const twice = { 'cp-0': member(AFTER, { recovered: AFTER }), 'cp-1': member(THEN, { recovered: THEN }) };
    expect(ofOneEpoch(CLUSTER, twice)['cp-1']?.leftBehind).toBe(true);
    expect(ofOneEpoch(CLUSTER, twice)['cp-0']?.leftBehind).toBe(undefined);
  });
});

it('nothing is done while a recovery is under way', () => {
  expect(code({ 'cp-1': member(BEFORE, { recovering: true }) })).toBe('recover/under-way');
  expect(code({ 'cp-1': member(BEFORE) })).toBe(undefined);
});
