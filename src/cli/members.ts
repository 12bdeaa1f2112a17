import { type Cluster, controlPlanes } from '../model/cluster.ts';
import { type Lock, RUNTIME_PACKAGES } from '../model/lock.ts';
import { PLUGIN_RELEASES } from '../model/plugin-release.ts';
import { RUNTIME_TITLES, runtimesOf } from '../model/runtime.ts';
import type { Crowd } from '../report/problem.ts';
import { count } from '../report/words.ts';

/** `1 control plane`, `3 control planes, 12 workers`. */
export function members(cluster: Cluster): string {
  const planes = controlPlanes(cluster).length;
  const workers = cluster.nodes.length - planes;
  return [count(planes, 'control plane'), ...(workers === 0 ? [] : [count(workers, 'worker')])].join(', ');
}

/** What a cluster consists of: `Kubernetes 1.36.3`, `CRI-O 1.36.1`, `flannel`. */
export function partsOfCluster(cluster: Cluster, lock: Lock): readonly string[] {
  const upstream = (version: string): string => version.replace(/-[^-]*$/, '');
  return [
    `Kubernetes ${lock.kubernetes}`,
    ...runtimesOf(cluster).map(
      (runtime) => `${RUNTIME_TITLES[runtime]} ${upstream(lock.packages[RUNTIME_PACKAGES[runtime]] ?? '')}`,
    ),
    ...networkPart(lock.network),
    ...(cluster.network.kubeProxy === 'replace' ? ['no kube-proxy'] : []),
  ];
}

/** `Calico 3.32.1 (cross-subnet, MTU 1450)` */
function networkPart({ plugin, version, encapsulation, mtu }: Lock['network']): readonly string[] {
  if (plugin === 'none') return [];
  const way = encapsulation === 'none' ? 'no encapsulation' : encapsulation;
  return [`${PLUGIN_RELEASES[plugin].title} ${version} (${way}, MTU ${mtu})`];
}

/** The groups a message may speak of: "7 of 12 workers". */
export function crowds(cluster: Cluster): readonly Crowd[] {
  const names = (role: string): string[] => cluster.nodes.filter((n) => n.role === role).map((n) => n.name);
  return [
    { noun: 'workers', hosts: names('worker') },
    { noun: 'control planes', hosts: names('control-plane') },
    { noun: 'hosts', hosts: cluster.nodes.map((n) => n.name) },
  ].filter((crowd) => crowd.hosts.length > 0);
}
