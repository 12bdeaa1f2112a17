import { chmod, mkdir, mkdtemp, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderOf } from './artefacts.ts';
import { code } from './code.ts';
import { dockerReleases } from './containerdPackage.ts';
import { type Contents, partsOf } from './contents.ts';
import type { Place } from './place.ts';
import { put } from './put.ts';
import { keyOf, type Recipe, sha256 } from './recipe.ts';
import { mergeImages } from './registry.ts';
import {
  debianRepository,
  dockerRepository,
  emptySuites,
  flatRepository,
  minorOf,
  versionFiles,
} from './repositories.ts';
import { type Signer, signer } from './sign.ts';

/** What `depot.json` says. It is written last: a folder that has it is complete. */
export interface DepotIndex {
  readonly format: 1;
  /** Code name of a Debian release → how many packages of it there are. */
  readonly debian: Readonly<Record<string, number>>;
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

const layout = code('depot.ts', 'repositories.ts', 'registry.ts', 'apt.ts', 'sign.ts');
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
  for (const recipe of contents.containerd)
    for (const [os, releases] of Object.entries(dockerReleases))
      for (const codename of Object.keys(releases))
        packages[`download.docker.com/linux/${os}/dists/${codename}`] = await dockerRepository(
          join(files(recipe), os, codename),
          join(www, 'download.docker.com/linux', os),
          codename,
          sign,
        );
  const debian: Record<string, number> = {};
  for (const [suite, parts] of Object.entries(contents.suites)) {
    debian[suite] = await debianRepository(parts.map(files), join(www, 'deb.debian.org'), suite, sign);
    await emptySuites(join(www, 'security.debian.org'), [`${suite}-security`], sign);
  }
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
    debian,
    signing: publicKeyFile,
    kubernetes: contents.releases.map(({ kubernetes }) => kubernetes),
    crio: contents.releases.map(({ crio }) => crio),
    ...images,
    packages,
    parts: await wantedParts(place, contents),
  };
}
