import { stringify } from 'yaml';
import { etcdFlags } from '../model/etcd.ts';
import { type Cluster, endpointOf } from '../model/cluster.ts';
import { isIPv4 } from '../model/network.ts';
import { PKI } from './key-files.ts';
import { apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { criSocket } from './runtime-parts.ts';

/** What may stand in a certificate as a DNS name. */
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** What the endpoint itself is called by. */
const endpointNames = ({ host, virtual }: Cluster['endpoint']): readonly string[] =>
  virtual === undefined ? [host] : [host, virtual.address];

/** What is said of any control plane, after whatever is its own: what cluster.yaml adds, and what the host calls itself. */
const addedNames = ({ names = [] }: Cluster['endpoint']): readonly string[] => [
  ...names,
  'localhost',
  '127.0.0.1',
];

/** The names and addresses people and programs will call the API server by, besides those kubeadm adds by itself. */
export function certificateNames({ cluster: { endpoint }, node, facts }: Scene): readonly string[] {
  const own = nodeAddress(node, facts);
  const outside = isIPv4(node.address) || DNS_NAME.test(node.address) ? [node.address] : [];
  return [...new Set([...endpointNames(endpoint), own, ...outside, ...addedNames(endpoint)])];
}

/** Those of them that are the same on every control plane, whoever leads. */
export function sharedNames({ endpoint }: Cluster): readonly string[] {
  return [...new Set([...endpointNames(endpoint), ...addedNames(endpoint)])];
}

/** How long something is valid, as kubeadm stores it. */
export const days = (count: number): string => `${count * 24}h0m0s`;

/** How long whoever watches may stay when an API server is to end, well within the half minute kubelet gives it. */
export const WATCHES_END = { name: 'shutdown-watch-termination-grace-period', value: '10s' };

/** The flags of the API server that kubeadm does not give it by itself. */
export function apiServerFlags({ certificates }: Cluster): readonly { name: string; value: string }[] {
  const { kubelets, tokenIssuer } = certificates;
  return [
    ...(kubelets === 'signed' ? [{ name: 'kubelet-certificate-authority', value: `${PKI}/ca.crt` }] : []),
    ...(tokenIssuer === undefined ? [] : [{ name: 'service-account-issuer', value: tokenIssuer }]),
    WATCHES_END,
  ];
}

/**
 * The file kubeadm reads (v1beta4, and the configurations of kubelet and kube-proxy), every value explicit that a default
 * would decide by the day, the machine or the network. Nothing in it is secret: the join token is made by kubeadm, at
 * random, and dies after a quarter of an hour.
 */
export function kubeadmConfig(scene: Scene): string {
  const { cluster, lock, node, facts } = scene;
  const address = nodeAddress(node, facts);
  const { certificates } = cluster;
  const replaced = cluster.network.kubeProxy === 'replace';
  const documents = [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      bootstrapTokens: [{ ttl: '15m0s' }],
      localAPIEndpoint: { advertiseAddress: address, bindPort: apiPort(cluster) },
      nodeRegistration: {
        name: node.name,
        criSocket: criSocket(scene),
        ...(node.workloads ? { taints: [] } : {}),
        kubeletExtraArgs: [{ name: 'node-ip', value: address }],
      },
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      clusterName: cluster.name,
      kubernetesVersion: `v${lock.kubernetes}`,
      controlPlaneEndpoint: endpointOf(cluster),
      networking: {
        podSubnet: cluster.network.pods,
        serviceSubnet: cluster.network.services,
        dnsDomain: cluster.network.domain,
      },
      certificateValidityPeriod: days(certificates.validity),
      caCertificateValidityPeriod: days(certificates.authorityValidity),
      apiServer: {
        certSANs: certificateNames(scene),
        extraArgs: apiServerFlags(cluster),
      },
      etcd: { local: { dataDir: '/var/lib/etcd', extraArgs: etcdFlags(cluster.etcd) } },
      ...(replaced ? { proxy: { disabled: true } } : {}),
    },
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      cgroupDriver: 'systemd',
      ...(certificates.kubelets === 'signed' ? { serverTLSBootstrap: true } : {}),
      containerLogMaxSize: cluster.host.containerLogs.maxSize,
      containerLogMaxFiles: cluster.host.containerLogs.maxFiles,
    },
    ...(replaced
      ? []
      : [
          {
            apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
            kind: 'KubeProxyConfiguration',
            mode: 'nftables',
            conntrack: { maxPerCore: 32768, min: 131072 },
          },
        ]),
  ];
  const head = `# Written by Landfall: what kubeadm is told about ${cluster.name}.\n`;
  return head + documents.map((d) => stringify(d, { lineWidth: 0 })).join('---\n');
}
