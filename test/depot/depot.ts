import {
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { indexFiles, parseStanzas, releaseFile, type Stanza, stanzaOf } from './apt.ts';
import { filesUnder, folderOf } from './artefacts.ts';
import { code } from './code.ts';
import { type Contents, partsOf } from './contents.ts';
import { debianIndex } from './debian.ts';
import { epoch } from './deb.ts';
import { execText } from './exec.ts';
import { type Descriptor, readIndex, tagOf, writeIndex } from './oci.ts';
import type { Place } from './place.ts';
import { keyOf, type Recipe, sha256 } from './recipe.ts';
import { type Signer, signer } from './sign.ts';

/** What `depot.json` says. It is written last: a folder that has it is complete. */
export interface DepotIndex {
  readonly format: 1;
  readonly debian: { readonly suite: string; readonly packages: number };
  /** File of the public key that signs all of the depot's apt repositories. */
  readonly signing: string;
  readonly kubernetes: readonly string[];
  readonly crio: readonly string[];
  /** Name with tag → digest of the manifest. */
  readonly images: Readonly<Record<string, string>>;
  /** Name with tag → what was really built for it. */
  readonly inside: Readonly<Record<string, string>>;
  /** Repository → package → version. */
  readonly packages: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Keys of the artefacts it was put together from, and of how. */
  readonly parts: readonly string[];
}

const layout = code('depot.ts', 'apt.ts', 'sign.ts');
const publicKeyFile = 'landfall-lab.asc';

/** Gives what must be in `parts` of a depot that has these contents, signed by this machine's key. */
async function wantedParts(place: Place, contents: Contents): Promise<readonly string[]> {
  const key = await readFile(place.key, 'utf8').catch(() => 'none');
  return [layout, sha256(key), ...partsOf(contents).map(keyOf)];
}

/** Gives the present depot when it has these contents, else undefined. */
export async function findDepot(
  place: Place,
  contents: Contents,
): Promise<{ readonly folder: string; readonly index: DepotIndex } | undefined> {
  const target = await readlink(join(place.depots, 'current')).catch(() => undefined);
  if (target === undefined) return undefined;
  const folder = join(place.depots, target);
  const text = await readFile(join(folder, 'depot.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const index = JSON.parse(text) as DepotIndex;
  const wanted = await wantedParts(place, contents);
  return wanted.every((part) => index.parts.includes(part)) ? { folder, index } : undefined;
}

/** Puts a depot together from finished artefacts and makes it the present one. Gives its folder. */
export async function assemble(place: Place, contents: Contents): Promise<string> {
  const sign = await signer(place);
  await mkdir(place.scratch, { recursive: true });
  await mkdir(place.depots, { recursive: true });
  const scratch = await mkdtemp(join(place.scratch, 'depot-'));
  try {
    const index = await lay(place, contents, scratch, sign);
    await writeFile(join(scratch, 'depot.json'), `${JSON.stringify(index, null, 1)}\n`);
    const name = sha256(JSON.stringify(index)).slice(0, 16);
    const folder = join(place.depots, name);
    await rm(folder, { recursive: true, force: true }); // only an incomplete or damaged one is made again
    await chmod(scratch, 0o755); // whoever serves it need not be us
    await rename(scratch, folder);
    await rm(join(place.depots, 'next'), { force: true });
    await symlink(name, join(place.depots, 'next'));
    await rename(join(place.depots, 'next'), join(place.depots, 'current'));
    return folder;
  } finally {
    await sign.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function lay(place: Place, contents: Contents, depot: string, sign: Signer): Promise<DepotIndex> {
  const files = (recipe: Recipe): string => join(folderOf(place, recipe), 'files');
  const www = join(depot, 'www');
  const packages: Record<string, Readonly<Record<string, string>>> = {};
  for (const [index, { kubernetes, crio }] of contents.releases.entries()) {
    const [core, cri] = [contents.kubernetes[index] as Recipe, contents.crio[index] as Recipe];
    const coreProject = `core:/stable:/${minorOf(kubernetes)}`;
    const criProject = `isv:/cri-o:/stable:/${minorOf(crio)}`;
    const coreAt = `pkgs.k8s.io/${coreProject}/deb`;
    const criAt = `download.opensuse.org/repositories/${criProject}/deb`;
    packages[coreAt] = await flatRepository(
      files(core),
      join(www, coreAt),
      `isv:/kubernetes:/${coreProject}`,
      sign,
    );
    packages[criAt] = await flatRepository(files(cri), join(www, criAt), criProject, sign);
  }
  const debian = await debianRepository(
    files(contents.debian),
    join(www, 'deb.debian.org'),
    contents.suite,
    sign,
  );
  await emptySuites(join(www, 'security.debian.org'), [`${contents.suite}-security`], sign);
  await versionFiles(
    join(www, 'dl.k8s.io/release'),
    contents.releases.map(({ kubernetes }) => kubernetes),
  );
  const flannel = contents.flannel.id.replace('flannel-', 'v');
  const manifest = `github.com/flannel-io/flannel/releases/download/${flannel}/kube-flannel.yml`;
  await put(join(files(contents.flannel), 'kube-flannel.yml'), join(www, manifest));
  const images = await mergeImages(contents.images.map(files), join(depot, 'registry'));
  await writeFile(join(depot, publicKeyFile), sign.publicKey);
  return {
    format: 1,
    debian: { suite: contents.suite, packages: debian },
    signing: publicKeyFile,
    kubernetes: contents.releases.map(({ kubernetes }) => kubernetes),
    crio: contents.releases.map(({ crio }) => crio),
    ...images,
    packages,
    parts: await wantedParts(place, contents),
  };
}

/** Gives the minor of a version as repositories are named by it: `v1.36`. */
const minorOf = (version: string): string => `v${version.split('.').slice(0, 2).join('.')}`;

/** Links a file into the depot; where it cannot be linked it is copied. */
async function put(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    if (error.code === 'EXDEV' || error.code === 'EMLINK' || error.code === 'EPERM')
      return copyFile(from, to);
    throw error;
  });
}

async function writeAll(folder: string, files: Readonly<Record<string, Buffer | string>>): Promise<void> {
  for (const [path, data] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), data);
  }
}

async function signedRelease(
  fields: Readonly<Record<string, string>>,
  files: Readonly<Record<string, Buffer>>,
  sign: Signer,
): Promise<Readonly<Record<string, string>>> {
  const Release = releaseFile(fields, files, epoch);
  return { Release, InRelease: await sign.clearsign(Release), 'Release.gpg': await sign.detached(Release) };
}

/** Lays a repository without suites, as the openSUSE build service does. Gives package → version. */
async function flatRepository(
  debs: string,
  folder: string,
  project: string,
  sign: Signer,
): Promise<Readonly<Record<string, string>>> {
  const stanzas: Stanza[] = [];
  for (const name of (await readdir(debs)).sort()) {
    const file = join(debs, name);
    const [control = {}] = parseStanzas(await execText(['dpkg-deb', '-f', file]));
    stanzas.push(stanzaOf(control, `amd64/${name}`, await readFile(file)));
    await put(file, join(folder, 'amd64', name));
  }
  const label = project.replaceAll(':/', ':');
  const fields = { Origin: `obs://build.opensuse.org/${label}/deb`, Label: label, Architectures: 'amd64' };
  const files = indexFiles('', stanzas);
  await writeAll(folder, {
    ...files,
    ...(await signedRelease(fields, files, sign)),
    'Release.key': sign.publicKey,
  });
  return Object.fromEntries(
    stanzas.map((stanza) => [stanza['Package'] as string, stanza['Version'] as string]),
  );
}

/** Lays a Debian archive with its packages and, empty, the suites with later changes. Gives how many packages. */
async function debianRepository(from: string, host: string, suite: string, sign: Signer): Promise<number> {
  const archive = join(host, 'debian');
  const stanzas = await debianIndex(from);
  for (const path of await filesUnder(join(from, 'pool')))
    await put(join(from, 'pool', path), join(archive, 'pool', path));
  const files = indexFiles('main/binary-amd64/', stanzas);
  const release = await signedRelease(debianFields(suite), files, sign);
  await writeAll(join(archive, 'dists', suite), { ...files, ...release });
  await emptySuites(archive, [`${suite}-updates`], sign, '');
  await emptySuites(host, [`${suite}-security`], sign);
  return stanzas.length;
}

async function emptySuites(
  host: string,
  suites: readonly string[],
  sign: Signer,
  at = 'debian-security',
): Promise<void> {
  for (const suite of suites) {
    const files = indexFiles('main/binary-amd64/', []);
    const release = await signedRelease(debianFields(suite), files, sign);
    await writeAll(join(host, at, 'dists', suite), { ...files, ...release });
  }
}

function debianFields(suite: string): Readonly<Record<string, string>> {
  const Label = suite.endsWith('-security') ? 'Debian-Security' : 'Debian';
  return {
    Origin: 'Debian',
    Label,
    Suite: suite,
    Codename: suite,
    Architectures: 'amd64',
    Components: 'main',
  };
}

/** Lays the files by which kubeadm and others ask which version is the newest. */
async function versionFiles(folder: string, versions: readonly string[]): Promise<void> {
  const [newest = ''] = [...versions].sort().reverse();
  const minors = versions.map((version) => [`stable-${minorOf(version).slice(1)}.txt`, `v${version}`]);
  await writeAll(folder, {
    'stable.txt': `v${newest}`,
    'stable-1.txt': `v${newest}`,
    ...Object.fromEntries(minors),
  });
}

/** Merges OCI layouts, repository by repository. Gives the digest of each image and what is inside. */
async function mergeImages(
  from: readonly string[],
  registry: string,
): Promise<{ images: Record<string, string>; inside: Record<string, string> }> {
  const images: Record<string, string> = {};
  const inside: Record<string, string> = {};
  const merged = new Map<string, Descriptor[]>();
  for (const root of from)
    for (const path of await filesUnder(root)) {
      if (path.includes('/blobs/')) await put(join(root, path), join(registry, path));
      if (!path.endsWith('/index.json')) continue;
      const repository = dirname(path);
      merged.set(repository, [
        ...(merged.get(repository) ?? []),
        ...(await readIndex(join(root, repository))),
      ]);
    }
  for (const [repository, descriptors] of merged) {
    const folder = join(registry, repository);
    await writeIndex(folder, descriptors);
    const read = async (digest: string): Promise<string> =>
      readFile(join(folder, 'blobs/sha256', digest.replace('sha256:', '')), 'utf8');
    for (const descriptor of descriptors) {
      const name = `${repository}:${tagOf(descriptor)}`;
      images[name] = descriptor.digest;
      const config = JSON.parse(await read(JSON.parse(await read(descriptor.digest)).config.digest));
      inside[name] = config.config.Labels['landfall.depot.built-from'];
    }
  }
  return { images, inside };
}
