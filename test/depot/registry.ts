import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesUnder } from './artefacts.ts';
import { type Descriptor, readIndex, tagOf, writeIndex } from './oci.ts';
import { put } from './put.ts';

/** Merges OCI layouts, repository by repository. Gives the digest of each image and what is inside. */
export async function mergeImages(
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
