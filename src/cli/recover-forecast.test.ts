import { expect, it } from 'vitest';
import { Problem } from '../model/problem.ts';
import { type EtcdFound, lossOf } from '../model/recovery.ts';
import type { RecoverPlan } from '../run/recover.ts';
import { recoverForecast } from './recover-forecast.ts';

const NAMES = ['cp-0', 'cp-1', 'cp-2'];
const nodes = NAMES.map((name) => ({
  name,
  role: 'control-plane' as const,
  address: '10.0.0.1',
  workloads: false,
}));
const found = (name: string, more: Partial<EtcdFound> = {}): EtcdFound => ({
  name,
  plane: true,
  data: true,
  runs: true,
  well: false,
  index: 6120,
  revision: 5012,
  member: '8e9e05c52164694d',
  cluster: 'cdf818194e3a8c32',
  members: NAMES.map((of) => ({ id: of, name: of, peer: '', learner: false })),
  ...more,
});

/** What is said before etcd is begun anew on cp-1, of those that are found. */
function said(all: readonly EtcdFound[], more: Partial<RecoverPlan> = {}): string {
  return recoverForecast({
    survivor: nodes[1],
    others: nodes.filter(({ name }) => name !== 'cp-1'),
    loss: lossOf(all, NAMES),
    found: all,
    isAgain: false,
    away: NAMES.filter((name) => !all.some((one) => one.name === name)).map(
      (host) => new Problem({ code: 'ssh/unreachable', host, summary: `${host} does not answer` }),
    ),
    undos: [],
    plan: { cluster: 'harbour' },
    ...more,
  } as RecoverPlan);
}

it('says how the votes stand, whose data are taken, what is lost, and what must not come back', () => {
  expect(
    said([found('cp-1')]),
  ).toBe(`harbour is begun anew out of the data of cp-1; 2 control planes join it afresh:
  etcd     3 voting, 2 needed, 1 left with its data
  cp-1     revision 5012, index 6120, member 8e9e05c52164694d of cdf818194e3a8c32
  cp-0     cp-0 does not answer
  cp-2     cp-2 does not answer
  from     the data of cp-1
  lost     what had not reached cp-1 when the others went, also what they had acknowledged in the last moment; and what they write from now on
  no more  cp-0 and cp-2: their data are never used again, and must not come back beside the new
  kept     the data on cp-1, in /var/lib/etcd/kept-…`);
});
it('says when another one knows more, and who is cleared', () => {
  const undos = ['cp-0', 'cp-2'].map((host) => ({ host })) as unknown as RecoverPlan['undos'];
  const text = said([found('cp-0', { revision: 5013 }), found('cp-1'), found('cp-2', { data: false })], {
    undos,
  });
  expect(text).toContain('  beware   cp-0 knows more: its data are newer\n');
  expect(text).toContain('  cleared  cp-0 and cp-2, once the new etcd answers\n');
  expect(text).toContain('  cp-2     no data of etcd\n');
});
it('says of a snapshot what it means, and of one that was cut short that it goes on', () => {
  const text = said([found('cp-1', { runs: false, begun: '20261126T094206Z' })], {
    snapshot: '/root/etcd.db',
    isAgain: true,
  });
  expect(text).toContain('  again    a recovery that was cut short goes on (begun 20261126T094206Z)\n');
  expect(text).toContain('  from     /root/etcd.db on cp-1\n');
  expect(text).toContain('  lost     all that was written after the snapshot was taken');
  expect(text).not.toContain('beware');
});
