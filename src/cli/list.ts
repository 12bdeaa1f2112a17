import { ETCD_DEFAULTS } from '../config/etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from '../config/certificate-defaults.ts';
import { HOST_DEFAULTS } from '../config/host-defaults.ts';
import { CONTAINERD_SERIES } from '../model/containerd.ts';
import { resolveNetwork } from '../config/network-lock.ts';
import { type Cluster, controlPlanes, type Node, workers } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock, NetworkLock } from '../model/lock.ts';
import { leavePhases } from '../steps/leave-phases.ts';
import { recoverPhases } from '../steps/recover-phases.ts';
import { PHASES } from '../steps/phases.ts';
import type { Phase } from '../steps/phase.ts';
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
      'containerd.io': `${CONTAINERD_SERIES}.5-1`,
    },
    keys: { kubernetes: '0'.repeat(64), crio: '0'.repeat(64), docker: '0'.repeat(64) },
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
  certificates: CERTIFICATE_DEFAULTS,
  runtime: 'cri-o',
  etcd: ETCD_DEFAULTS,
  ssh: {},
  host: { ...HOST_DEFAULTS, ssh: { port: 22322, rootLogin: 'keys', passwords: false } },
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '10.0.0.11', workloads: true }],
};

/** A step where it stands in the list. */
export interface Listed {
  readonly phase: Phase;
  readonly step: Step;
}

/** The supposed cluster with a worker: enough nodes to see which of them a phase is for. */
const WITH_WORKER: Cluster = {
  ...SUPPOSED,
  nodes: [...SUPPOSED.nodes, { name: 'worker-0', role: 'worker', address: '10.0.0.21', workloads: true }],
};

/** The supposed cluster with three control planes behind a load balancer. */
const THREE: Cluster = {
  ...SUPPOSED,
  endpoint: { host: 'api.example.com', port: 6443, kept: false },
  nodes: [0, 1, 2].map((n) => ({
    name: `cp-${n}`,
    role: 'control-plane',
    address: `10.0.0.${11 + n}`,
    workloads: false,
  })),
};

/** The same three with an address of their own between them. */
const VIRTUAL: Cluster = {
  ...THREE,
  endpoint: { ...SUPPOSED.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } },
};

/** Where a phase is done, in words: `every node`. */
export function placeOf(phase: Phase): string {
  if (phase.stage === 'operator') return 'your own machine';
  if (phase.stage === 'seat') return 'a control plane';
  const isFor = (cluster: Cluster): readonly boolean[] =>
    cluster.nodes.map((node) => phase.on(cluster).includes(node));
  const [first, worker] = isFor(WITH_WORKER);
  const [, second] = isFor(THREE);
  if (first) return worker ? 'every node' : 'the first control plane';
  if (second) return worker ? 'every node but the first' : 'every control plane but the first';
  return 'every worker';
}

/**
 * The whole list for a cluster of which no host was asked, in order, each step once: as it is for the first control plane, or
 * else for the second, or the first worker.
 */
export function listOf(cluster: Cluster, lock: Lock = supposedLock(cluster)): readonly Listed[] {
  const hosts = Object.fromEntries(cluster.nodes.map((node) => [node.name, supposedFacts(node)]));
  const heads = [...controlPlanes(cluster).slice(0, 2), ...workers(cluster).slice(0, 1)];
  const seen = new Set<string>();
  return PHASES.flatMap((phase) => {
    const nodes =
      phase.stage === 'nodes' ? phase.on(cluster).filter((n) => heads.includes(n)) : heads.slice(0, 1);
    const steps = nodes.flatMap((node) =>
      phase.steps({ cluster, lock, node, facts: supposedFacts(node), hosts }),
    );
    return steps.filter(({ id }) => !seen.has(id) && seen.add(id)).map((step) => ({ phase, step }));
  });
}

/** What always comes out the same, worked out when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The whole list as it would be for the supposed cluster: for names and explanations. */
export const allSteps: () => readonly Listed[] = once(() => listOf(SUPPOSED));

