import type { Encapsulation, NetworkPlugin } from './cluster.ts';
import type { Runtime } from './runtime.ts';

/** The packages of the Kubernetes repository that every node has. */
export const KUBERNETES_PACKAGES = ['kubeadm', 'kubelet', 'kubectl', 'cri-tools', 'kubernetes-cni'] as const;

/** The package each runtime comes in. */
export const RUNTIME_PACKAGES = {
  'cri-o': 'cri-o',
  containerd: 'containerd.io',
} as const satisfies Readonly<Record<Runtime, string>>;

/** Under which word of `keys` a lock has the key of each runtime's repository. */
export const RUNTIME_KEYS = {
  'cri-o': 'crio',
  containerd: 'docker',
} as const satisfies Readonly<Record<Runtime, keyof Lock['keys']>>;

/** The Debian packages whose versions Landfall pins: of the runtimes' a lock has those the nodes are to have. */
export const PINNED_PACKAGES = [...KUBERNETES_PACKAGES, ...Object.values(RUNTIME_PACKAGES)] as const;

/** One of {@link PINNED_PACKAGES}. */
export type PinnedPackage = (typeof PINNED_PACKAGES)[number];

/** One of {@link KUBERNETES_PACKAGES}. */
export type KubernetesPackage = (typeof KUBERNETES_PACKAGES)[number];

/** One of {@link RUNTIME_PACKAGES}. */
export type RuntimePackage = (typeof RUNTIME_PACKAGES)[Runtime];

/** What the network plugin resolved to. */
export interface NetworkLock {
  readonly plugin: NetworkPlugin;
  /** The release, without a leading v; absent for `none`, as are the fields below. */
  readonly version?: string;
  readonly encapsulation?: Encapsulation;
  /** Bytes of a pod's largest packet. */
  readonly mtu?: number;
  /** SHA-256 (hex) of the files that are fetched from upstream, by address. */
  readonly files: Readonly<Record<string, string>>;
  /** The images the plugin runs from: full references. */
  readonly images: readonly string[];
}

/** What the words of cluster.yaml resolved to; landfall.lock, kept in git beside it. */
export interface Lock {
  /** The exact Kubernetes version, without a leading v: `1.36.3`. */
  readonly kubernetes: string;
  /** Debian package versions, revision included: `1.36.3-1.1`. Of containerd.io without the distribution: `2.3.5-1`. */
  readonly packages: Readonly<Record<KubernetesPackage, string> & Partial<Record<RuntimePackage, string>>>;
  /** SHA-256 (hex) of the signing keys the repositories were accepted with, by repository; of the runtimes' those in use. */
  readonly keys: { readonly kubernetes: string; readonly crio?: string; readonly docker?: string };
  readonly network: NetworkLock;
  /** Image digests (`sha256:…`) by full reference, as first pulled; empty until then. */
  readonly images: Readonly<Record<string, string>>;
}
