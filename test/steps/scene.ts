import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ETCD_DEFAULTS } from '../../src/config/etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from '../../src/config/certificate-defaults.ts';
import { HOST_DEFAULTS } from '../../src/config/host-defaults.ts';
import { resolveNetwork } from '../../src/config/network-lock.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Facts } from '../../src/model/facts.ts';
import { compile } from '../../src/shell/compile.ts';
import type { Shell } from '../../src/shell/sh.ts';
import { PHASES } from '../../src/steps/phases.ts';
import type { Scene } from '../../src/steps/phase.ts';
import type { Step } from '../../src/steps/step.ts';
import { FACTS, LOCK } from '../report/sample.ts';

/** The article's cluster: one node that is everything. */
export const HARBOUR: Cluster = {
  name: 'harbour',
  kubernetes: '1.36',
  endpoint: { host: 'api.harbour.internal', port: 6443, kept: true },
  network: {
    plugin: 'flannel',
    kubeProxy: 'keep',
    pods: '10.244.0.0/16',
    services: '10.96.0.0/16',
    domain: 'cluster.local',
  },
  certificates: CERTIFICATE_DEFAULTS,
  runtime: 'cri-o',
  etcd: ETCD_DEFAULTS,
  ssh: {},
  host: { ...HOST_DEFAULTS, ssh: { port: 22322, rootLogin: 'keys', passwords: false } },
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '10.0.0.11', workloads: true }],
};

/** {@link HARBOUR} with another network. */
export function harbourWith(network: Partial<Cluster['network']>): Cluster {
  return { ...HARBOUR, network: { ...HARBOUR.network, ...network } };
}

/** A scene of a cluster's first node. */
export function scene(cluster: Cluster = HARBOUR, facts: Partial<Facts> = {}): Scene {
  const node = cluster.nodes[0];
  if (node === undefined) throw new Error('a cluster without nodes');
  const own = { ...FACTS, ...facts };
  const network = resolveNetwork(cluster, { [node.name]: own }, undefined);
  if ('field' in network) throw new Error(network.summary);
  return { cluster, lock: { ...LOCK, network }, node, facts: own, hosts: {} };
}

/** All steps in their order. */
export function allSteps(at: Scene = scene()): readonly Step[] {
  return PHASES.flatMap((phase) => phase.steps(at));
}

/** One step by its id. */
export function step(id: string, at: Scene = scene()): Step {
  const found = allSteps(at).find((s) => s.id === id);
  if (found === undefined) throw new Error(`there is no step ${id}`);
  return found;
}

/** A step whose paths lead into `root` instead of the machine's own folders. */
export function inRoot(root: string, one: Step): Step {
  const move = (shell: Shell): Shell => ({
    ...shell,
    text: shell.text.replaceAll(
      /(?<![\w.])\/(etc|var|opt|run|proc|sys\/class|usr\/lib|lib)\//g,
      `${root}/$1/`,
    ),
  });
  return {
    ...one,
    read: move(one.read),
    ...(one.make === undefined ? {} : { make: move(one.make) }),
    ...(one.undo === undefined ? {} : { undo: move(one.undo) }),
    ...(one.probes === undefined ? {} : { probes: one.probes.map((p) => ({ ...p, run: move(p.run) })) }),
  };
}

/** Writes a file below `root`, with the folders it needs. */
export function put(root: string, path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

/** Puts a program of a shell script into a folder of stand-ins, and gives that folder: the `path` of {@link read}. */
export function standIn(root: string, program: string, script: string): string {
  put(root, `bin/${program}`, `#!/bin/sh\n${script}\n`, 0o755);
  return join(root, 'bin');
}

/** Runs one reading in dash and gives what it prints. @param path a folder of stand-ins that come before the machine's own programs. */
export function read(one: Step, path?: string): string {
  return runPiece(one, 'read', path).stdout.replace(/\n+$/, '');
}

/** Runs a step's piece in dash as `compile` would: `set -eu` for make and undo. */
export function runPiece(
  one: Step,
  piece: 'read' | 'make' | 'undo',
  path?: string,
  env: Readonly<Record<string, string>> = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const script = compile([one], { mode: piece, title: 'a test' })
    .replace(/^PATH=.*$/m, (line) => (path === undefined ? line : line.replace('PATH=', `PATH=${path}:`)))
    .replace(/^main$/m, '')
    .replace(/\nsay landfall[\s\S]*?\nsay end/, piece === 'read' ? '\nread_1' : `\n( set -eu; ${piece}_1 )`);
  // In a session of its own: a stand-in may end it with all it has started.
  const { status, stdout, stderr } = spawnSync('setsid', ['-w', 'dash', '-s'], {
    input: `${script}\nmain\n`,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}
