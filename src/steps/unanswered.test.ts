import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HARBOUR, harbourWith, scene, standIn } from '../../test/steps/scene.ts';
import { alternatives, listOf } from '../cli/list.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import { compile } from '../shell/compile.ts';
import type { Step, StepId } from './step.ts';

const node = (name: string, n: number, role: Node['role']): Node => ({
  name,
  role,
  address: `10.0.0.${n}`,
  workloads: role === 'worker',
});
const THREE: Cluster = {
  ...HARBOUR,
  nodes: [
    node('cp-0', 11, 'control-plane'),
    node('cp-1', 12, 'control-plane'),
    node('cp-2', 13, 'control-plane'),
    node('worker-0', 21, 'worker'),
  ],
};
const CALICO = harbourWith({ plugin: 'calico' });
const CILIUM = harbourWith({ plugin: 'cilium', kubeProxy: 'replace' });

const listed = [THREE, HARBOUR, CALICO, CILIUM].flatMap((cluster) =>
  listOf(cluster, scene(cluster).lock).map(({ step }) => step),
);
const others = alternatives().flatMap(({ steps }) => steps.map(({ step }) => step));
/** It finds an API server that speaks of another cluster, which one that is silent does not. */
const MEANT: StepId = 'preflight/same-data';
const asking = [...new Map([...listed, ...others].map((step) => [step.id, step])).values()].filter(
  ({ id, probes = [] }) => probes.length > 0 && id !== MEANT,
);

let root = '';
let path = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  for (const program of ['kubectl', 'kubeadm', 'crictl', 'etcdctl', 'systemctl', 'apt-cache', 'dpkg-query'])
    path = standIn(root, program, 'exit 1');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What a reading says when nothing it asks gives an answer. */
function read(step: Step): string {
  const text = compile([step], { mode: 'read', title: 'unanswered' })
    .replace(/\nprobe\(\) \{\n[^]*?\n\}/, '\nprobe() { :; }')
    .replace('PATH=', `PATH=${path}:`);
  expect(text).toContain('probe() { :; }');
  return spawnSync('dash', ['-s'], { input: text, encoding: 'utf8', timeout: 20_000 }).stdout;
}

describe('a reading whose question nobody answers', () => {
  it.each(asking.map((step) => [step.id, step] as const))('is not taken for right: %s', (_id, step) => {
    expect(read(step)).not.toMatch(/^\u001e1 right$/m);
  });
});
