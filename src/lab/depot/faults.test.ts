import { describe, expect, it } from 'vitest';
import { corrupted, faultOf, matches, NO_FAULTS, parseFaults, tampered } from './faults.ts';

describe('matches', () => {
  it.each([
    ['pkgs.k8s.io', 'pkgs.k8s.io/core:/stable:/v1.36/deb/InRelease', true],
    ['registry.k8s.io/pause', 'registry.k8s.io/pause:3.10', true],
    ['registry.k8s.io/pause', 'registry.k8s.io/pause-extra:3.10', false],
    ['registry.k8s.io/coredns/coredns:v1.14.7', 'registry.k8s.io/coredns/coredns:v1.14.7', true],
    ['registry.k8s.io/coredns/coredns:v1.1', 'registry.k8s.io/coredns/coredns:v1.14.7', false],
    ['*/kubelet_*.deb', 'pkgs.k8s.io/core:/stable:/v1.36/deb/amd64/kubelet_1.36.3-1.1_amd64.deb', true],
    ['kubelet', 'pkgs.k8s.io/kubelet', false],
    ['a.b', 'axb', false],
  ])('%s names %s: %s', (pattern, thing, is) => expect(matches(pattern, thing)).toBe(is));
});

describe('faults', () => {
  it('call a repository unsigned only where its signature is', () => {
    const faults = { ...NO_FAULTS, unsigned: ['pkgs.k8s.io'] };
    expect(faultOf(faults, ['pkgs.k8s.io/x/InRelease'])).toBe('unsigned');
    expect(faultOf(faults, ['pkgs.k8s.io/x/Packages'])).toBeUndefined();
  });
  it('are none in a file that is not whole', () => {
    expect(parseFaults('{"missing":')).toEqual(NO_FAULTS);
    expect(parseFaults('{"missing":["a"]}')).toEqual({ ...NO_FAULTS, missing: ['a'] });
  });
  it('change one byte, and no length', () => {
    expect([...corrupted(Buffer.from([1, 2, 3]))]).toEqual([1, 3, 3]);
    expect(corrupted(Buffer.alloc(0))).toHaveLength(0);
  });
  it('change what was signed, not the signature', () => {
    const signed = 'Origin: x\n-----BEGIN PGP SIGNATURE-----\nabc\n';
    expect(tampered(Buffer.from(signed)).toString()).toMatch(
      /^Origin: x\nDescription: .*\n-----BEGIN PGP SIGNATURE-----\nabc\n$/,
    );
  });
});
