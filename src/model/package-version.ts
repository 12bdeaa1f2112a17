import { parseVersion, type Version } from './version.ts';

/** A Debian package version of the Kubernetes and CRI-O repositories: `1.36.3-1.1` is upstream 1.36.3, revision 1, build 1. */
export interface PackageVersion {
  /** As apt wants it. */
  readonly text: string;
  /** `1.36.3` */
  readonly upstream: string;
  readonly revision: number;
  readonly build: number;
}

/** The build service that makes these packages always writes a revision and a build; pre-releases do not match. */
const PACKAGE = /^(\d+\.\d+\.\d+)-(\d+)\.(\d+)$/;

/** Takes a Debian version; gives undefined when it is not of the form `X.Y.Z-R.B`. */
export function parsePackageVersion(text: string): PackageVersion | undefined {
  const [, upstream, revision, build] = PACKAGE.exec(text) ?? [];
  if (upstream === undefined || /(^|\.)0\d|\d{10}/.test(upstream)) return undefined;
  return { text, upstream, revision: Number(revision), build: Number(build) };
}

/** Takes a Debian version such as `1.36.3-1.1`; gives Kubernetes' own words for it, or undefined when it has none. */
export function upstreamVersion(text: string): Version | undefined {
  const parsed = parsePackageVersion(text);
  return parsed && parseVersion(parsed.upstream);
}
