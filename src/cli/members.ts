import { type Cluster, controlPlanes } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
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
    `CRI-O ${upstream(lock.packages['cri-o'])}`,
    ...(cluster.network.plugin === 'none' ? [] : [cluster.network.plugin]),
  ];
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
