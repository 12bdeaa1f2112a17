import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lock } from '../model/lock.ts';
import { Problem, Problems } from '../model/problem.ts';
import { lockText, writeLock } from './lock-text.ts';
import { parseLock, readLock } from './lock.ts';
import { asText } from './text.ts';

const lock: Lock = {
  kubernetes: '1.36.3',
  packages: {
    kubeadm: '1.36.3-1.1',
    kubelet: '1.36.3-1.1',
    kubectl: '1.36.3-1.1',
    'cri-tools': '1.36.0-1.1',
    'kubernetes-cni': '1.8.0-1.1',
    'cri-o': '1.36.1-2.1',
  },
  keys: { kubernetes: '1'.repeat(64), crio: `${'0'.repeat(61)}e12` },
  network: {
    plugin: 'calico',
    version: '3.32.1',
    encapsulation: 'cross-subnet',
    mtu: 1450,
    files: { 'https://example.org/b.yaml': '2'.repeat(64), 'https://example.org/a.yaml': '3'.repeat(64) },
    images: ['quay.io/calico/node:v3.32.1'],
  },
  images: {
    'registry.k8s.io/pause:3.10.2': `sha256:${'c'.repeat(64)}`,
    'ghcr.io/flannel-io/flannel:v0.28.10': `sha256:${'d'.repeat(64)}`,
  },
};

const toldOf = (text: string) => {
  try {
    parseLock(asText('landfall.lock', text));
    return [];
  } catch (error) {
    if (!(error instanceof Problems)) throw error;
    return error.problems.map(
      ({ code, exit, where, more }) =>
        `${code} ${exit} ${where?.line}:${where?.column} ${more !== undefined}`,
    );
  }
};

describe('the text of a lock', () => {
  it('is the same for the same lock, and reads back', () => {
    const images = Object.fromEntries(Object.entries(lock.images).toReversed());
    expect(lockText({ ...lock, images })).toBe(lockText(lock));
    expect(parseLock(asText('landfall.lock', lockText(lock))).lock).toEqual(lock);
  });
  it('has the runtimes that are in use, and no others', () => {
    const { 'cri-o': _, ...packages } = lock.packages;
    const one: Lock = {
      ...lock,
      packages: { ...packages, 'containerd.io': '2.3.5-1' },
      keys: { kubernetes: lock.keys.kubernetes, docker: '4'.repeat(64) },
    };
    expect(lockText(one)).not.toMatch(/cri-o|crio/);
    expect(parseLock(asText('landfall.lock', lockText(one))).lock).toEqual(one);
  });
  it('says what it is and that it belongs in git', () => {
    expect(lockText(lock).split('\n').slice(0, 6)).toMatchInlineSnapshot(`
      [
        "# What the words of cluster.yaml resolved to, written by landfall: package versions, the sums of the",
        "# repositories' signing keys, the network plugin, image digests. Keep it in git beside cluster.yaml: with it, the",
        "# same file makes the same cluster next year and on a colleague's machine. It is not for editing; git restores it.",
        "apiVersion: "landfall/v1"",
        "kind: "Lock"",
        "kubernetes: "1.36.3"",
      ]
    `);
  });
  it('keeps every sum a text, whatever number its digits look like', () => {
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(hex, hex, (kubernetes, crio) => {
        const one = { ...lock, keys: { kubernetes, crio } };
        expect(parseLock(asText('landfall.lock', lockText(one))).lock).toEqual(one);
      }),
    );
  });
});

describe('a lock that was touched', () => {
  const changed = (from: string | RegExp, to: string) => lockText(lock).replace(from, to);
  it.each([
    ['another format', changed('landfall/v1', 'landfall/v2'), ['file/format 2 4:13 true']],
    ['a cluster.yaml', changed('"Lock"', 'Cluster'), ['file/format 2 5:7 true']],
    ['a merge conflict', `<<<<<<< HEAD\n${lockText(lock)}`, ['yaml/conflict 2 1:1 true']],
    ['an empty file', '', ['file/empty 2 1:1 true']],
    [
      'one package of another version',
      changed(/kubelet: "1.36.3/, 'kubelet: "1.36.2'),
      ['lock/contradiction 2 9:12 true'],
    ],
    ['CRI-O of another minor', changed('1.36.1-2.1', '1.35.1-2.1'), ['lock/contradiction 2 13:10 true']],
    [
      'containerd of another series',
      changed(/ {2}cri-o: .*/, '  containerd.io: "1.7.29-1"'),
      ['lock/contradiction 2 13:18 true'],
    ],
    [
      'a package too many and one too few',
      changed('kubectl:', 'helm:'),
      ['config/missing 2 7:1 true', 'config/unknown-key 2 10:3 true'],
    ],
    ['a hostile version', changed('"1.36.0-1.1"', '"1.36.0-1.1; reboot"'), ['config/format 2 11:14 true']],
    ['a short sum', changed('1'.repeat(64), '1'.repeat(63)), ['config/format 2 15:15 true']],
    ['a hostile image', changed('ghcr.io/', '-oghcr.io/'), ['config/key 2 28:3 true']],
    ['no version', changed(/kubernetes: "1.36.3"\n/, ''), ['config/missing 2 4:1 true']],
  ])('%s', (_, text, expected) => expect(toldOf(text).toSorted()).toEqual(expected.toSorted()));

  it('may lack its keys: that asks for them anew', () => {
    const { lock: held } = parseLock(asText('landfall.lock', changed(/keys:\n.*\n.*\n/, '')));
    expect(held).not.toHaveProperty('keys');
    expect(held.packages).toEqual(lock.packages);
  });
});

describe('the file', () => {
  let folder: string;
  const file = () => join(folder, 'landfall.lock');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('may be absent', () => expect(readLock(file())).toBeUndefined());
  it('is written whole, once, and nothing is left beside it', () => {
    expect(writeLock(file(), lock)).toBe(true);
    expect(readLock(file())?.lock).toEqual(lock);
    expect(statSync(file()).mode & 0o777).toBe(0o644);
    const before = statSync(file()).ino;
    expect(writeLock(file(), lock)).toBe(false);
    expect(statSync(file()).ino).toBe(before);
    expect(writeLock(file(), { ...lock, images: {} })).toBe(true);
    expect(readdirSync(folder)).toEqual(['landfall.lock']);
  });
  it('is written through a link, which stays one', () => {
    mkdirSync(join(folder, 'shared'));
    writeFileSync(join(folder, 'shared', 'lock'), '');
    symlinkSync(join('shared', 'lock'), file());
    writeLock(file(), lock);
    expect(readFileSync(join(folder, 'shared', 'lock'), 'utf8')).toBe(lockText(lock));
    expect(readdirSync(folder).toSorted()).toEqual(['landfall.lock', 'shared']);
  });
  it('that cannot be written is a problem, and the old one stays', () => {
    mkdirSync(join(folder, 'landfall.lock'));
    expect(() => writeLock(file(), lock)).toThrow(Problem);
    expect(readdirSync(folder)).toEqual(['landfall.lock']);
    expect(() => writeLock(join(folder, 'none', 'landfall.lock'), lock)).toThrow(Problem);
  });
  it('that is a directory is not taken for an absent one', () => {
    mkdirSync(file());
    chmodSync(file(), 0o755);
    expect(() => readLock(file())).toThrow(Problem);
  });
});
