import type { Lab } from '../../src/lab/spec.ts';
import { wellOnHost } from './harness.ts';

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/**
 * Every API server that is named anywhere: by the kubeconfigs of these hosts, and, as `cluster`, by kubeadm-config, kube-proxy's
 * ConfigMap and cluster-info, asked of cp-0.
 */
export async function namedServers(
  lab: Lab,
  hosts: readonly string[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const kube = (words: string): Promise<string> =>
    wellOnHost(lab, 'cp-0', `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);
  const files = await Promise.all(
    hosts.map(async (host) => [
      host,
      lines(await wellOnHost(lab, host, "sed -n 's/^ *server: //p' /etc/kubernetes/*.conf | sort -u")),
    ]),
  );
  const kept = await Promise.all([
    kube("-n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}'"),
    kube("-n kube-system get configmap kube-proxy -o jsonpath='{.data.kubeconfig\\.conf}'"),
    kube("-n kube-public get configmap cluster-info -o jsonpath='{.data.kubeconfig}'"),
  ]);
  return {
    ...Object.fromEntries(files),
    cluster: kept.map((text) => /(?:server|controlPlaneEndpoint): (.*)/.exec(text)?.[1] ?? 'none'),
  };
}
