import { type Cluster, endpointKubeconfig, endpointOf } from '../model/cluster.ts';
import type { Plan } from './plan.ts';

/** A change of the endpoint of a cluster that lives. */
export interface Move {
  /** What those who have a kubeconfig of it go by now: `api.harbour.internal:6443`. */
  readonly from: string;
  readonly to: string;
}

/** What makes it so that a cluster goes by another endpoint, for good or for whoever joins. */
const MOVING: ReadonlySet<string> = new Set([
  'control-plane/kept-settings',
  'endpoint/kept',
  'endpoint/cluster-info',
  'endpoint/kubelet',
  'endpoint/kubeconfigs',
  'endpoint/kube-proxy',
]);

/**
 * The move a plan would make; undefined when it makes none. One that has been agreed to is written down in the cluster first
 * (`endpoint/kept`): what is left of it is only made as the cluster says already, as is what a hand has changed since.
 */
export function moveOf(cluster: Cluster, { hosts }: Pick<Plan, 'hosts'>): Move | undefined {
  const findings = hosts.flatMap((host) => host.findings);
  if (findings.some(({ step, forecast }) => step === 'endpoint/kept' && forecast === 'right'))
    return undefined;
  if (!findings.some(({ step, forecast }) => MOVING.has(step) && forecast !== 'right')) return undefined;
  const to = endpointOf(cluster);
  const used = cluster.nodes.flatMap((node) => {
    const servers = hosts.find(({ host }) => host === node.name)?.facts.servers;
    const server = servers?.[endpointKubeconfig(node)];
    return server === undefined ? [] : [server.replace(/^https:\/\//, '')];
  });
  const from = used.find((one) => one !== to);
  return from === undefined ? undefined : { from, to };
}
