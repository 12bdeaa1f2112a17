import { type Shell, sh } from '../shell/sh.ts';
import { asked, kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import type { Probe } from './step.ts';

/*
 * What lies in the cluster, in kube-system, under names that are known beforehand: what kubeadm leaves there, and what Landfall does. It
 * is asked for in one go; calling kubectl costs more than what it asks.
 */

/** The ConfigMap in which the cluster remembers what was applied to it, and by whom. */
export const RECORD = 'landfall-applied';

/**
 * The annotation that says when the kubeconfig of kube-proxy was last written by Landfall; of the pods of kube-proxy, which one they have
 * read. Both are absent where it never was.
 */
export const PROXY_MARK = 'landfall/kubeconfig-written';

/** The objects kubeadm leaves in the cluster, the last one written last. */
const OBJECTS = [
  'ConfigMap/kubeadm-config',
  'ConfigMap/kubelet-config',
  'ConfigMap/coredns',
  'ConfigMap/kube-proxy',
  'ClusterRoleBinding/kubeadm:cluster-admins',
  'Deployment/coredns',
  'Service/kube-dns',
  'DaemonSet/kube-proxy',
] as const;

/** The objects this cluster is to have of kubeadm: without kube-proxy where the network plugin stands in for it. */
export function wantedObjects({ cluster }: Pick<Scene, 'cluster'>): readonly string[] {
  return cluster.network.kubeProxy === 'replace'
    ? OBJECTS.filter((name) => !name.endsWith('/kube-proxy'))
    : OBJECTS;
}

const asksFor = (scene: Scene, names: readonly string[]): Shell =>
  sh`${kubectl(scene)} -n kube-system get --ignore-not-found ${names}`;
const asksRecord = (scene: Scene): Shell =>
  sh`${kubectl(scene)} -n kube-system get configmap ${RECORD} --ignore-not-found`;
const NAMES = '{range .items[*]}{.kind}/{.metadata.name}{"\\n"}{end}';
const SPEC = '.data.cluster\\.yaml';

/** One field of one of several objects, in jsonpath. */
const of = (name: string, path: string): string => `{.items[?(@.metadata.name=="${name}")]${path}}`;

const MARK = `.metadata.annotations.${PROXY_MARK}`;
const PROXIED = `${of('kube-proxy', '.data.kubeconfig\\.conf')}{"\\n"}written|${of('kube-proxy', MARK)}|${of('kube-proxy', `.spec.template${MARK}`)}`;

/**
 * The objects as far as they are there, `Kind/name` a line, and `answered`; the settings kubeadm was given, and kubelets are; `proxied` and what
 * {@link proxiedProbe} prints; `recorded` and who applied what, a line each; `spec` and the text that was applied last.
 */
function keptProbe(scene: Scene): Probe {
  const path = [
    `${NAMES}answered{"\\n"}`,
    `${of('kubeadm-config', '.data.ClusterConfiguration')}{"\\n"}${of('kubelet-config', '.data.kubelet')}{"\\n"}proxied{"\\n"}`,
    `${PROXIED}{"\\n"}recorded{"\\n"}`,
    `${of(RECORD, '.data.history')}{"\\n"}spec{"\\n"}`,
    of(RECORD, SPEC),
  ].join('');
  const names = [...wantedObjects(scene), `ConfigMap/${RECORD}`];
  return asked(scene, 'kept_in_cluster', sh`${asksFor(scene, names)} -o jsonpath=${path}`);
}

/** Their names as far as they are there, `Kind/name` a line, and `answered` when the API server said so. */
export function objectsProbe(scene: Scene): Probe {
  return {
    ...asked(
      scene,
      'cluster_objects',
      sh`${asksFor(scene, wantedObjects(scene))} -o jsonpath=${NAMES} && echo answered`,
    ),
    partOf: { probe: keptProbe(scene), filter: sh`sed '/^answered$/q'` },
  };
}

/** What kubeadm was told when the cluster was made, as it keeps it there; then what it tells every kubelet. */
export function settingsProbe(scene: Scene): Probe {
  const path = `${of('kubeadm-config', '.data.ClusterConfiguration')}{"\\n"}${of('kubelet-config', '.data.kubelet')}`;
  const ask = sh`${kubectl(scene)} -n kube-system get configmap kubeadm-config kubelet-config`;
  return {
    ...asked(scene, 'kubeadm_settings', sh`${ask} -o jsonpath=${path}`),
    partOf: { probe: keptProbe(scene), filter: sh`sed -e '1,/^answered$/d' -e '/^proxied$/,$d'` },
  };
}

/** The kubeconfig of kube-proxy; then `written|` and when Landfall last wrote it `|` and which one its pods have read. Nothing when nobody answers. */
export function proxiedProbe(scene: Scene): Probe {
  const ask = sh`${kubectl(scene)} -n kube-system get configmap/kube-proxy daemonset/kube-proxy`;
  return {
    ...asked(scene, 'kube_proxy', sh`${ask} -o jsonpath=${PROXIED}`),
    partOf: { probe: keptProbe(scene), filter: sh`sed -e '1,/^proxied$/d' -e '/^recorded$/,$d'` },
  };
}

/** The text of what was applied last; nothing when nothing is written down. */
export function appliedProbe(scene: Scene): Probe {
  return {
    ...asked(scene, 'applied_spec', sh`${asksRecord(scene)} -o jsonpath=${`{${SPEC}}`}`),
    partOf: { probe: keptProbe(scene), filter: sh`sed '1,/^spec$/d'` },
  };
}

/** Who applied what, a line each, newest first: the digest, when, in which run, with which Landfall, who. */
export function entriesProbe(scene: Scene): Probe {
  return {
    ...asked(scene, 'applied_entries', sh`${asksRecord(scene)} -o jsonpath='{.data.history}'`),
    partOf: { probe: keptProbe(scene), filter: sh`sed -e '1,/^recorded$/d' -e '/^spec$/,$d'` },
  };
}
