import type { Cluster, Node } from './cluster.ts';

/** The container runtimes Landfall installs. */
export const RUNTIMES = ['cri-o', 'containerd'] as const;

/** One of {@link RUNTIMES}. */
export type Runtime = (typeof RUNTIMES)[number];

/** What people call them. */
export const RUNTIME_TITLES: Readonly<Record<Runtime, string>> = {
  'cri-o': 'CRI-O',
  containerd: 'containerd',
};

/** The runtime a node is to have: its own, or the cluster's. */
export function runtimeOf(cluster: Pick<Cluster, 'runtime'>, node: Pick<Node, 'runtime'>): Runtime {
  return node.runtime ?? cluster.runtime;
}

/** The runtimes a cluster's nodes are to have, each once, in the order of {@link RUNTIMES}. */
export function runtimesOf(cluster: Pick<Cluster, 'runtime' | 'nodes'>): readonly Runtime[] {
  const has = new Set(cluster.nodes.map((node) => runtimeOf(cluster, node)));
  return RUNTIMES.filter((runtime) => has.has(runtime));
}
