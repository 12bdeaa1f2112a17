import { describe, expect, it } from 'vitest';
import { FACTS } from '../../test/report/sample.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import { moveOf } from './move.ts';
import type { Finding, Forecast, Plan } from './plan.ts';

const CLUSTER: Cluster = {
  ...HARBOUR,
  nodes: [...HARBOUR.nodes, { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true }],
};
const OLD = 'https://10.0.0.11:6443';
const NEW = 'https://api.harbour.internal:6443';

const finding = (step: Finding['step'], forecast: Forecast): Finding => ({
  phase: '',
  step,
  title: '',
  forecast,
  reading: '',
  want: '',
});

/** A plan for hosts whose kubeconfigs name these API servers. */
function plan(
  admin: string | undefined,
  worker: string | undefined,
  ...findings: readonly Finding[]
): Pick<Plan, 'hosts'> {
  const host = (name: string, servers: Readonly<Record<string, string>>, own: readonly Finding[]) => ({
    host: name,
    address: '',
    facts: { ...FACTS, servers },
    findings: own,
  });
  return {
    hosts: [
      host('cp-0', admin === undefined ? {} : { 'admin.conf': admin, 'kubelet.conf': OLD }, findings),
      host('worker-0', worker === undefined ? {} : { 'kubelet.conf': worker }, []),
    ],
  };
}
const kept = (forecast: Forecast): Finding => finding('endpoint/kept', forecast);

describe('a plan that moves the endpoint', () => {
  const MOVE = { from: '10.0.0.11:6443', to: 'api.harbour.internal:6443' };

  it('says from where to where, also when the API server does not answer', () => {
    expect(moveOf(CLUSTER, plan(OLD, OLD, kept('make')))).toEqual(MOVE);
    expect(moveOf(CLUSTER, plan(OLD, NEW, kept('unknown')))).toEqual(MOVE);
    expect(moveOf(CLUSTER, plan(NEW, OLD, kept('make')))).toEqual(MOVE);
  });

  it('also says so of a part of it that would be made alone', () => {
    expect(moveOf(CLUSTER, plan(OLD, OLD, finding('control-plane/kept-settings', 'make')))).toEqual(MOVE);
    expect(moveOf(CLUSTER, plan(OLD, OLD, finding('endpoint/kubelet', 'make')))).toEqual(MOVE);
    expect(moveOf(CLUSTER, plan(OLD, OLD, finding('kernel/ip-forward', 'make')))).toBeUndefined();
  });

  it('is none where the cluster has agreed to it already: the rest only follows', () => {
    const rest = finding('endpoint/kubelet', 'make');
    expect(moveOf(CLUSTER, plan(OLD, OLD, kept('right'), rest))).toBeUndefined();
  });

  it('is none where everybody goes by the right endpoint, or where there is no cluster yet', () => {
    expect(moveOf(CLUSTER, plan(NEW, NEW, kept('make')))).toBeUndefined();
    expect(moveOf(CLUSTER, plan(undefined, undefined, kept('unknown')))).toBeUndefined();
  });
});
