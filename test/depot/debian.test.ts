import { describe, expect, it } from 'vitest';
import { parseSourceLines, parseSourceStanzas, sourceStanzas, sourcesOf } from './aptroot.ts';
import { parseStanzas } from './apt.ts';
import { closure, parseDepends } from './debian.ts';
import { executableName } from './go.ts';
import { compare } from './tools.ts';

const index = parseStanzas(`Package: nginx-light
Depends: libc6 (>= 2.34), nginx-common (= 1.22), perl:any | perl-api

Package: nginx-common
Depends: debconf (>= 0.5) | debconf-2.0, awk

Package: libc6
Pre-Depends: libgcc-s1

Package: libgcc-s1
Depends: libc6

Package: mawk
Provides: awk

Package: perl
Depends: everything

Package: debconf
`);
const names = (stanzas: ReturnType<typeof closure>): readonly (string | undefined)[] =>
  stanzas.map((s) => s['Package']);

describe('the closure of packages', () => {
  it('follows dependencies, alternatives, virtual packages and circles; leaves out what is not wanted', () => {
    expect(names(closure(index, ['nginx-light'], ['perl', 'debconf']))).toEqual([
      'libc6',
      'libgcc-s1',
      'mawk',
      'nginx-common',
      'nginx-light',
    ]);
  });

  it('says what is missing and who wants it', () => {
    expect(() => closure(index, ['nginx-light'], [])).toThrow(
      'perl needs everything, which the depot has not',
    );
  });

  it('reads dependency fields', () => {
    expect(parseDepends('a (>= 1), b | c:any, d [amd64],\n e')).toEqual([['a'], ['b', 'c'], ['d'], ['e']]);
    expect(parseDepends('')).toEqual([]);
  });
});

describe('the machine’s sources', () => {
  it('are read from the one-line form', () => {
    const text = `# deb http://old/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm main contrib # ours
deb-src http://mirror.test/debian bookworm main`;
    expect(parseSourceLines(text)).toEqual([
      {
        uri: 'http://mirror.test/debian',
        suite: 'bookworm',
        components: ['main', 'contrib'],
        signedBy: '/k.gpg',
      },
    ]);
  });

  it('are read from the deb822 form, each suite by itself, disabled ones not', () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
Enabled: no
URIs: http://other.test
Suites: x
`;
    const sources = parseSourceStanzas(text);
    expect(sources.map(({ suite }) => suite)).toEqual(['bookworm', 'bookworm-updates']);
    expect(parseSourceStanzas(sourceStanzas(sources, 'deb'))).toEqual(sources);
  });

  it('of the release are taken; for another release the same archive; else Debian’s own', () => {
    const mirror = { uri: 'http://mirror.test/debian', components: ['main'] };
    const own = [
      { ...mirror, suite: 'bookworm' },
      { uri: 'http://x.test', suite: 'cloud-sdk', components: ['main'] },
    ];
    expect(sourcesOf('bookworm', own)).toEqual([own[0]]);
    const later = { ...mirror, uri: 'http://mirror.test/debian-security', suite: 'bookworm-security' };
    const backports = { ...mirror, suite: 'bookworm-backports' };
    expect(sourcesOf('trixie', [...own, later, backports])).toEqual([
      { ...mirror, suite: 'trixie' },
      { ...later, suite: 'trixie-security' },
    ]);
    expect(sourcesOf('bookworm', [])[0]).toMatchObject({
      uri: 'http://deb.debian.org/debian',
      suite: 'bookworm',
    });
  });
});

describe('names and versions', () => {
  it('of programs are those go build gives', () => {
    expect(
      ['a/cmd/crictl', 'go.etcd.io/etcd/server/v3', './flanneld', 'github.com/coredns/coredns'].map(
        executableName,
      ),
    ).toEqual(['crictl', 'server', 'flanneld', 'coredns']);
  });

  it('are compared by number', () => {
    expect(compare([1, 26, 10], [1, 26, 3])).toBeGreaterThan(0);
    expect(compare([1, 9], [1, 26, 3])).toBeLessThan(0);
    expect(compare([1, 26], [1, 26, 0])).toBe(0);
  });
});
