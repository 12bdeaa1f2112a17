import compare from 'semver/functions/compare.js';
import { type PackageVersion, parsePackageVersion } from './package-version.ts';
import { fits, parseVersion, type Version } from './version.ts';

/** Orders by upstream version, then revision, then build: negative when `a` is the older. */
export function comparePackageVersions(a: PackageVersion, b: PackageVersion): number {
  return compare(a.upstream, b.upstream) || a.revision - b.revision || a.build - b.build;
}

/** Takes the versions of one package in any order; gives those of the known form, newest first, each once. */
export function newestFirst(available: readonly string[]): readonly PackageVersion[] {
  return [...new Set(available)]
    .map(parsePackageVersion)
    .filter((version) => version !== undefined)
    .toSorted((a, b) => comparePackageVersions(b, a));
}

/**
 * Takes the versions of one package and a wish (`1.36`: any patch, `1.36.3`: that one); gives the newest that meets it
 * with its highest revision, or undefined.
 */
export function newestOf(available: readonly string[], wish: Version): PackageVersion | undefined {
  return newestFirst(available).find(({ upstream }) => {
    const version = parseVersion(upstream);
    return version !== undefined && fits(wish, version);
  });
}
