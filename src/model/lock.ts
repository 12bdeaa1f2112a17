import type { Encapsulation, NetworkPlugin } from './cluster.ts';

/** The Debian packages whose versions Landfall pins. */
export const PINNED_PACKAGES = [
  'kubeadm',
  'kubelet',
  'kubectl',
  'cri-tools',
  'kubernetes-cni',
  'cri-o',
] as const;

/** One of {@link PINNED_PACKAGES}. */
export type PinnedPackage = (typeof PINNED_PACKAGES)[number];

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
  /** Debian package versions, revision included: `1.36.3-1.1`. */
  readonly packages: Readonly<Record<PinnedPackage, string>>;
  /** SHA-256 (hex) of the signing keys the repositories were accepted with, by repository. */
  readonly keys: { readonly kubernetes: string; readonly crio: string };
  readonly network: NetworkLock;
  /** Image digests (`sha256:…`) by full reference, as first pulled; empty until then. */
  readonly images: Readonly<Record<string, string>>;
}
