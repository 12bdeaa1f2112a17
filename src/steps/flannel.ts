import type { Cluster } from '../model/cluster.ts';

/** A Kubernetes object as it is applied. */
export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
} & Readonly<Record<string, unknown>>;

/** flannel's namespace, and the name of its DaemonSet there: the same as in its own manifest, so that its documentation fits. */
export const FLANNEL = {
  namespace: 'kube-flannel',
  daemonSet: 'kube-flannel-ds',
  conflist: '10-flannel.conflist',
} as const;

/** The images of flannel's release, as its own manifest names them. */
const IMAGES = {
  daemon: 'ghcr.io/flannel-io/flannel:v0.28.10',
  plugin: 'ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3',
} as const;

const LABELS = { app: 'flannel', tier: 'node', 'k8s-app': 'flannel' } as const;

/** What the kubelet's network directory gets: flannel hands packets to a bridge, and portmap serves `hostPort`. */
const CONFLIST = {
  name: 'cbr0',
  cniVersion: '1.0.0',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
} as const;

function namespaced(
  kind: string,
  apiVersion: string,
  name: string,
  rest: Readonly<Record<string, unknown>>,
): KubernetesObject {
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: FLANNEL.namespace, labels: { ...LABELS } },
    ...rest,
  };
}

function rights(): readonly KubernetesObject[] {
  const group = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'flannel', namespace: FLANNEL.namespace, labels: { ...LABELS } },
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'flannel', labels: { ...LABELS } },
      rules: [
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
      ],
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'flannel', labels: { ...LABELS } },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'flannel' },
      subjects: [{ kind: 'ServiceAccount', name: 'flannel', namespace: FLANNEL.namespace }],
    },
  ];
}

/** A container that copies one file to the host and ends: how a DaemonSet installs a plugin. */
function copier(
  name: string,
  image: string,
  from: string,
  to: string,
  mounts: readonly { readonly name: string; readonly mountPath: string }[],
): object {
  return { name, image, command: ['cp'], args: ['-f', from, to], volumeMounts: mounts };
}

function fieldRef(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function daemonSet(): KubernetesObject {
  const config = { name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' };
  return namespaced('DaemonSet', 'apps/v1', FLANNEL.daemonSet, {
    spec: {
      selector: { matchLabels: { app: 'flannel', 'k8s-app': 'flannel' } },
      template: {
        metadata: { labels: { ...LABELS } },
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] },
                ],
              },
            },
          },
          hostNetwork: true,
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'flannel',
          tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
          initContainers: [
            copier('install-cni-plugin', IMAGES.plugin, '/flannel', '/opt/cni/bin/flannel', [
              { name: 'cni-plugin', mountPath: '/opt/cni/bin' },
            ]),
            copier(
              'install-cni',
              IMAGES.daemon,
              '/etc/kube-flannel/cni-conf.json',
              `/etc/cni/net.d/${FLANNEL.conflist}`,
              [{ name: 'cni', mountPath: '/etc/cni/net.d' }, config],
            ),
          ],
          containers: [
            {
              name: 'kube-flannel',
              image: IMAGES.daemon,
              command: ['/opt/bin/flanneld'],
              args: ['--ip-masq', '--kube-subnet-mgr'],
              resources: { requests: { cpu: '100m', memory: '50Mi' } },
              securityContext: { privileged: false, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
              env: [
                fieldRef('POD_NAME', 'metadata.name'),
                fieldRef('POD_NAMESPACE', 'metadata.namespace'),
                { name: 'EVENT_QUEUE_DEPTH', value: '5000' },
                { name: 'CONT_WHEN_CACHE_NOT_READY', value: 'false' },
              ],
              volumeMounts: [
                { name: 'run', mountPath: '/run/flannel' },
                config,
                { name: 'xtables-lock', mountPath: '/run/xtables.lock' },
              ],
            },
          ],
          volumes: [
            { name: 'run', hostPath: { path: '/run/flannel' } },
            { name: 'cni-plugin', hostPath: { path: '/opt/cni/bin' } },
            { name: 'cni', hostPath: { path: '/etc/cni/net.d' } },
            { name: 'flannel-cfg', configMap: { name: 'kube-flannel-cfg' } },
            { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
          ],
        },
      },
    },
  });
}

/**
 * flannel's objects for a cluster, in the order they are applied: its namespace, what it may do, its configuration with the
 * cluster's own pod network, and the DaemonSet. Rendered here and not fetched, so that the network always matches, the
 * images are pinned, and nothing need be downloaded by whoever runs Landfall. VXLAN (UDP 8472) works on any network that
 * carries UDP between the nodes.
 */
export function flannelObjects(cluster: Cluster): readonly KubernetesObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: FLANNEL.namespace,
        labels: { 'k8s-app': 'flannel', 'pod-security.kubernetes.io/enforce': 'privileged' },
      },
    },
    ...rights(),
    namespaced('ConfigMap', 'v1', 'kube-flannel-cfg', {
      data: {
        'cni-conf.json': `${JSON.stringify(CONFLIST, null, 2)}\n`,
        'net-conf.json': `${JSON.stringify({ Network: cluster.network.pods, EnableNFTables: false, Backend: { Type: 'vxlan' } }, null, 2)}\n`,
      },
    }),
    daemonSet(),
  ];
}
