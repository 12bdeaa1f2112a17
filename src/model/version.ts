/** A Kubernetes version: a minor alone (`1.36`) or an exact one (`1.36.3`). Kubernetes' major is 1 for good. */
export interface Version {
  readonly minor: number;
  /** Absent when any patch of the minor will do. */
  readonly patch?: number;
}

/**
 * The minors Landfall creates clusters of, oldest first: those upstream mends (kubernetes.io/releases) and whose
 * kubeadm speaks v1beta4.
 */
export const SUPPORTED_MINORS = [35, 36, 37] as const;

/**
 * What a new cluster gets: the second newest minor. Network plugins, storage and certificate managers state support
 * for a minor some months after its release, so the newest one leaves a cluster without half of its add-ons.
 */
export const DEFAULT_MINOR = 36;

/** The day upstream mended each minor for the last time, ISO 8601; from endoflife.date and the release pages. */
export const END_OF_LIFE: Readonly<Record<number, string>> = {
  27: '2024-06-28',
  30: '2025-07-15',
  31: '2025-11-11',
  32: '2026-02-28',
  33: '2026-06-28',
  34: '2026-10-27',
  35: '2027-02-28',
  36: '2027-06-28',
  37: '2027-10-28',
};

const VERSION = /^1\.(0|[1-9]\d?)(?:\.(0|[1-9]\d{0,2}))?$/;

/** Takes `1.36` or `1.36.3`, without a leading v; gives undefined for anything else, pre-releases included. */
export function parseVersion(text: string): Version | undefined {
  const [, minor, patch] = VERSION.exec(text) ?? [];
  if (minor === undefined) return undefined;
  return patch === undefined ? { minor: Number(minor) } : { minor: Number(minor), patch: Number(patch) };
}

/** `1.36` or `1.36.3`. */
export function formatVersion(version: Version): string {
  return version.patch === undefined ? formatMinor(version.minor) : `1.${version.minor}.${version.patch}`;
}

/** 36 → `1.36`. */
export function formatMinor(minor: number): string {
  return `1.${minor}`;
}

/** Whether an exact version is what was wished for: any patch of a minor, or that very version. */
export function fits(wish: Version, exact: Version): boolean {
  return wish.minor === exact.minor && (wish.patch === undefined || wish.patch === exact.patch);
}

/** What going from one version to another would be; `far` is more than one minor up. */
export type Move = 'same' | 'patch' | 'minor' | 'down' | 'far';

/** Names the way from an exact version to a wished one. A wish for the same minor alone is met by any of its patches. */
export function move(from: Version, wish: Version): Move {
  if (fits(wish, from)) return 'same';
  if (wish.minor === from.minor) return (wish.patch ?? 0) > (from.patch ?? 0) ? 'patch' : 'down';
  if (wish.minor < from.minor) return 'down';
  return wish.minor === from.minor + 1 ? 'minor' : 'far';
}

/** How many minors a kubelet may be behind its API server (kubernetes.io/releases/version-skew-policy). */
export const KUBELET_MINORS_BEHIND = 3;

/** Whether a kubelet may talk to an API server: never newer, and at most three minors older. Patches do not count. */
export function kubeletFits(apiServer: Version, kubelet: Version): boolean {
  const behind = apiServer.minor - kubelet.minor;
  return behind >= 0 && behind <= KUBELET_MINORS_BEHIND;
}

/** Whether a kubeadm may handle a cluster of this version: its own minor, or the one before. */
export function kubeadmFits(kubeadm: Version, cluster: Version): boolean {
  const behind = kubeadm.minor - cluster.minor;
  return behind === 0 || behind === 1;
}

/** Whether CRI-O goes with a kubelet: both are released by minor, and only equal minors are tested together. */
export function crioFits(crio: Version, kubelet: Version): boolean {
  return crio.minor === kubelet.minor;
}
