import { goRecipe } from './go.ts';
import { kubernetesModule } from './gomodules.ts';
import type { Recipe } from './recipe.ts';

/** The programs of Kubernetes that the depot needs. */
export const kubernetesPrograms = [
  'kubeadm',
  'kubectl',
  'kubelet',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
] as const;

/**
 * Gives the recipe for Kubernetes' programs of one version, `go-runner` (the entry point of its images) and `agnhost`.
 * The version goes into the two packages upstream's own build sets (hack/lib/version.sh).
 */
export function kubernetes(version: string): Recipe {
  const [major = '', minor = ''] = version.split('.');
  const values = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: '0'.repeat(40),
    buildDate: '2026-01-01T00:00:00Z',
  };
  return goRecipe({
    title: `Kubernetes ${version}`,
    module: kubernetesModule(version),
    programs: {
      ...Object.fromEntries(kubernetesPrograms.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`])),
      'go-runner': 'k8s.io/component-base/logs/kube-log-runner',
      agnhost: 'k8s.io/kubernetes/test/images/agnhost',
    },
    set: Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => [
        [`k8s.io/component-base/version.${name}`, value],
        [`k8s.io/client-go/pkg/version.${name}`, value],
      ]),
    ),
    seconds: 330,
    packages: 2850,
  });
}
