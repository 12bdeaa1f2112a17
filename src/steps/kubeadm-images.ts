import { sh } from '../shell/sh.ts';
import type { Scene } from './phase.ts';
import type { Probe } from './step.ts';

/**
 * The images this kubeadm wants, full references, a line each. It needs no network for that: the version is given. Where the
 * network plugin stands in for kube-proxy, its image is left out.
 */
export function kubeadmImages({ cluster, lock }: Pick<Scene, 'cluster' | 'lock'>): Probe {
  const all = sh`kubeadm config images list --kubernetes-version ${`v${lock.kubernetes}`} 2>/dev/null`;
  return {
    name: 'kubeadm_images',
    run: cluster.network.kubeProxy === 'replace' ? sh`${all} | grep -v /kube-proxy:` : all,
  };
}
