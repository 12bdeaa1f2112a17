import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { memberAddress } from '../model/member.ts';
import { Problem } from '../model/problem.ts';
import { type Shell, sh } from '../shell/sh.ts';
import type { Scene } from './phase.ts';
import type { Probe } from './step.ts';

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

/** Whose steps they are, as their ids begin: those of the first control plane, or of one that joins. */
export type At = 'control-plane' | 'join';

/**
 * The port the node's own API server listens on. Where Landfall keeps the endpoint's name it points straight at the node,
 * so the ports are one; behind somebody's load balancer the endpoint's port is the balancer's.
 */
export function apiPort(cluster: Cluster): number {
  const { kept, port, virtual } = cluster.endpoint;
  return kept && virtual?.balance !== true ? port : 6443;
}

/**
 * `kubectl` on the node asked, which never waits long: five seconds for one request, and `limit` seconds for all it does. On a
 * control plane it speaks with the API server of that very node: so it works while a load balancer or a name does not. A worker
 * has no API server, and no credentials but its kubelet's.
 */
export function kubectl(
  { cluster, node, facts }: Pick<Scene, 'cluster' | 'node' | 'facts'>,
  limit = 30,
): Shell {
  if (node.role === 'worker') {
    return sh`timeout ${limit} kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=5s --cache-dir=/run/landfall-kubectl`;
  }
  const server = `https://${nodeAddress(node, facts)}:${apiPort(cluster)}`;
  return sh`timeout ${limit} kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=${server} --request-timeout=5s --cache-dir=/run/landfall-kubectl`;
}

/**
 * Whether the API server is ready: `ok` when it is. Whatever asks it more than this needs it, so that one that hangs is
 * waited for once in a script, as long as one request may take, and not by each reading anew.
 */
export function apiProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  return { name: 'api', run: sh`${kubectl(scene)} get --raw /readyz` };
}

/** What a reading says when it asked the API server, and nobody has answered. */
export const SILENT = 'the API server does not answer';

/** A probe that asks the API server, when that is ready. */
export function asked(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>, name: string, run: Shell): Probe {
  return { name, run, needs: { probe: apiProbe(scene), said: 'ok' } };
}

/** The nodes whose hosts answer: what is asked of all of them is asked of these. */
export function answering({ cluster, away = [] }: Pick<Scene, 'cluster' | 'away'>): readonly Node[] {
  return cluster.nodes.filter(({ name }) => !away.includes(name));
}

/** Takes the lines of nodes whose hosts do not answer out of what {@link nodesProbe} prints. */
export function withoutAway({ away = [] }: Pick<Scene, 'away'>): Shell {
  return away.length === 0 ? sh`` : sh` | grep -v ${`^\\(${away.join('\\|')}\\)|`}`;
}

/** `1.36` of a full version `1.36.3`, as the repositories are named. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Whether the host is one of a lab's, with this concession; see /etc/landfall-lab. */
export function concedes(facts: Facts, concession: string): boolean {
  return facts.lab?.some((line) => line === concession || line.startsWith(`${concession}:`)) ?? false;
}

/** What is asked of the things of some kinds, and the word its lines begin with where all are asked at once. */
interface Question {
  readonly word: 'node' | 'rollout' | 'namespace' | 'request';
  readonly kinds: readonly string[];
  /** jsonpath of each field; they come with `|` between them. */
  readonly fields: readonly string[];
}

const QUESTIONS = {
  nodes: {
    word: 'node',
    kinds: ['Node'],
    fields: [
      '{.metadata.name}',
      '{.status.addresses[?(@.type=="InternalIP")].address}',
      '{.status.nodeInfo.kubeletVersion}',
      '{.status.conditions[?(@.type=="Ready")].status}',
      '{.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect}',
      '{.metadata.labels}',
      '{.status.conditions[?(@.type=="Ready")].message}',
    ],
  },
  rollouts: {
    word: 'rollout',
    kinds: ['DaemonSet', 'Deployment'],
    fields: [
      '{.metadata.namespace}/{.kind}/{.metadata.name}',
      '{.metadata.generation}',
      '{.status.observedGeneration}',
      '{.status.desiredNumberScheduled}{.status.replicas}',
      '{.status.updatedNumberScheduled}{.status.updatedReplicas}',
      '{.status.numberReady}{.status.readyReplicas}',
    ],
  },
  namespaces: {
    word: 'namespace',
    kinds: ['Namespace'],
    fields: ['{.metadata.name}', '{.metadata.deletionTimestamp}', '{.metadata.uid}'],
  },
  requests: {
    word: 'request',
    kinds: ['CertificateSigningRequest'],
    fields: ['{.spec.signerName}', '{.spec.username}', '{.status.conditions[*].type}'],
  },
} as const satisfies Readonly<Record<string, Question>>;

/** `nodes` of `Node`, as kubectl is asked for them. */
const plural = (kinds: readonly string[]): string => kinds.map((kind) => `${kind.toLowerCase()}s`).join(',');

/**
 * One look at the cluster for everything that is asked of all of it: calling kubectl costs more than what it asks. Nothing when
 * the API server does not answer.
 */
function overviewProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  const all = Object.values<Question>(QUESTIONS);
  const path = all
    .flatMap(({ word, kinds, fields }) =>
      kinds.map((kind) => `{range .items[?(@.kind=="${kind}")]}${[word, ...fields].join('|')}{"\\n"}{end}`),
    )
    .join('');
  const kinds = plural(all.flatMap((one) => one.kinds));
  return asked(scene, 'overview', sh`${kubectl(scene)} get ${kinds} -A -o jsonpath=${path}`);
}

function questionProbe(
  scene: Pick<Scene, 'cluster' | 'node' | 'facts'>,
  name: keyof typeof QUESTIONS,
): Probe {
  const { word, kinds, fields }: Question = QUESTIONS[name];
  const path = `{range .items[*]}${fields.join('|')}{"\\n"}{end}`;
  const what = [plural(kinds), ...(name === 'rollouts' ? ['-A'] : [])];
  return {
    ...asked(scene, name, sh`${kubectl(scene)} get ${what} -o jsonpath=${path}`),
    partOf: { probe: overviewProbe(scene), filter: sh`sed -n ${`s/^${word}|//p`}` },
  };
}

/** A line each node: `name|address|version|Ready|taint of the control plane|labels|why it is not Ready`. */
export function nodesProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  return questionProbe(scene, 'nodes');
}

/** A line each DaemonSet and Deployment: `namespace/Kind/name|generation|observed|wanted|updated|ready`. */
export function rolloutsProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  return questionProbe(scene, 'rollouts');
}

/** A line each request for a certificate: `signer|who asks|Approved, Denied or nothing yet`. */
export function requestsProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  return questionProbe(scene, 'requests');
}

/** A line each namespace: `name|when its deletion was asked for|its UID`. */
export function namespacesProbe(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Probe {
  return questionProbe(scene, 'namespaces');
}

/**
 * Prints what keeps pods away from nodes, in one line: `cp-0: node.kubernetes.io/not-ready;worker-0:`. Schedulers from 1.36 on say that
 * a taint is in the way, but not which.
 */
export function taints(scene: Pick<Scene, 'cluster' | 'node' | 'facts'>): Shell {
  const path = `{range .items[*]}{.metadata.name}:{range .spec.taints[*]} {.key}{end}{"\\n"}{end}`;
  return sh`${kubectl(scene)} get nodes -o jsonpath=${path} | paste -sd ';'`;
}
