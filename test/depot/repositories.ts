import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { indexFiles, parseStanzas, releaseFile, type Stanza, stanzaOf } from './apt.ts';
import { epoch } from './deb.ts';
import { debianIndex } from './debian.ts';
import { execText } from './exec.ts';
import { put, writeAll } from './put.ts';
import type { Signer } from './sign.ts';

/** Gives the minor of a version as repositories are named by it: `v1.36`. */
export const minorOf = (version: string): string => `v${version.split('.').slice(0, 2).join('.')}`;

async function signedRelease(
  fields: Readonly<Record<string, string>>,
  files: Readonly<Record<string, Buffer>>,
  sign: Signer,
): Promise<Readonly<Record<string, string>>> {
  const Release = releaseFile(fields, files, epoch);
  return { Release, InRelease: await sign.clearsign(Release), 'Release.gpg': await sign.detached(Release) };
}

/** Lays a repository without suites, as the openSUSE build service does. Gives package → version. */
export async function flatRepository(
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

/** Lays a release into Docker's repository of a distribution, with its key beside the releases. Gives package → version. */
export async function dockerRepository(
  debs: string,
  folder: string,
  codename: string,
  sign: Signer,
): Promise<Readonly<Record<string, string>>> {
  const dist = join(folder, 'dists', codename);
  const stanzas: Stanza[] = [];
  for (const name of (await readdir(debs)).sort()) {
    const file = join(debs, name);
    const [control = {}] = parseStanzas(await execText(['dpkg-deb', '-f', file]));
    stanzas.push(stanzaOf(control, `dists/${codename}/pool/stable/amd64/${name}`, await readFile(file)));
    await put(file, join(dist, 'pool/stable/amd64', name));
  }
  const fields = {
    Origin: 'Docker',
    Label: 'Docker CE',
    Suite: codename,
    Codename: codename,
    Architectures: 'amd64',
    Components: 'stable',
  };
  const files = indexFiles('stable/binary-amd64/', stanzas);
  await writeAll(dist, { ...files, ...(await signedRelease(fields, files, sign)) });
  await writeAll(folder, { gpg: sign.publicKey });
  return Object.fromEntries(
    stanzas.map((stanza) => [stanza['Package'] as string, stanza['Version'] as string]),
  );
}

/**
 * Lays a release into a Debian archive, out of folders that may have packages in common, and, empty, the suites with its
 * later changes. Gives how many packages.
 */
export async function debianRepository(
  from: readonly string[],
  host: string,
  suite: string,
  sign: Signer,
): Promise<number> {
  const archive = join(host, 'debian');
  const byFile = new Map<string, Stanza>();
  for (const folder of from)
    for (const stanza of await debianIndex(folder)) {
      const file = stanza['Filename'] as string;
      if (!byFile.has(file)) await put(join(folder, file), join(archive, file));
      byFile.set(file, stanza);
    }
  const stanzas = [...byFile.values()];
  const files = indexFiles('main/binary-amd64/', stanzas);
  const release = await signedRelease(debianFields(suite), files, sign);
  await writeAll(join(archive, 'dists', suite), { ...files, ...release });
  await emptySuites(archive, [`${suite}-updates`], sign, '');
  await emptySuites(host, [`${suite}-security`], sign);
  return stanzas.length;
}

/** Lays suites without packages, signed. */
export async function emptySuites(
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
export async function versionFiles(folder: string, versions: readonly string[]): Promise<void> {
  const [newest = ''] = [...versions].sort().reverse();
  const minors = versions.map((version) => [`stable-${minorOf(version).slice(1)}.txt`, `v${version}`]);
  await writeAll(folder, {
    'stable.txt': `v${newest}`,
    'stable-1.txt': `v${newest}`,
    ...Object.fromEntries(minors),
  });
}
