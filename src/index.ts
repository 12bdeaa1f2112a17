/**
 * The library behind the commands: load a cluster, see what differs, make it so.
 *
 * @example
 * const { cluster, source, lock } = loadCluster('cluster.yaml');
 * const host = openSsh({ name: 'cp-0', address: '10.0.0.11' });
 */
export { loadCluster } from './config/load.ts';
export { resolve } from './config/resolve.ts';
export type { Cluster, Node } from './model/cluster.ts';
export type { Facts } from './model/facts.ts';
export type { Lock } from './model/lock.ts';
export { Problem, Problems } from './model/problem.ts';
export { type Finding, type HostPlan, isEmpty, type Plan } from './plan/plan.ts';
export { apply } from './run/apply.ts';
export type { RunEvent } from './run/event.ts';
export { planReset, reset } from './run/reset.ts';
export { type Site, survey } from './run/survey.ts';
export { localHost } from './ssh/local.ts';
export { openSsh } from './ssh/open-ssh.ts';
export { PHASES } from './steps/phases.ts';
export type { Phase } from './steps/phase.ts';
export type { Step } from './steps/step.ts';
