import { describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import type { Facts } from './facts.ts';
import { led } from './lead.ts';

const cluster = {
  nodes: ['worker-0', 'cp-0', 'cp-1', 'cp-2'].map((name) => ({
    name,
    role: name.startsWith('cp') ? 'control-plane' : 'worker',
  })),
} as unknown as Cluster;
const facts = (of: Readonly<Record<string, boolean>>): Readonly<Record<string, Facts>> =>
  Object.fromEntries(Object.entries(of).map(([name, member]) => [name, (member ? { member } : {}) as Facts]));
const lead = (of: Readonly<Record<string, boolean>>): string | undefined =>
  led(cluster, facts(of)).nodes.find(({ role }) => role === 'control-plane')?.name;

describe('the lead of the control planes', () => {
  it('is the first of the list while none is a member, whoever answers: it makes the cluster', () => {
    expect(lead({})).toBe('cp-0');
    expect(lead({ 'cp-1': false, 'cp-2': false })).toBe('cp-0');
  });
  it('is the first that is a member and answers: the first of the list then joins', () => {
    expect(lead({ 'cp-0': false, 'cp-1': true, 'cp-2': true })).toBe('cp-1');
    expect(lead({ 'cp-2': true })).toBe('cp-2');
    expect(lead({ 'cp-0': true, 'cp-1': true })).toBe('cp-0');
  });
  it('is the member that came first, so that a join does not change who leads', () => {
    const came = (epochs: Readonly<Record<string, string>>): string | undefined =>
      led(
        cluster,
        Object.fromEntries(
          Object.entries(epochs).map(([name, epoch]) => [name, { member: true, epoch } as Facts]),
        ),
      ).nodes.find(({ role }) => role === 'control-plane')?.name;
    const [old, young] = ['2026-11-20T08:00:00Z', '2026-11-26T09:42:06Z'];
    expect(came({ 'cp-0': young, 'cp-1': old, 'cp-2': young })).toBe('cp-1');
    expect(came({ 'cp-0': old, 'cp-1': old, 'cp-2': young })).toBe('cp-0');
    expect(came({ 'cp-1': young, 'worker-0': old })).toBe('cp-1');
  });
  it('keeps every node, and no worker leads', () => {
    const now = led(cluster, facts({ 'worker-0': true, 'cp-2': true }));
    expect(now.nodes.map(({ name }) => name).toSorted()).toEqual(['cp-0', 'cp-1', 'cp-2', 'worker-0']);
    expect(lead({ 'worker-0': true })).toBe('cp-0');
  });
});
