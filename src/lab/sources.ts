import type { Release } from './kind.ts';

/** Where Debian is fetched from when the machine's own package sources have none. */
const UPSTREAM = 'http://deb.debian.org/debian';

/** One repository of the machine's own package sources. */
export interface AptTarget {
  readonly uri: string;
  readonly codename: string;
  readonly origin: string;
}

/** What `apt-get indextargets` is to print, for {@link parseTargets}. */
export const TARGET_FORMAT = '$(REPO_URI) $(CODENAME) $(ORIGIN) $(COMPONENT)';

/** Reads the lines `apt-get indextargets --format` {@link TARGET_FORMAT} printed: the repositories with a component `main`. */
export function parseTargets(text: string): readonly AptTarget[] {
  return text.split('\n').flatMap((line) => {
    const [uri, codename, origin, component] = line.trim().split(' ');
    return uri !== undefined && codename !== undefined && origin !== undefined && component === 'main'
      ? [{ uri: uri.replace(/\/$/, ''), codename, origin }]
      : [];
  });
}

/**
 * The source lines a host image of `release` is built from: the machine's own Debian sources, wherever they lead, with
 * the release's own name in place of the machine's. So it works wherever `apt-get` works. Nothing of them stays in the image.
 */
export function imageSources(targets: readonly AptTarget[], release: Release): readonly string[] {
  const debian = targets.filter(({ origin }) => origin === 'Debian');
  const lines = debian.map(({ uri, codename }) => `deb ${uri} ${codename.replace(/^[a-z]+/, release)} main`);
  const plain = lines.filter((line) => line.endsWith(` ${release} main`));
  return [...new Set(plain.length > 0 ? lines : [`deb ${UPSTREAM} ${release} main`])];
}

/**
 * Options of the machine's apt that its sources may need (a proxy, unchecked dates), for `mmdebstrap --aptopt`, out of
 * what `apt-config dump Acquire` printed.
 */
export function aptOptions(dump: string): readonly string[] {
  return dump
    .split('\n')
    .filter((line) => /^Acquire::(https?::(Proxy|.*::Proxy)|Check-(Valid-Until|Date)|Retries)\b/i.test(line))
    .filter((line) => !line.endsWith('"";'));
}
