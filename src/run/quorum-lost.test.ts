import { expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Facts } from '../model/facts.ts';
import { Problem } from '../model/problem.ts';
import type { Finding, Plan } from '../plan/plan.ts';
import { quorumLost } from './quorum-lost.ts';
import type { Survey } from './survey.ts';

const NAMES = ['cp-0', 'cp-1', 'cp-2'];
const CLUSTER = {
  ...HARBOUR,
  nodes: NAMES.map((name) => ({
    name,
    role: 'control-plane' as const,
    address: '10.0.0.1',
    workloads: false,
  })),
};

/** What is said when these answer, as members or as hosts that are none, and this is read of an API server. */
function code(
  answering: Readonly<Record<string, 'member' | 'none'>>,
  forecast: Finding['forecast'] | 'not asked',
): string | undefined {
  const facts = Object.fromEntries(
    Object.entries(answering).map(([name, is]): [string, Facts] => [
      name,
      is === 'member' ? { ...FACTS, member: true } : FACTS,
    ]),
  );
  const findings = forecast === 'not asked' ? [] : [{ step: 'control-plane/api-ready', forecast }];
  const away = NAMES.filter((name) => facts[name] === undefined).map(
    (host) => new Problem({ code: 'ssh/unreachable', host, summary: `${host} does not answer` }),
  );
  const plan = { hosts: [{ host: 'cp-1', findings }] } as unknown as Plan;
  return quorumLost(CLUSTER, { facts, away, plan } satisfies Pick<Survey, 'facts' | 'away' | 'plan'>)?.code;
}

it('most control planes gone, and no API server that is ready, is a lost majority', () => {
  expect(code({ 'cp-1': 'member' }, 'wrong')).toBe('quorum/lost');
  expect(code({ 'cp-1': 'member' }, 'unknown')).toBe('quorum/lost');
});
it('it is none while an API server is ready, or enough answer, or nobody was asked', () => {
  expect(code({ 'cp-1': 'member' }, 'right')).toBe(undefined);
  expect(code({ 'cp-1': 'member' }, 'not asked')).toBe(undefined);
  expect(code({ 'cp-1': 'member', 'cp-2': 'member' }, 'wrong')).toBe(undefined);
});
it('it is none of a cluster that is yet to be made, or is being made', () => {
  expect(code({ 'cp-0': 'none', 'cp-1': 'none', 'cp-2': 'none' }, 'wrong')).toBe(undefined);
  expect(code({ 'cp-0': 'member', 'cp-1': 'none', 'cp-2': 'none' }, 'wrong')).toBe(undefined);
});
