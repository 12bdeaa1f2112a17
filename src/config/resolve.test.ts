import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ETCD_DEFAULTS } from './etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from './certificate-defaults.ts';
import { HOST_DEFAULTS } from './host-defaults.ts';
import type { Cluster } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import type { ResolvedPackages } from './lock.ts';
import { resolve } from './resolve.ts';

const wish = (kubernetes: string): Cluster => ({
  name: 'harbour',
  kubernetes,
  endpoint: { host: 'api.harbour.internal', port: 6443, kept: true },
  network: {
    plugin: 'flannel',
    kubeProxy: 'keep',
    pods: '10.244.0.0/16',
    services: '10.96.0.0/16',
    domain: 'cluster.local',
  },
  certificates: CERTIFICATE_DEFAULTS,
  runtime: 'cri-o',
  etcd: ETCD_DEFAULTS,
  ssh: {},
  host: HOST_DEFAULTS,
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '10.0.0.11', workloads: true }],
});

const release = ['1.36.2-1.1', '1.36.10-1.1', '1.36.9-1.1', '1.36.9-1.2'];
const available = {
  kubeadm: release,
  kubelet: release,
  kubectl: release,
  'cri-tools': ['1.36.0-1.1', '1.35.0-1.1'],
  'kubernetes-cni': ['1.8.0-1.1', '1.10.0-1.1', '1.9.1-1.1'],
  'cri-o': ['1.36.1-1.1', '1.36.1-3.1'],
};
const keys = { kubernetes: 'a'.repeat(64), crio: 'b'.repeat(64) };
const newest: ResolvedPackages = {
  kubernetes: '1.36.10',
  packages: {
    kubeadm: '1.36.10-1.1',
    kubelet: '1.36.10-1.1',
    kubectl: '1.36.10-1.1',
    'cri-tools': '1.36.0-1.1',
    'kubernetes-cni': '1.10.0-1.1',
    'cri-o': '1.36.1-3.1',
  },
  keys,
  images: {},
};
const older: ResolvedPackages = {
  ...newest,
  kubernetes: '1.36.2',
  packages: { ...newest.packages, kubeadm: '1.36.2-1.1', kubelet: '1.36.2-1.1', kubectl: '1.36.2-1.1' },
  images: { 'a/b:c': `sha256:${'c'.repeat(64)}` },
};

const problem = (result: ResolvedPackages | Problem): Problem => {
  if (!(result instanceof Problem)) throw new Error('resolved');
  return result;
};

