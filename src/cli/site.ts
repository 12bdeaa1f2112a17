import type { Loaded } from '../config/load.ts';
import { pathFrom } from '../config/file.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import type { Outside } from '../run/kubeconfig.ts';
import type { Site } from '../run/survey.ts';
import type { Host } from '../ssh/host.ts';
import { localHost } from '../ssh/local.ts';
import { resolveWay } from '../ssh/resolve.ts';
import type { Target } from '../ssh/target.ts';
import { connection, sshOf } from './connection.ts';

/** What is different when the hosts are those of a lab: their own ssh_config, and an operator inside the lab's network. */
interface LabWays {
  readonly config: string;
  readonly namespace: string;
  /** The port of 127.0.0.1 that leads to a port of one of the lab's hosts, where there is one. */
  readonly forwardedPort: (address: string, port: number) => Promise<number | undefined>;
}

async function labWays(cluster: Cluster): Promise<LabWays | undefined> {
  if (cluster.lab === undefined) return undefined;
  const { requireLab } = await import('../lab/lab.ts');
  const lab = await requireLab(cluster.lab);
  return {
    config: lab.sshConfig,
    namespace: lab.operatorNamespace,
    forwardedPort: async (address, port) =>
      (await import('../lab/forward.ts')).forwardedPort(lab, address, port),
  };
}

/** How a node is reached. */
export function targetOf(node: Node, loaded: Loaded, labConfig?: string): Target {
  const { ssh } = loaded.cluster;
  const from = (path: string): string => pathFrom(loaded.file, path);
  const config = ssh.config === undefined ? labConfig : from(ssh.config);
  return {
    name: node.name,
    address: node.address,
    ...(ssh.user === undefined ? {} : { user: ssh.user }),
    ...(ssh.port === undefined ? {} : { port: ssh.port }),
    ...(config === undefined ? {} : { config }),
    ...(ssh.identityFile === undefined ? {} : { identityFile: from(ssh.identityFile) }),
    ...(node.hostKey === undefined ? {} : { hostKey: node.hostKey }),
  };
}

/** How all nodes are reached, in their order. */
export async function targets(loaded: Loaded): Promise<readonly Target[]> {
  const ways = await labWays(loaded.cluster);
  return loaded.cluster.nodes.map((node) => targetOf(node, loaded, ways?.config));
}

/**
 * Where a node's API server answers those outside of the cluster: at what ssh would connect to, unless that is behind a jump
 * host and cluster.yaml says another; where there is a virtual address, at that; for a lab's host, at the port of this machine that
 * leads to it.
 * @throws Problem `lab/forward` when nothing listens on that port.
 */
export async function outside(loaded: Loaded, node: Node): Promise<Outside> {
  const { cluster } = loaded;
  const ways = await labWays(cluster);
  const { hostname, jumps, proxyCommand } = await resolveWay(targetOf(node, loaded, ways?.config));
  const { apiPort } = await import('../steps/node.ts');
  const port = await ways?.forwardedPort(hostname, apiPort(cluster));
  if (port !== undefined) return { address: '127.0.0.1', port };
  if (cluster.endpoint.virtual !== undefined) return { address: cluster.endpoint.virtual.address };
  const isDirect = jumps.length === 0 && proxyCommand === undefined;
  return { address: isDirect ? hostname : (node.internalAddress ?? hostname) };
}

/**
 * Works with a cluster's hosts, and closes every connection however that ends. The hosts are called at once: what can be
 * refused without them is refused before.
 * @throws Problem `lab/none` when the cluster is of a lab that is not there, and whatever the work throws.
 */
export async function withSite<T>(loaded: Loaded, work: (site: Site) => Promise<T>): Promise<T> {
  const { cluster, source, lock, held } = loaded;
  const ways = await labWays(cluster);
  const all = cluster.nodes.map((node) => targetOf(node, loaded, ways?.config));
  const hosts = new Map<string, Host>(all.map((target) => [target.name, connection(target, cluster)]));
  // The connection takes longest: it is made while the list of steps is being loaded.
  for (const host of hosts.values()) host.open?.();
  const [{ PHASES }, { resolve }, { resolveNetwork }, { rehearse }, { secretsOf }, { memoryOf }] =
    await Promise.all([
      import('../steps/phases.ts'),
      import('../config/resolve.ts'),
      import('../config/network-lock.ts'),
      import('./rehearse.ts'),
      import('./secrets.ts'),
      import('../run/memory.ts'),
    ]);
  const memory = memoryOf(cluster.name, process.env);
  if (lock !== undefined && !memory.isThere) rehearse(cluster, lock);
  const operator = localHost({
    ...(ways === undefined ? {} : { namespace: ways.namespace }),
    before: () => sshOf(all),
  });
  const site: Site = {
    cluster,
    source,
    ...(lock === undefined ? {} : { lock }),
    hosts,
    operator,
    phases: PHASES,
    memory,
    secret: secretsOf(loaded),
    resolve: (wish, facts, known) => {
      if (known !== undefined) return known;
      const { available = {}, keys = {} } = facts[wish.nodes[0]?.name ?? ''] ?? {};
      const packages = resolve(wish, available, keys, held);
      if (packages instanceof Problem) throw packages;
      const network = resolveNetwork(wish, facts, held?.network);
      if (!('field' in network)) return { ...packages, network };
      const { field, ...said } = network;
      throw new Problem({
        code: `network/${field}`,
        exit: 2,
        ...said,
        where: loaded.place(['network', field]),
      });
    },
  };
  try {
    return await work(site);
  } finally {
    await Promise.all([...hosts.values(), operator].map((host) => host.close()));
  }
}
