import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newestFirst, newestOf } from './newest.ts';
import { parsePackageVersion, upstreamVersion } from './package-version.ts';
import {
  crioFits,
  DEFAULT_MINOR,
  fits,
  formatVersion,
  kubeadmFits,
  kubeletFits,
  move,
  parseVersion,
  SUPPORTED_MINORS,
  type Version,
} from './version.ts';

const v = (text: string): Version => {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(`${text} is no version`);
  return version;
};

describe('parseVersion', () => {
  it('reads a minor and an exact version', () => {
    expect(parseVersion('1.36')).toEqual({ minor: 36 });
    expect(parseVersion('1.36.0')).toEqual({ minor: 36, patch: 0 });
  });
  it.each([
    'v1.36',
    '1.36.3-rc.0',
    '1',
    '2.0',
    '1.036',
    '1.36.',
    '1.36.3.1',
    ' 1.36',
    '1.36\n',
    '',
    '1.36.03',
    '1.１',
  ])('refuses %j', (text) => expect(parseVersion(text)).toBeUndefined());
  it('gives back what it was given', () => {
    const patch = fc.option(fc.nat(999), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(99), patch, (minor, p) => {
        const version: Version = p === undefined ? { minor } : { minor, patch: p };
        expect(parseVersion(formatVersion(version))).toEqual(version);
      }),
    );
  });
});

describe('the supported minors', () => {
  it('follow one another, and the default is the second newest', () => {
    expect(SUPPORTED_MINORS.at(-2)).toBe(DEFAULT_MINOR);
    expect(
      SUPPORTED_MINORS.every((minor, i) => i === 0 || minor === (SUPPORTED_MINORS[i - 1] ?? 0) + 1),
    ).toBe(true);
  });
});

describe('skew', () => {
  it('lets a kubelet be up to three minors older, never newer', () => {
    expect([32, 33, 34, 35, 36, 37].map((minor) => kubeletFits(v('1.36'), { minor }))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
  });
  it('lets kubeadm handle its own minor and the one before', () => {
    expect([34, 35, 36, 37].map((minor) => kubeadmFits(v('1.36'), { minor }))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
  it('wants CRI-O of the same minor', () => {
    expect(crioFits(v('1.36.1'), v('1.36.5'))).toBe(true);
    expect(crioFits(v('1.35.1'), v('1.36.5'))).toBe(false);
  });
  it.each([
    ['1.36.3', '1.36', 'same'],
    ['1.36.3', '1.36.3', 'same'],
    ['1.36.3', '1.36.5', 'patch'],
    ['1.36.3', '1.36.0', 'down'],
    ['1.36.3', '1.37', 'minor'],
    ['1.36.3', '1.37.0', 'minor'],
    ['1.36.3', '1.38', 'far'],
    ['1.36.3', '1.35.9', 'down'],
    ['1.36.3', '1.9', 'down'],
  ])('from %s to %s is %s', (from, to, is) => expect(move(v(from), v(to))).toBe(is));
});

describe('Debian versions', () => {
  it('hold the upstream version', () => {
    expect(upstreamVersion('1.36.3-1.1')).toEqual({ minor: 36, patch: 3 });
    expect(parsePackageVersion('1.37.1-3.1')).toEqual({
      text: '1.37.1-3.1',
      upstream: '1.37.1',
      revision: 3,
      build: 1,
    });
  });
  it.each([
    '1.36.3',
    '1.36.3-1',
    '1:1.36.3-1.1',
    '1.36.0~rc.0-1.1',
    '1.36-1.1',
    '1.36.3-1.1 ',
    '01.36.3-1.1',
  ])('refuses %j', (text) => expect(parsePackageVersion(text)).toBeUndefined());
  it('are chosen by number: upstream, then revision, then build', () => {
    const available = [
      '1.36.9-1.1',
      '1.36.10-1.1',
      '1.36.10-1.10',
      '1.36.10-1.9',
      '1.37.0-1.1',
      '1.36.0~rc.1-1.1',
      'x',
    ];
    expect(newestOf(available, v('1.36'))?.text).toBe('1.36.10-1.10');
    expect(newestOf(available, v('1.36.9'))?.text).toBe('1.36.9-1.1');
    expect(newestOf(available, v('1.36.8'))).toBeUndefined();
    expect(newestOf(available, v('1.35'))).toBeUndefined();
  });
  it('come newest first whatever their order', () => {
    const one = fc
      .tuple(fc.nat(3), fc.nat(30), fc.nat(3), fc.nat(12))
      .map(([a, b, c, d]) => `1.${a}.${b}-${c}.${d}`);
    fc.assert(
      fc.property(fc.array(one), (list) => {
        const sorted = newestFirst(list);
        expect(newestFirst(list.toReversed())).toEqual(sorted);
        expect(new Set(sorted.map((p) => p.text))).toEqual(new Set(list));
      }),
    );
  });
  it('meet the wish they were chosen by', () => {
    const one = fc.tuple(fc.nat(2), fc.nat(3)).map(([a, b]) => `1.${a}.${b}-1.1`);
    fc.assert(
      fc.property(fc.array(one), fc.nat(2), (list, minor) => {
        const found = newestOf(list, { minor });
        expect(found !== undefined).toBe(list.some((text) => text.startsWith(`1.${minor}.`)));
        expect(found === undefined || fits({ minor }, v(found.upstream))).toBe(true);
      }),
    );
  });
});
