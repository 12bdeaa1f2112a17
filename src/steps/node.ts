import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { memberAddress } from '../model/member.ts';
import { Problem } from '../model/problem.ts';
import { type Shell, sh } from '../shell/sh.ts';
import type { Scene } from './phase.ts';
import type { Probe } from './step.ts';

/** Where CRI-O listens; the same path in kubeadm's file, in crictl's, and in the kubelet's. */
export const CRI_SOCKET = 'unix:///var/run/crio/crio.sock';

/**
 * The address the cluster's members use to reach a node: what cluster.yaml says, else the source address of the host's
 * default route.
 * @throws Problem `node/no-address` when neither is known.
 */
export function nodeAddress(node: Node, facts: Facts | undefined): string {
  const address = memberAddress(node, facts);
  if (address !== undefined) return address;
  throw new Problem({
    code: 'node/no-address',
    host: node.name,
    summary: `the address of ${node.name} inside the cluster cannot be told`,
    why: `${node.address} is a name, and the host has no default route whose address could be taken`,
    try: `add internalAddress: … to the node ${node.name} in cluster.yaml`,
    exit: 2,
  });
}

/**
 * The port the node's own API server listens on. Where Landfall keeps the endpoint's name it points straight at the node,
 * so the ports are one; behind somebody's load balancer the endpoint's port is the balancer's.
 */
export function apiPort(cluster: Cluster): number {
  return cluster.endpoint.kept ? cluster.endpoint.port : 6443;
}

/**
 * `kubectl` on the node asked, which never waits long. On a control plane it speaks with the API server of that very node: so
 * it works while a load balancer or a name does not. A worker has no API server, and no credentials but its kubelet's.
 */
export function kubectl({ cluster, node, facts }: Pick<Scene, 'cluster' | 'node' | 'facts'>): Shell {
  if (node.role === 'worker') {
    return sh`timeout 30 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl`;
  }
  const server = `https://${nodeAddress(node, facts)}:${apiPort(cluster)}`;
  return sh`timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=${server} --request-timeout=5s --cache-dir=/run/landfall-kubectl`;
}

/**
 * Whether the API server is ready: `ok` when it is. Whatever asks it more than this needs it, so that one that hangs is
 * waited for once in a script, as long as one request may take, and not by each reading anew.
 */
export function apiProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  return { name: 'api', run: sh`${kubectl(scene)} get --raw /readyz` };
}

/** A probe that asks the API server, when that is ready. */
export function asked(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>, name: string, run: Shell): Probe {
  return { name, run, needs: { probe: apiProbe(scene), said: 'ok' } };
}

/** `1.36` of a full version `1.36.3`, as the repositories are named. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Whether the host is one of a lab's, with this concession; see /etc/landfall-lab. */
export function concedes(facts: Facts, concession: string): boolean {
  return facts.lab?.some((line) => line === concession || line.startsWith(`${concession}:`)) ?? false;
}

/** A line each node: `name|address|version|Ready|taint of the control plane|labels|why it is not Ready`. */
export function nodesProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  const fields = [
    '.metadata.name',
    '.status.addresses[?(@.type=="InternalIP")].address',
    '.status.nodeInfo.kubeletVersion',
    '.status.conditions[?(@.type=="Ready")].status',
    '.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect',
    '.metadata.labels',
    '.status.conditions[?(@.type=="Ready")].message',
  ];
  const line = fields.map((f) => `{${f}}`).join('|');
  const path = `{range .items[*]}${line}{"\\n"}{end}`;
  return asked(scene, 'nodes', sh`${kubectl(scene)} get nodes -o jsonpath=${path}`);
}

/**
 * Prints what keeps pods away from nodes, in one line: `cp-0: node.kubernetes.io/not-ready;worker-0:`. Schedulers from 1.36 on say that
 * a taint is in the way, but not which.
 */
export function taints(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Shell {
  const path = `{range .items[*]}{.metadata.name}:{range .spec.taints[*]} {.key}{end}{"\\n"}{end}`;
  return sh`${kubectl(scene)} get nodes -o jsonpath=${path} | paste -sd ';'`;
}

/** A line each DaemonSet and Deployment: `namespace/Kind/name|generation|observed|wanted|updated|ready`. */
export function rolloutsProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  const line = [
    '{.metadata.namespace}/{.kind}/{.metadata.name}',
    '{.metadata.generation}',
    '{.status.observedGeneration}',
    '{.status.desiredNumberScheduled}{.status.replicas}',
    '{.status.updatedNumberScheduled}{.status.updatedReplicas}',
    '{.status.numberReady}{.status.readyReplicas}',
  ].join('|');
  const path = `{range .items[*]}${line}{"\\n"}{end}`;
  return asked(scene, 'rollouts', sh`${kubectl(scene)} get daemonsets,deployments -A -o jsonpath=${path}`);
}
