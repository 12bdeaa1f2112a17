import type { Cluster } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
import { compile } from '../shell/compile.ts';
import { listOf } from './list.ts';

/**
 * Lays the list out and compiles its readings once for a host as one supposes it, and throws them away. V8 compiles a function
 * when it is first used: done while the hosts are being connected to, nobody waits for that when their facts have come.
 */
export function rehearse(cluster: Cluster, lock: Lock): void {
  const steps = listOf(cluster, lock).map(({ step }) => step);
  compile(steps, { mode: 'read', title: '' });
}
