import { type Cluster, controlPlanes } from './cluster.ts';
import type { Facts } from './facts.ts';

/**
 * The cluster with its lead in the first place: the control plane that is there already, that others join and by which the cluster is
 * asked. Of those that are members and have answered it is the one that came first, and among equals the first of cluster.yaml; while
 * none is, the first of them makes the cluster. So a first control plane that is lost or made anew joins like every other, nobody makes
 * a second cluster beside the one there is, and a join does not change who leads.
 * @param facts of the hosts that answered, by node name.
 */
export function led(cluster: Cluster, facts: Readonly<Record<string, Facts>>): Cluster {
  const planes = controlPlanes(cluster);
  const came = (name: string): string => facts[name]?.epoch ?? '';
  const members = planes.filter(({ name }) => facts[name]?.member === true);
  const [lead] = members.toSorted((a, b) =>
    came(a.name) < came(b.name) ? -1 : came(a.name) > came(b.name) ? 1 : 0,
  );
  if (lead === undefined || lead === planes[0]) return cluster;
  return { ...cluster, nodes: [lead, ...cluster.nodes.filter((node) => node !== lead)] };
}
