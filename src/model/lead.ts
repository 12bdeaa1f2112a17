import { type Cluster, controlPlanes } from './cluster.ts';
import type { Facts } from './facts.ts';

/**
 * The cluster with its lead in the first place: the control plane that is there already, that others join and by which the cluster is
 * asked. It is the first of cluster.yaml that is a member and has answered; while none is, the first of them makes the cluster. So a
 * first control plane that is lost or made anew joins like every other, and nobody makes a second cluster beside the one there is.
 * @param facts of the hosts that answered, by node name.
 */
export function led(cluster: Cluster, facts: Readonly<Record<string, Facts>>): Cluster {
  const planes = controlPlanes(cluster);
  const lead = planes.find(({ name }) => facts[name]?.member === true);
  if (lead === undefined || lead === planes[0]) return cluster;
  return { ...cluster, nodes: [lead, ...cluster.nodes.filter((node) => node !== lead)] };
}
