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
import type { Contents } from './contents.ts';
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
    const layers = [
      await layer(tar([{ path: 'pause', type: 'file', mode: 0o755, data: Buffer.from('same') }], 0)),
    ];
    await putImage(out, { name, layers, config: { Entrypoint: ['/pause'] }, from: `made as ${id}` });
  });

const contents: Contents = {
  releases: [{ kubernetes: '1.36.3', crio: '1.36.1', etcd: '3.6.8', coredns: '1.14.3', criTools: '1.36.0' }],
  suite: 'bookworm',
  debian: recipe('debian-bookworm', async ({ out, scratch }) => {
    const pool = join(out, 'pool/main/c/chrony');
    const files = { '/usr/sbin/chronyd': { text: '' } };
    const rest = { section: 'net', description: 'time', homepage: 'https://chrony.invalid' };
    await buildDeb({ ...rest, name: 'chrony', version: '4.3', files }, join(scratch, 't'), pool);
    const filename = 'pool/main/c/chrony/chrony_4.3_amd64.deb';
    writeFileSync(
      join(out, 'Packages'),
      packagesIndex([{ Package: 'chrony', Version: '4.3', Filename: filename }]),
    );
  }),
  kubernetes: [deb('kubelet', '1.36.3-1.1')],
  crio: [deb('cri-o', '1.36.1-1.1')],
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
    const { debian, kubernetes, crio, images, flannel } = contents;
    await makeAll(where, [debian, ...kubernetes, ...crio, ...images, flannel], 2, () => undefined);
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
    expect(read('www/deb.debian.org/debian/dists/bookworm/InRelease')).toContain('Codename: bookworm');
    expect(
      existsSync(join(folder, 'www/deb.debian.org/debian/pool/main/c/chrony/chrony_4.3_amd64.deb')),
    ).toBe(true);
    expect(
      read('www/security.debian.org/debian-security/dists/bookworm-security/main/binary-amd64/Packages'),
    ).toBe('');
    expect(read('www/dl.k8s.io/release/stable-1.36.txt')).toBe('v1.36.3');
    expect(read('www/github.com/flannel-io/flannel/releases/download/v0.28.10/kube-flannel.yml')).toContain(
      'DaemonSet',
    );
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
