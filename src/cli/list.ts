import { HOST_DEFAULTS } from '../config/host-defaults.ts';
import { resolveNetwork } from '../config/network-lock.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock, NetworkLock } from '../model/lock.ts';
import { PHASES } from '../steps/phases.ts';
import type { Phase, Scene } from '../steps/phase.ts';
import type { Step } from '../steps/step.ts';

/** A host as one supposes it when none is asked: what the explanations and a runbook without hosts are about. */
export function supposedFacts(node: Node): Facts {
  const address = node.internalAddress ?? (/^\d+(\.\d+){3}$/.test(node.address) ? node.address : '10.0.0.11');
  return {
    os: 'debian',
    osVersion: '12',
    codename: 'bookworm',
    osName: 'Debian GNU/Linux 12 (bookworm)',
    architecture: 'amd64',
    kernel: '6.1.0-28-amd64',
    hostname: node.name,
    cpus: 4,
    memory: 8 * 1024 ** 3,
    cgroup: 2,
    bootId: '',
    machineId: '',
    addresses: [{ device: 'eth0', address, prefix: 24 }],
    links: [{ device: 'eth0', mac: '', mtu: 1500 }],
    virtualization: 'none',
    routes: [{ to: 'default', device: 'eth0' }],
    defaultAddress: address,
    ssh: { by: 'service', login: 'root' },
  };
}

/** Versions as one supposes them where nothing has been resolved. */
export function supposedLock(cluster: Cluster): Lock {
  const exact = /^\d+\.\d+\.\d+$/.test(cluster.kubernetes) ? cluster.kubernetes : `${cluster.kubernetes}.0`;
  const minor = exact.split('.').slice(0, 2).join('.');
  return {
    kubernetes: exact,
    packages: {
      kubeadm: `${exact}-1.1`,
      kubelet: `${exact}-1.1`,
      kubectl: `${exact}-1.1`,
      'cri-tools': `${minor}.0-1.1`,
      'kubernetes-cni': '1.9.0-1.1',
      'cri-o': `${minor}.0-1.1`,
    },
    keys: { kubernetes: '0'.repeat(64), crio: '0'.repeat(64) },
    network: supposedNetwork(cluster),
    images: {},
  };
}

/** The network's part of {@link supposedLock}: what it would be on the hosts one supposes. */
function supposedNetwork(cluster: Cluster): NetworkLock {
  const facts = Object.fromEntries(cluster.nodes.map((node) => [node.name, supposedFacts(node)]));
  const { encapsulation: _, mtu: __, ...network } = cluster.network;
  const asked = resolveNetwork(cluster, facts, undefined);
  const found = 'field' in asked ? resolveNetwork({ ...cluster, network }, facts, undefined) : asked;
  if ('field' in found) throw new Error(found.summary);
  return found;
}

/** The one-node cluster that is supposed where there is no cluster.yaml: the article's. */
export const SUPPOSED: Cluster = {
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
  runtime: 'cri-o',
  ssh: {},
  host: { ...HOST_DEFAULTS, ssh: { port: 22322, rootLogin: 'keys', passwords: false } },
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '10.0.0.11', workloads: true }],
};

/** A step where it stands in the list. */
export interface Listed {
  readonly phase: Phase;
  readonly step: Step;
}

/** Enough nodes to see which of them a phase is for. */
const WITH_WORKER: Cluster = {
  ...SUPPOSED,
  nodes: [...SUPPOSED.nodes, { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true }],
};

/** Where a phase is done, in words: `every node`. */
export function placeOf(phase: Phase): string {
  if (phase.stage === 'operator') return 'your own machine';
  if (phase.stage === 'seat') return 'a control plane';
  const isOfAll = phase.on(WITH_WORKER).length === WITH_WORKER.nodes.length;
  return isOfAll ? 'every node' : 'the first control plane';
}

/** The whole list for a scene, in order. */
export function listOf(scene: Scene): readonly Listed[] {
  return PHASES.flatMap((phase) => phase.steps(scene).map((step) => ({ phase, step })));
}

/** A scene in which nothing was asked of anybody. */
export function supposedScene(cluster: Cluster = SUPPOSED, lock: Lock = supposedLock(cluster)): Scene {
  const node = cluster.nodes[0] as Node;
  return { cluster, lock, node, facts: supposedFacts(node), hosts: {} };
}

/** The whole list as it would be for the supposed cluster: for names and explanations. */
export function allSteps(): readonly Listed[] {
  return listOf(supposedScene());
}

/** The steps that only another choice in cluster.yaml brings. */
export interface Alternative {
  /** The choice as it is written there: `host.ipv6: absent`. */
  readonly choice: string;
  readonly steps: readonly Listed[];
}

const network = (change: Partial<Cluster['network']>): Cluster => ({
  ...SUPPOSED,
  network: { ...SUPPOSED.network, ...change },
});
const host = (change: Partial<Cluster['host']>): Cluster => ({
  ...SUPPOSED,
  host: { ...SUPPOSED.host, ...change },
});

/** Every choice that has steps of its own; Cilium in the form that differs most, without kube-proxy. */
const CHOICES: readonly (readonly [choice: string, cluster: Cluster])[] = [
  ['network.plugin: calico', network({ plugin: 'calico' })],
  ['network.plugin: cilium', network({ plugin: 'cilium', kubeProxy: 'replace' })],
  ['host.kernel: newer', host({ kernel: 'newer' })],
  ['host.swap: refuse', host({ swap: 'refuse' })],
  ['host.ipv6: absent', host({ ipv6: 'absent' })],
  ['host.ipv6: disabled', host({ ipv6: 'disabled' })],
  ['host.time.service: keep', host({ time: { ...SUPPOSED.host.time, service: 'keep' } })],
  ['host.ssh.rootLogin: never', host({ ssh: { ...SUPPOSED.host.ssh, rootLogin: 'never' } })],
];

/** What {@link allSteps} leaves out, each step once, at the first choice that brings it. */
export function alternatives(): readonly Alternative[] {
  const seen = new Set(allSteps().map(({ step }) => step.id));
  return CHOICES.map(([choice, cluster]) => {
    const steps = listOf(supposedScene(cluster)).filter(({ step }) => !seen.has(step.id));
    for (const { step } of steps) seen.add(step.id);
    return { choice, steps };
  });
}

/** Every step there is, whatever is chosen: for explanations where there is no cluster.yaml to choose by. */
export function everyStep(): readonly Listed[] {
  return [...allSteps(), ...alternatives().flatMap(({ steps }) => steps)];
}
