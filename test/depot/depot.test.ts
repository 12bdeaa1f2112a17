import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagesIndex, parseStanzas } from './apt.ts';
import { folderOf } from './artefacts.ts';
import { type Contents, partsOf } from './contents.ts';
import { buildDeb } from './deb.ts';
import { assemble, findDepot } from './depot.ts';
import { putImage } from './image.ts';
import { layer } from './oci.ts';
import { type Place, place } from './place.ts';
import type { Recipe } from './recipe.ts';
import { makeAll } from './schedule.ts';
import { tar } from './tar.ts';

const recipe = (id: string, build: Recipe['build']): Recipe => ({
  id,
  title: id,
  inputs: {},
  needs: [],
  seconds: 1,
  tools: [],
  build,
});

const deb = (name: string, version: string): Recipe =>
  recipe(`packages-${name}`, ({ out, scratch }) => {
    const rest = { section: 'admin', description: name, homepage: 'https://kubernetes.io' };
    return buildDeb(
      { ...rest, name, version, files: { [`/usr/bin/${name}`]: { text: name } } },
      join(scratch, 't'),
      out,
    );
  });

const image = (id: string, name: string): Recipe =>
  recipe(id, async ({ out }) => {
    const layers = [layer(tar([{ path: 'pause', type: 'file', mode: 0o755, data: Buffer.from('same') }], 0))];
    await putImage(out, { name, layers, config: { Entrypoint: ['/pause'] }, from: `made as ${id}` });
  });

/** A part of a Debian release: packages of one version. */
const part = (id: string, ...names: readonly string[]): Recipe =>
  recipe(id, async ({ out, scratch }) => {
    const rest = { section: 'net', description: 'a program', homepage: 'https://debian.invalid' };
    for (const name of names)
      await buildDeb(
        { ...rest, name, version: '4.3', files: { [`/usr/sbin/${name}`]: { text: '' } } },
        join(scratch, name),
        join(out, 'pool/main', name),
      );
    const stanzas = names.map((name) => {
      const Filename = `pool/main/${name}/${name}_4.3_amd64.deb`;
      return { Package: name, Version: '4.3', Filename };
    });
    writeFileSync(join(out, 'Packages'), packagesIndex(stanzas));
  });

/** A package for each release Docker makes one for. */
const docker = (): Recipe =>
  recipe('packages-containerd', async ({ out, scratch }) => {
    const rest = { section: 'devel', description: 'containerd', homepage: 'https://containerd.io' };
    for (const [os, codename] of [
      ['debian', 'bookworm'],
      ['debian', 'trixie'],
      ['ubuntu', 'noble'],
    ] as const)
      await buildDeb(
        {
          ...rest,
          name: 'containerd.io',
          version: `2.3.5-1~${os}.1~${codename}`,
          instead: ['runc'],
          files: { '/usr/bin/containerd': { text: '' } },
        },
        join(scratch, codename),
        join(out, os, codename),
      );
  });

const contents: Contents = {
  releases: [{ kubernetes: '1.36.3', crio: '1.36.1', etcd: '3.6.8', coredns: '1.14.3', criTools: '1.36.0' }],
  suites: {
    bookworm: [part('debian-bookworm', 'chrony', 'libc6'), part('debian-bookworm-hosts', 'fio', 'libc6')],
    trixie: [part('debian-trixie', 'chrony')],
  },
  kubernetes: [deb('kubelet', '1.36.3-1.1')],
  crio: [deb('cri-o', '1.36.1-1.1')],
  containerd: [docker()],
  images: [image('a', 'registry.k8s.io/pause:3.10'), image('b', 'registry.k8s.io/pause:3.10.2')],
  flannel: recipe('flannel-0.28.10', async ({ out }) =>
    writeFileSync(join(out, 'kube-flannel.yml'), 'kind: DaemonSet\n'),
  ),
};

