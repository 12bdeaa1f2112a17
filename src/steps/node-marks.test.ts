import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, put, read, runPiece, scene } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import { dnsSpread } from './dns-spread.ts';
import { nodeMarkSteps, taintOf } from './node-marks.ts';
import type { Step } from './step.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A kubectl that is ready and answers every other question with these lines; its calls are noted. */
function kubectl(...said: readonly string[]): string {
  put(root, 'bin/timeout', '#!/bin/sh\nshift\nexec "$@"\n', 0o755);
  const print = (some: readonly string[]): string =>
    some.length === 0 ? ':' : `printf '%s\\n' ${some.map((line) => `'${line}'`).join(' ')}`;
  const pods = said.filter((line) => line.startsWith('pod|') || line.startsWith('coredns'));
  const answer = `case $* in *readyz) echo ok ;; *'get pods'*) ${print(pods)} ;; *) ${print(said.filter((line) => !pods.includes(line)))} ;; esac`;
  put(root, 'bin/kubectl', `#!/bin/sh\necho "$*" >>'${root}/calls'\n${answer}\n`, 0o755);
  return join(root, 'bin');
}
const silent = (): string => {
  const path = kubectl();
  put(root, 'bin/kubectl', '#!/bin/sh\nexit 1\n', 0o755);
  return path;
};
const calls = (): string => readFileSync(join(root, 'calls'), 'utf8');

const marked: Cluster = {
  ...HARBOUR,
  nodes: [
    ...HARBOUR.nodes,
    {
      name: 'worker-0',
      role: 'worker',
      address: '10.0.0.21',
      workloads: true,
      labels: { disk: 'nvme', 'example.com/rack': '' },
      taints: ['dedicated=db:NoSchedule', 'slow:NoExecute'],
    },
  ],
};
const step = (id: string): Step => nodeMarkSteps(scene(marked)).find((one) => one.id === id) as Step;

describe('labels and taints', () => {
  it('of nobody are no steps', () => {
    expect(nodeMarkSteps(scene())).toEqual([]);
  });

  it.each([
    ['workloads/labels', ['worker-0|disk=nvme', 'worker-0|example.com/rack='], 'disk=nvme'],
    [
      'workloads/node-taints',
      ['worker-0|dedicated=db:NoSchedule', 'worker-0|slow:NoExecute'],
      'dedicated=db:NoSchedule',
    ],
  ])('%s are as wished when all are there, whatever else is', (id, there, lost) => {
    expect(read(step(id), kubectl(...there, 'cp-0|kubernetes.io/os=linux'))).toBe('as wished');
    expect(read(step(id), kubectl(...there.slice(1), `cp-0|${lost}`))).toBe(`worker-0: ${lost} is missing`);
    expect(read(step(id), silent())).toBe('the API server does not answer');
  });

  it('are given to the nodes that are to have them, in one call each', () => {
    const path = kubectl();
    expect(runPiece(step('workloads/labels'), 'make', path).status).toBe(0);
    expect(runPiece(step('workloads/node-taints'), 'make', path).status).toBe(0);
    expect(calls()).toMatch(/label node worker-0 disk=nvme example\.com\/rack= --overwrite\n/);
    expect(calls()).toMatch(/taint node worker-0 dedicated=db:NoSchedule slow:NoExecute --overwrite\n/);
    expect(calls()).not.toMatch(/node cp-0/);
  });

  it('are taken apart as kubeadm wants them', () => {
    expect(taintOf('dedicated=db:NoSchedule')).toEqual({
      key: 'dedicated',
      value: 'db',
      effect: 'NoSchedule',
    });
    expect(taintOf('example.com/slow:NoExecute')).toEqual({
      key: 'example.com/slow',
      value: '',
      effect: 'NoExecute',
    });
  });
});

describe('CoreDNS', () => {
  const spread = (): Step => dnsSpread(scene(marked));
  const CONTROL_PLANE = 'node|cp-0|node-role.kubernetes.io/control-plane';
  const AT_REST = 'spread as far as it can be';

  it.each([
    ['on two nodes', [CONTROL_PLANE, 'node|worker-0|', 'pod|cp-0||True', 'pod|worker-0||True'], AT_REST],
    ['on one of two', [CONTROL_PLANE, 'node|worker-0|', 'pod|cp-0||True', 'pod|cp-0||True'], 'all on cp-0'],
    ['on the only one', [CONTROL_PLANE, 'pod|cp-0||True', 'pod|cp-0||True'], AT_REST],
    [
      'where the other takes no pods',
      [CONTROL_PLANE, 'node|worker-0|node.kubernetes.io/unschedulable', 'pod|cp-0||True', 'pod|cp-0||True'],
      AT_REST,
    ],
    ['scaled to one pod', [CONTROL_PLANE, 'node|worker-0|', 'pod|cp-0||True'], AT_REST],
    [
      'about to move',
      [
        CONTROL_PLANE,
        'node|worker-0|',
        'pod|cp-0|2026-01-01T00:00:00Z|True',
        'pod|cp-0||True',
        'pod|worker-0||False',
      ],
      '1 of 2 ready',
    ],
    ['about to be placed', [CONTROL_PLANE, 'node|worker-0|', 'pod|cp-0||True', 'pod|||'], '1 of 2 ready'],
  ])('%s', (_, lines, said) => {
    expect(read(spread(), kubectl(...lines))).toBe(said);
  });

  it('is not judged while the API server is silent', () => {
    expect(read(spread(), silent())).toBe('the API server does not answer');
  });

  it('loses one pod and not both', () => {
    expect(runPiece(spread(), 'make', kubectl('coredns-1')).status).toBe(0);
    expect(calls().match(/ delete .*/g)).toEqual([' delete pod coredns-1 --wait=false']);
  });
});
