import type { Cluster } from '../model/cluster.ts';
import type { KubernetesObject } from './kinds/manifest.ts';

/** flannel's namespace, the name of its DaemonSet there, and the file it writes on each node: as in its own manifest. */
export const FLANNEL = {
  namespace: 'kube-flannel',
  daemonSet: 'kube-flannel-ds',
  conflist: '10-flannel.conflist',
} as const;

/** The images of one release, as its own manifest names them. */
const IMAGES = {
  daemon: 'ghcr.io/flannel-io/flannel:v0.28.10',
  plugin: 'ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3',
} as const;

const NAMESPACE = FLANNEL.namespace;
const labels = { 'k8s-app': 'flannel' };
const podLabels = { tier: 'node', app: 'flannel' };

/** What the runtime is told on each node: flannel hands out addresses, portmap makes hostPort work. */
const CNI = {
  name: 'cbr0',
  cniVersion: '1.0.0',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

function rbac(): readonly KubernetesObject[] {
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'flannel', labels },
      rules: [
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'flannel', labels },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'flannel' },
      subjects: [{ kind: 'ServiceAccount', name: 'flannel', namespace: NAMESPACE }],
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'flannel', namespace: NAMESPACE, labels } },
  ];
}

/** {@link FLANNEL.conflist} as flannel's pod writes it on each node. */
export const CONFLIST_TEXT = `${JSON.stringify(CNI, null, 2)}\n`;

function settings(pods: string): KubernetesObject {
  const network = { Network: pods, EnableNFTables: false, Backend: { Type: 'vxlan' } };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'kube-flannel-cfg',
      namespace: NAMESPACE,
      labels: { ...labels, tier: 'node', app: 'flannel' },
    },
    data: {
      'cni-conf.json': CONFLIST_TEXT,
      'net-conf.json': `${JSON.stringify(network, null, 2)}\n`,
    },
  };
}

function container(): object {
  return {
    name: 'kube-flannel',
    image: IMAGES.daemon,
    command: ['/opt/bin/flanneld'],
    // The interface is the one that carries the node's address, not the one of the default route: see `--node-ip` of kubelet.
    args: ['--ip-masq', '--kube-subnet-mgr', '--healthz-port=8081', '--iface=$(NODE_ADDRESS)'],
    ports: [{ name: 'healthz', containerPort: 8081, protocol: 'TCP' }],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'healthz' },
      initialDelaySeconds: 10,
      periodSeconds: 30,
    },
    readinessProbe: {
      httpGet: { path: '/readyz', port: 'healthz' },
      initialDelaySeconds: 5,
      periodSeconds: 10,
    },
    resources: { requests: { cpu: '100m', memory: '50Mi' } },
    securityContext: { privileged: false, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'NODE_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
      { name: 'EVENT_QUEUE_DEPTH', value: '5000' },
      { name: 'CONT_WHEN_CACHE_NOT_READY', value: 'false' },
    ],
    volumeMounts: [
      { name: 'run', mountPath: '/run/flannel' },
      { name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' },
      { name: 'xtables-lock', mountPath: '/run/xtables.lock' },
    ],
  };
}

function daemon(): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: FLANNEL.daemonSet, namespace: NAMESPACE, labels: { ...labels, ...podLabels } },
    spec: {
      selector: { matchLabels: { app: 'flannel' } },
      template: {
        metadata: { labels: podLabels },
        spec: {
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          hostNetwork: true,
          priorityClassName: 'system-node-critical',
          tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
          serviceAccountName: 'flannel',
          initContainers: [
            {
              name: 'install-cni-plugin',
              image: IMAGES.plugin,
              command: ['cp'],
              args: ['-f', '/flannel', '/opt/cni/bin/flannel'],
              volumeMounts: [{ name: 'cni-plugin', mountPath: '/opt/cni/bin' }],
            },
            {
              name: 'install-cni',
              image: IMAGES.daemon,
              command: ['/opt/bin/install-conf'],
              args: ['/etc/kube-flannel/cni-conf.json', `/etc/cni/net.d/${FLANNEL.conflist}`],
              volumeMounts: [
                { name: 'cni', mountPath: '/etc/cni/net.d' },
                { name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' },
              ],
            },
          ],
          containers: [container()],
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
  };
}

/**
 * flannel as its own release has it, with this cluster's pod network: every node gets a slice of it, and packets between
 * nodes travel inside UDP (vxlan, port 8472).
 */
export function flannelObjects({ network }: Cluster): readonly KubernetesObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: NAMESPACE,
        labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'privileged' },
      },
    },
    ...rbac(),
    settings(network.pods),
    daemon(),
  ];
}