describe('a depot', { timeout: 120_000 }, () => {
  let cache = '';
  let where: Place;
  let folder = '';
  let before: unknown;
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  beforeAll(async () => {
    cache = mkdtempSync(join(tmpdir(), 'landfall-depot-'));
    where = place({ XDG_CACHE_HOME: cache });
    await makeAll(where, partsOf(contents), 2, () => undefined);
    before = await findDepot(where, contents);
    folder = await assemble(where, contents);
  }, 120_000);
  afterAll(() => rmSync(cache, { recursive: true, force: true }));

  it('is linked as the present one and found again', async () => {
    expect(before).toBeUndefined();
    expect(join(where.depots, readlinkSync(join(where.depots, 'current')))).toBe(folder);
    expect(await findDepot(where, contents)).toMatchObject({ folder });
    expect((await findDepot(where, contents))?.index.packages).toEqual({
      'pkgs.k8s.io/core:/stable:/v1.36/deb': { kubelet: '1.36.3-1.1' },
      'download.opensuse.org/repositories/isv:/cri-o:/stable:/v1.36/deb': { 'cri-o': '1.36.1-1.1' },
      'download.docker.com/linux/debian/dists/bookworm': { 'containerd.io': '2.3.5-1~debian.1~bookworm' },
      'download.docker.com/linux/debian/dists/trixie': { 'containerd.io': '2.3.5-1~debian.1~trixie' },
      'download.docker.com/linux/ubuntu/dists/noble': { 'containerd.io': '2.3.5-1~ubuntu.1~noble' },
    });
  });

  it('has upstream’s paths', () => {
    const core = 'www/pkgs.k8s.io/core:/stable:/v1.36/deb';
    const present = readdirSync(join(folder, core)).sort();
    expect(present).toEqual([
      'InRelease',
      'Packages',
      'Packages.gz',
      'Release',
      'Release.gpg',
      'Release.key',
      'amd64',
    ]);
    const [stanza] = parseStanzas(read(`${core}/Packages`));
    expect(existsSync(join(folder, core, stanza?.['Filename'] as string))).toBe(true);
    expect(read('www/dl.k8s.io/release/stable-1.36.txt')).toBe('v1.36.3');
    expect(read('www/github.com/flannel-io/flannel/releases/download/v0.28.10/kube-flannel.yml')).toContain(
      'DaemonSet',
    );
  });

  it('has each Debian release by itself, every package of its parts once, and its later suites', async () => {
    const archive = 'www/deb.debian.org/debian';
    const packages = (suite: string): readonly (string | undefined)[] =>
      parseStanzas(read(`${archive}/dists/${suite}/main/binary-amd64/Packages`)).map((s) => s['Package']);
    expect(packages('bookworm')).toEqual(['chrony', 'fio', 'libc6']);
    expect(packages('trixie')).toEqual(['chrony']);
    expect((await findDepot(where, contents))?.index.debian).toEqual({ bookworm: 3, trixie: 1 });
    for (const suite of ['bookworm', 'trixie'])
      expect(read(`${archive}/dists/${suite}/InRelease`)).toContain(`Codename: ${suite}`);
    expect(existsSync(join(folder, `${archive}/pool/main/fio/fio_4.3_amd64.deb`))).toBe(true);
    const security = 'www/security.debian.org/debian-security/dists';
    expect(read(`${security}/trixie-security/main/binary-amd64/Packages`)).toBe('');
  });

  it('has Docker’s repository for each release, its key beside them, and each package only where it belongs', () => {
    const at = 'www/download.docker.com/linux/debian';
    const [stanza, ...others] = parseStanzas(read(`${at}/dists/trixie/stable/binary-amd64/Packages`));
    expect(others).toEqual([]);
    expect(stanza).toMatchObject({ Version: '2.3.5-1~debian.1~trixie', Conflicts: 'runc', Provides: 'runc' });
    expect(existsSync(join(folder, at, stanza?.['Filename'] as string))).toBe(true);
    expect(read(`${at}/dists/trixie/InRelease`)).toContain('Components: stable');
    expect(read(`${at}/gpg`)).toBe(read('landfall-lab.asc'));
  });

  it('merges images of one repository and says what is inside each', async () => {
    const index = (await findDepot(where, contents))?.index;
    expect(index?.inside).toEqual({
      'registry.k8s.io/pause:3.10': 'made as a',
      'registry.k8s.io/pause:3.10.2': 'made as b',
    });
    const digest = index?.images['registry.k8s.io/pause:3.10.2']?.replace('sha256:', '') as string;
    expect(existsSync(join(folder, 'registry/registry.k8s.io/pause/blobs/sha256', digest))).toBe(true);
    expect(JSON.parse(read('registry/registry.k8s.io/pause/index.json')).manifests).toHaveLength(2);
  });

  it('shares its files with the cache', () => {
    const [kubelet] = contents.kubernetes as [Recipe];
    const name = 'kubelet_1.36.3-1.1_amd64.deb';
    const own = statSync(join(folder, 'www/pkgs.k8s.io/core:/stable:/v1.36/deb/amd64', name));
    expect(own.ino).toBe(statSync(join(folderOf(where, kubelet), 'files', name)).ino);
    expect(own.mode & 0o222).toBe(0);
  });

  it('comes out the same when it is put together again, also over an unfinished one', async () => {
    const release = read('www/pkgs.k8s.io/core:/stable:/v1.36/deb/InRelease');
    rmSync(join(folder, 'depot.json'));
    mkdirSync(join(folder, 'left-over'));
    expect(await findDepot(where, contents)).toBeUndefined();
    expect(await assemble(where, contents)).toBe(folder);
    expect(read('www/pkgs.k8s.io/core:/stable:/v1.36/deb/InRelease')).toBe(release);
    expect(existsSync(join(folder, 'left-over'))).toBe(false);
  });

  it('is not taken for one with other contents, but for one with fewer', async () => {
    const other = {
      ...contents,
      crio: [deb('cri-o', '1.36.2-1.1')].map((r) => ({ ...r, id: 'packages-other' })),
    };
    expect(await findDepot(where, other)).toBeUndefined();
    expect(await findDepot(where, { ...contents, images: contents.images.slice(0, 1) })).toBeDefined();
  });
});
