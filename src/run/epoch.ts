import { type Cluster, controlPlanes } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { Problem } from '../model/problem.ts';

type Hosts = Readonly<Record<string, Facts>>;

/**
 * Marks the control planes that are of a cluster that is no more: since they joined it, it was begun anew out of another's data. They
 * are no members, whatever lies on their disks.
 */
export function ofOneEpoch(cluster: Cluster, hosts: Hosts): Hosts {
  const newest = Object.values(hosts)
    .map(({ recovered = '' }) => recovered)
    .toSorted()
    .at(-1);
  if (newest === undefined || newest === '') return hosts;
  const old = new Set(
    controlPlanes(cluster)
      .map(({ name }) => name)
      .filter((name) => hosts[name]?.member === true && (hosts[name].epoch ?? '') < newest),
  );
  return Object.fromEntries(
    Object.entries(hosts).map(([name, facts]) => {
      const { member: _, ...rest } = facts;
      return [name, old.has(name) ? { ...rest, leftBehind: true as const } : facts];
    }),
  );
}

/** Why nothing is done while such a host is there, or while a recovery is under way; undefined when neither is. */
export function betweenEpochs(hosts: Hosts): Problem | undefined {
  const those = (mark: 'leftBehind' | 'recovering'): readonly string[] =>
    Object.entries(hosts).flatMap(([name, facts]) => (facts[mark] === true ? [name] : []));
  const [underWay] = those('recovering');
  if (underWay !== undefined) {
    return new Problem({
      code: 'recover/under-way',
      host: underWay,
      summary: `a recovery is under way on ${underWay} and has not come to its end`,
      why: 'its control plane is aside and its data are in between: whatever else is made there would begin an empty cluster',
      try: 'landfall recover goes on from where it stopped',
      exit: 5,
    });
  }
  const left = those('leftBehind');
  if (left[0] === undefined) return undefined;
  return new Problem({
    code: 'recover/left-behind',
    host: left[0],
    summary: `${left.join(', ')} came back with data of the cluster as it was before it was recovered`,
    why: 'its etcd is of another cluster than this one: joined as it is, or asked in its place, it would bring the old one back beside the new',
    try: left.map((name) => `landfall node replace ${name}`).join('; '),
    exit: 5,
  });
}