describe('resolve', () => {
  it('takes the newest of a minor', () => expect(resolve(wish('1.36'), available, keys)).toEqual(newest));
  it('takes the version that is named, in its highest revision', () => {
    const found = resolve(wish('1.36.9'), available, keys);
    expect(found).toMatchObject({
      kubernetes: '1.36.9',
      packages: { kubeadm: '1.36.9-1.2', kubelet: '1.36.9-1.2' },
    });
  });
  it('takes only what all three packages of a release have', () => {
    const found = resolve(wish('1.36'), { ...available, kubectl: ['1.36.9-1.1', '1.36.2-1.1'] }, keys);
    expect(found).toMatchObject({
      kubernetes: '1.36.9',
      packages: { kubeadm: '1.36.9-1.2', kubectl: '1.36.9-1.1' },
    });
  });
  it('keeps a lock that fits, whatever is newer, and asks nothing', () => {
    expect(resolve(wish('1.36'), available, keys, older)).toEqual(older);
    expect(resolve(wish('1.36.2'), {}, {}, older)).toEqual(older);
  });
  it('fetches the keys anew for a lock without them, and leaves the rest', () => {
    const { keys: _, ...held } = older;
    expect(resolve(wish('1.36'), {}, keys, held)).toEqual(older);
  });
  it('goes on from a lock that no longer fits, and keeps its digests', () => {
    expect(resolve(wish('1.36.9'), available, keys, older)).toMatchObject({
      kubernetes: '1.36.9',
      images: older.images,
    });
  });
  it('says which versions exist, newest first', () => {
    const found = problem(resolve(wish('1.36.11'), available, keys));
    expect(found).toMatchObject({
      code: 'version/not-available',
      exit: 1,
      saw: 'newest first: 1.36.10, 1.36.9, 1.36.2',
    });
    expect(found.try).toBe('kubernetes: "1.36.10"   or wait for 1.36.11');
  });
  it.each([
    ['no package at all', '1.36', {}, keys, 'version/no-package'],
    ['one package missing', '1.36', { ...available, 'cri-tools': [] }, keys, 'version/no-package'],
    ['only pre-releases', '1.36', { ...available, kubeadm: ['1.36.0~rc.0-1.1'] }, keys, 'version/no-package'],
    [
      'CRI-O of other minors only',
      '1.36',
      { ...available, 'cri-o': ['1.35.4-1.1'] },
      keys,
      'version/not-available',
    ],
    ['no key', '1.36', available, { kubernetes: keys.kubernetes }, 'repository/key'],
    ['an empty key', '1.36', available, { kubernetes: '', crio: keys.crio }, 'repository/key'],
  ])('%s', (_, version, packages, sums, code) => {
    expect(problem(resolve(wish(version), packages, sums)).code).toBe(code);
  });
  it.each(['1.35', '1.36.1', '1.38'])('is barred from 1.36.2 to %s', (version) => {
    const found = problem(resolve(wish(version), available, keys, { ...older, kubernetes: '1.36.2' }));
    expect(found).toMatchObject({ code: 'version/skew', exit: 5 });
  });
  describe('containerd', () => {
    const docker = 'd'.repeat(64);
    const on: Cluster = { ...wish('1.36'), runtime: 'containerd' };
    const versions = [
      '1.7.29-1~debian.12~bookworm',
      '2.3.10-1~debian.12~bookworm',
      '2.3.9-2~debian.12~bookworm',
      '2.4.0-1~debian.12~bookworm',
      '2.3.11~rc.0-1~debian.12~bookworm',
    ];
    const { 'cri-o': _, ...own } = newest.packages;

    it('is the newest of its series, whatever distribution it is for, and CRI-O is not asked for', () =>
      expect(
        resolve(
          on,
          { ...available, 'cri-o': [], 'containerd.io': versions },
          { kubernetes: keys.kubernetes, docker },
        ),
      ).toEqual({
        ...newest,
        packages: { ...own, 'containerd.io': '2.3.10-1' },
        keys: { kubernetes: keys.kubernetes, docker },
      }));
    it('is chosen beside what a lock holds, which stays as it is', () => {
      const mixed: Cluster = {
        ...on,
        nodes: [
          ...on.nodes,
          { name: 'w', role: 'worker', address: '10.0.0.21', workloads: true, runtime: 'cri-o' },
        ],
      };
      const fetched = { kubernetes: 'e'.repeat(64), crio: 'f'.repeat(64), docker };
      expect(resolve(mixed, { 'containerd.io': versions }, fetched, older)).toEqual({
        ...older,
        packages: { ...older.packages, 'containerd.io': '2.3.10-1' },
        keys: { ...keys, docker },
      });
    });
    it.each([
      [
        'only of another series',
        { ...available, 'containerd.io': ['1.7.29-1~debian.12~bookworm'] },
        docker,
        'version/not-available',
      ],
      ['not there', available, docker, 'version/not-available'],
      ['without a key', { ...available, 'containerd.io': versions }, '', 'repository/key'],
    ])('%s', (_how, packages, sum, code) =>
      expect(problem(resolve(on, packages, { ...keys, docker: sum })).code).toBe(code),
    );
  });
  it('gives a lock that is kept from then on, or a reason', () => {
    const version = fc
      .tuple(fc.integer({ min: 35, max: 37 }), fc.nat(3), fc.nat(2))
      .map(([a, b, c]) => `1.${a}.${b}-${c}.1`);
    const versions = fc.array(version, { maxLength: 6 });
    const packages = fc.record({
      kubeadm: versions,
      kubelet: versions,
      kubectl: versions,
      'cri-tools': versions,
      'kubernetes-cni': versions,
      'cri-o': versions,
    });
    fc.assert(
      fc.property(packages, fc.constantFrom('1.35', '1.36', '1.37', '1.36.1'), (all, text) => {
        const found = resolve(wish(text), all, keys);
        const again = found instanceof Problem ? found : resolve(wish(text), all, keys, found);
        expect(again).toEqual(found);
        const exists =
          found instanceof Problem ||
          Object.entries(found.packages).every(([name, one]) => all[name as keyof typeof all].includes(one));
        expect(
          exists && (found instanceof Problem ? found.try !== undefined : found.kubernetes.startsWith(text)),
        ).toBe(true);
      }),
    );
  });
});
