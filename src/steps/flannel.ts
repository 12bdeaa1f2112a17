import type { Encapsulation } from '../model/cluster.ts';
import { overhead } from '../model/pod-path.ts';
import type { KubernetesObject } from './kinds/manifest.ts';
import type { Scene } from './phase.ts';
import { CNI_FOLDER, type Installed, PLUGIN_MARKS } from './plugin.ts';

const NAMESPACE = PLUGIN_MARKS.flannel.namespace;
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

/** The file the runtime finds flannel by, as flannel's pod writes it on each node. */
export const CONFLIST_TEXT = `${JSON.stringify(CNI, null, 2)}\n`;

/** flannel's word for each way. It wants the MTU of the network below, and takes off by itself what a tunnel needs. */
function backend(encapsulation: Encapsulation, mtu: number): object {
  if (encapsulation === 'none') return { Type: 'host-gw' };
  const tunnel = { Type: 'vxlan', MTU: mtu + overhead(encapsulation) };
  return encapsulation === 'vxlan' ? tunnel : { ...tunnel, DirectRouting: true };
}

function settings(pods: string, { encapsulation, mtu }: Installed): KubernetesObject {
  const network = { Network: pods, EnableNFTables: false, Backend: backend(encapsulation, mtu) };
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

function container(image: string): object {
  return {
    name: 'kube-flannel',
    image,
    command: ['/opt/bin/flanneld'],
    // The interface is the one that carries the node's address, not the one of the default route: see `--node-ip` of kubelet.
    args: ['--ip-masq', '--kube-subnet-mgr', '--healthz-port=8081', '--iface=$(NODE_ADDRESS)'],
    ports: [{ name: 'healthz', containerPort: 8081, protocol: 'TCP' }],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'healthz' },
      initialDelaySeconds: 10,
      periodSeconds: 30,
    },
    // Upstream has it looked at after 5 s and then every 10 s, and for all that time a node seems to be without its network.
    readinessProbe: { httpGet: { path: '/readyz', port: 'healthz' }, periodSeconds: 2 },
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

function daemon(images: Images): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: PLUGIN_MARKS.flannel.daemonSet,
      namespace: NAMESPACE,
      labels: { ...labels, ...podLabels },
    },
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
              image: images.plugin,
              command: ['cp'],
              args: ['-f', '/flannel', '/opt/cni/bin/flannel'],
              volumeMounts: [{ name: 'cni-plugin', mountPath: '/opt/cni/bin' }],
            },
            {
              name: 'install-cni',
              image: images.daemon,
              command: ['/opt/bin/install-conf'],
              args: ['/etc/kube-flannel/cni-conf.json', `${CNI_FOLDER}/${PLUGIN_MARKS.flannel.conflist}`],
              volumeMounts: [
                { name: 'cni', mountPath: CNI_FOLDER },
                { name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' },
              ],
            },
          ],
          containers: [container(images.daemon)],
          volumes: [
            { name: 'run', hostPath: { path: '/run/flannel' } },
            { name: 'cni-plugin', hostPath: { path: '/opt/cni/bin' } },
            { name: 'cni', hostPath: { path: CNI_FOLDER } },
            { name: 'flannel-cfg', configMap: { name: 'kube-flannel-cfg' } },
            { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
          ],
        },
      },
    },
  };
}

/** The two images of a release. */
interface Images {
  readonly daemon: string;
  readonly plugin: string;
}

/** @throws Error when the lock, which the release came from, names no such images. */
function imagesOf(references: readonly string[]): Images {
  const of = (name: string) => references.find((one) => one.startsWith(`ghcr.io/flannel-io/${name}:`));
  const [daemon, plugin] = [of('flannel'), of('flannel-cni-plugin')];
  if (daemon === undefined || plugin === undefined) throw new Error('the lock names no images of flannel');
  return { daemon, plugin };
}

/**
 * flannel as its own release has it, with this cluster's pod network: every node gets a slice of it, and packets between
 * nodes travel inside UDP (vxlan, port 8472) unless something else was chosen.
 */
export function flannelObjects(
  { cluster: { network }, lock }: Pick<Scene, 'cluster' | 'lock'>,
  release: Installed,
): readonly KubernetesObject[] {
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
    settings(network.pods, release),
    daemon(imagesOf(lock.network.images)),
  ];
}
