/** A version of containerd as its packages have it, without what they say of the distribution: `2.3.5-1`. */
export interface ContainerdVersion {
  /** `2.3.5-1`: the same for every distribution. */
  readonly text: string;
  /** `2.3` */
  readonly series: string;
  readonly patch: number;
  readonly revision: number;
}

/** Docker's packages end in the distribution they are for: `2.3.5-1~debian.12~bookworm`. Pre-releases do not match. */
const PACKAGE = /^(\d{1,3}\.\d{1,3})\.(\d{1,3})-(\d{1,3})(?:~(?:debian|ubuntu)\.[\w.]+~[a-z]+)?$/;

/**
 * The series of containerd that is installed: the one that is mended for long (until April 2028), which goes with every minor
 * Landfall makes clusters of (containerd's RELEASES.md). 1.7, the one before it, is mended no more.
 */
export const CONTAINERD_SERIES = '2.3';

/** Takes a package's version, with its distribution or without; gives undefined when it is none of a release. */
export function parseContainerd(text: string): ContainerdVersion | undefined {
  const [, series, patch, revision] = PACKAGE.exec(text) ?? [];
  if (series === undefined) return undefined;
  return { text: text.replace(/~.*/, ''), series, patch: Number(patch), revision: Number(revision) };
}

/** The newest version of {@link CONTAINERD_SERIES}, as landfall.lock keeps it; undefined when there is none. */
export function newestContainerd(versions: readonly string[]): string | undefined {
  return versions
    .flatMap((text) => parseContainerd(text) ?? [])
    .filter(({ series }) => series === CONTAINERD_SERIES)
    .toSorted((a, b) => b.patch - a.patch || b.revision - a.revision)[0]?.text;
}