/** The steps that only another choice in cluster.yaml brings, or a command of its own. */
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
  ['nodes[].role: worker', WITH_WORKER],
  ['endpoint.address', { ...SUPPOSED, endpoint: THREE.endpoint }],
  ['three control planes', THREE],
  ['endpoint.virtualIP', VIRTUAL],
  [
    'endpoint.balance',
    {
      ...VIRTUAL,
      endpoint: {
        ...VIRTUAL.endpoint,
        port: 8443,
        virtual: { address: '10.0.0.10', routerId: 10, balance: true },
      },
    },
  ],
  [
    'nodes[].labels and taints',
    {
      ...SUPPOSED,
      nodes: SUPPOSED.nodes.map((node) => ({
        ...node,
        labels: { disk: 'nvme' },
        taints: ['dedicated=database:NoSchedule'],
      })),
    },
  ],
  ['network.plugin: calico', network({ plugin: 'calico' })],
  ['network.plugin: cilium', network({ plugin: 'cilium', kubeProxy: 'replace' })],
  [
    'registries',
    {
      ...SUPPOSED,
      registries: {
        mirrors: [
          { of: 'registry.k8s.io', at: 'mirror.example.com/k8s', insecure: false },
          { of: 'ghcr.io', at: 'mirror.example.com/ghcr', insecure: false },
        ],
        logins: [{ at: 'mirror.example.com', user: 'puller', passwordFile: '~/.secrets/mirror' }],
      },
    },
  ],
  [
    'trust',
    {
      ...SUPPOSED,
      trust: [{ file: 'corporate-root-1a2b3c4d.crt', pem: 'the certificate', sha256: '0'.repeat(64) }],
    },
  ],
  [
    'proxy',
    {
      ...SUPPOSED,
      proxy: {
        http: 'http://proxy.example.com:3128',
        https: 'http://proxy.example.com:3128',
        noProxy: ['mirror.example.com'],
      },
    },
  ],
  [
    'etcd without snapshots and defragment',
    {
      ...SUPPOSED,
      etcd: {
        ...ETCD_DEFAULTS,
        defragment: 'never',
        snapshots: { ...ETCD_DEFAULTS.snapshots, every: 'never' },
      },
    },
  ],
  ['runtime: containerd', { ...SUPPOSED, runtime: 'containerd' }],
  ['firewall.mode: enforce', { ...SUPPOSED, firewall: { mode: 'enforce', allow: [] } }],
  ['firewall.mode: none', { ...SUPPOSED, firewall: { mode: 'none', allow: [] } }],
  ['host.kernel: newer', host({ kernel: 'newer' })],
  ['host.swap: refuse', host({ swap: 'refuse' })],
  ['host.ipv6: absent', host({ ipv6: 'absent' })],
  ['host.ipv6: disabled', host({ ipv6: 'disabled' })],
  ['host.time.service: keep', host({ time: { ...SUPPOSED.host.time, service: 'keep' } })],
  ['host.ssh.rootLogin: never', host({ ssh: { ...SUPPOSED.host.ssh, rootLogin: 'never' } })],
];

/** What is done when a node leaves: of a control plane, which has the most of it. */
function leavingList(): readonly Listed[] {
  const [node, other] = THREE.nodes;
  if (node === undefined || other === undefined) return [];
  const facts = supposedFacts(node);
  const scene = { cluster: THREE, lock: supposedLock(THREE), node, facts, hosts: {} };
  const peer = `https://${other.address}:2380`;
  return leavePhases({ name: other.name, peer, drained: true, despite: [], limit: 600 }).flatMap((phase) =>
    phase.steps(scene).map((step) => ({ phase, step })),
  );
}

/** What is done when etcd is begun anew out of a snapshot, which has the most of it. */
function recoveringList(): readonly Listed[] {
  const [node, ...others] = THREE.nodes;
  if (node === undefined) return [];
  const scene = {
    cluster: THREE,
    lock: supposedLock(THREE),
    node,
    facts: supposedFacts(node),
    hosts: {},
  };
  const names = others.map(({ name }) => name);
  const seen = new Set<string>();
  return recoverPhases({ snapshot: '/root/etcd.db', known: 0, others: names }).flatMap((phase) =>
    phase
      .steps(scene)
      .filter(({ id }) => !seen.has(id) && seen.add(id))
      .map((step) => ({ phase, step })),
  );
}

/** What is done when a node gets another runtime: of one control plane of several, which has the most of it. */
function exchangeList(): readonly Listed[] {
  const [node] = THREE.nodes;
  const phase = PHASES.find(({ id }) => id === 'exchange');
  if (node === undefined || phase === undefined) return [];
  const cluster: Cluster = {
    ...THREE,
    runtime: 'containerd',
    nodes: THREE.nodes.map((one) => ({ ...one, workloads: true })),
  };
  const facts: Facts = { ...supposedFacts(node), member: true, runtimes: ['cri-o', 'containerd'] };
  const scene = { cluster, lock: supposedLock(cluster), node, facts, hosts: {} };
  return phase.steps(scene).map((step) => ({ phase, step }));
}

/** What {@link allSteps} leaves out, each step once, at the first choice that brings it. */
export const alternatives: () => readonly Alternative[] = once(() => {
  const seen = new Set(allSteps().map(({ step }) => step.id));
  const chosen = CHOICES.map(([choice, cluster]) => {
    const steps = listOf(cluster).filter(({ step }) => !seen.has(step.id));
    for (const { step } of steps) seen.add(step.id);
    return { choice, steps };
  });
  return [
    ...chosen,
    { choice: 'another runtime than before', steps: exchangeList() },
    { choice: 'landfall node remove', steps: leavingList() },
    { choice: 'landfall recover', steps: recoveringList() },
  ];
});

/** Every step there is, whatever is chosen: for explanations where there is no cluster.yaml to choose by. */
export function everyStep(): readonly Listed[] {
  return [...allSteps(), ...alternatives().flatMap(({ steps }) => steps)];
}
