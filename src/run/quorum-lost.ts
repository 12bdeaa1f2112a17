import { type Cluster, controlPlanes } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import type { Survey } from './survey.ts';

const READY: readonly string[] = ['control-plane/api-ready', 'join/api-ready'];

/**
 * Why nothing can be made of a cluster whose etcd has lost its majority: most control planes do not answer, and no API server of those
 * that do is ready. Undefined when it is not so, or was not asked.
 */
export function quorumLost(
  cluster: Cluster,
  { facts, away, plan }: Pick<Survey, 'facts' | 'away' | 'plan'>,
): Problem | undefined {
  const planes = controlPlanes(cluster).map(({ name }) => name);
  const gone = planes.filter((name) => facts[name] === undefined);
  const members = planes.filter((name) => facts[name]?.member === true);
  const voting = gone.length + members.length;
  const needed = Math.floor(voting / 2) + 1;
  const ready = plan.hosts.flatMap(({ findings }) => findings.filter(({ step }) => READY.includes(step)));
  if (members.length === 0 || members.length >= needed) return undefined;
  if (ready.length === 0 || ready.some(({ forecast }) => forecast === 'right')) return undefined;
  return new Problem({
    code: 'quorum/lost',
    summary: 'etcd has lost its majority, and with it the cluster can change nothing any more',
    saw: [
      `${voting} control planes, ${needed} needed, ${members.length} answers: ${members.join(', ')}`,
      ...away.filter(({ host = '' }) => gone.includes(host)).map(({ summary }) => summary),
    ].join('\n'),
    why: 'its API server cannot be ready, so no step that leans on it could come right',
    try: 'power on, or connect, the hosts that do not answer; when they are gone for good: landfall recover begins etcd anew out of what is left',
    exit: 5,
  });
}
