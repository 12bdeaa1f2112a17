/** What is built to make one Kubernetes version, and which versions of the things around it. */
export interface Release {
  readonly kubernetes: string;
  readonly crio: string;
  readonly etcd: string;
  readonly coredns: string;
  /** `cri-tools` package: the minor's own version as upstream names it. */
  readonly criTools: string;
}

/**
 * Newest first.
 * The versions that are published as Go modules and fit together. Where the exact one that kubeadm asks for was never
 * published as a module the nearest is built and stands in under the name asked for; the image carries a label that says so.
 */
export const releases: readonly Release[] = [
  { kubernetes: '1.36.3', crio: '1.36.1', etcd: '3.6.8', coredns: '1.14.3', criTools: '1.36.0' },
  { kubernetes: '1.35.4', crio: '1.34.0', etcd: '3.6.8', coredns: '1.14.3', criTools: '1.35.0' },
];

/** Versions that are the same for every Kubernetes version. */
export const common = {
  crictl: '1.36.0',
  cniPlugins: '1.9.1',
  runc: '1.4.1',
  /** The newest of its series that asks for no newer Go than the others: 2.3.6 and later want 1.26.8. */
  containerd: '2.3.5',
  crun: { version: '1.21', sum: '4bfb700e764a4804a4de3ecf07753f4c391005356d60356df65d80ae0914c486' },
  /** test/images/agnhost/VERSION of Kubernetes 1.36. */
  agnhost: '2.63.0',
  flannel: '0.28.10',
  /** What kube-flannel.yml of that flannel names for its CNI plugin. */
  flannelPlugin: '1.9.1-flannel3',
  nginx: '1.28.0',
  pause: ['3.10', '3.10.1', '3.10.2'],
} as const;
