import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from './recipe.ts';

/** What an image does when it is run, as the OCI image specification names it. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly StopSignal?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** An entry of an image layout's `index.json`. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A layer: a tar archive and its digest. */
export interface Layer {
  readonly diffId: string;
  readonly archive: Buffer;
}

const refName = 'org.opencontainers.image.ref.name';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Makes a layer of a tar archive, which stays as it is: it travels inside one machine, and each host would unpack it anew. */
export function layer(archive: Buffer): Layer {
  return { diffId: `sha256:${sha256(archive)}`, archive };
}

/**
 * Adds an image to an OCI image layout, making the layout if need be.
 *
 * @param folder the layout of one repository, e.g. `registry.k8s.io/pause`
 * @returns the digest of the image's manifest
 */
export async function addImage(
  folder: string,
  tag: string,
  layers: readonly Layer[],
  config: ImageConfig,
  created: string,
): Promise<string> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const blob = async (mediaType: string, data: Buffer): Promise<Descriptor> => {
    const hash = sha256(data);
    await writeFile(join(folder, 'blobs/sha256', hash), data);
    return { mediaType, digest: `sha256:${hash}`, size: data.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const platform = { architecture: 'amd64', os: 'linux' };
  const packed: Descriptor[] = [];
  for (const { archive } of layers)
    packed.push(await blob('application/vnd.oci.image.layer.v1.tar', archive));
  const described = await blob(
    'application/vnd.oci.image.config.v1+json',
    json({
      created,
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created, created_by: 'test/depot' })),
    }),
  );
  const manifest = await blob(
    manifestType,
    json({ schemaVersion: 2, mediaType: manifestType, config: described, layers: packed }),
  );
  await writeIndex(folder, [
    ...(await readIndex(folder)).filter((entry) => entry.annotations?.[refName] !== tag),
    { ...manifest, platform, annotations: { [refName]: tag } },
  ]);
  return manifest.digest;
}

/** Gives the images of a layout; none when there is no layout. */
export async function readIndex(folder: string): Promise<readonly Descriptor[]> {
  const text = await readFile(join(folder, 'index.json'), 'utf8').catch(() => undefined);
  return text === undefined ? [] : (JSON.parse(text).manifests as readonly Descriptor[]);
}

/** Writes a layout's `index.json` and its marker file. */
export async function writeIndex(folder: string, manifests: readonly Descriptor[]): Promise<void> {
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'oci-layout'), `${JSON.stringify({ imageLayoutVersion: '1.0.0' })}\n`);
  await writeFile(join(folder, 'index.json'), `${JSON.stringify(index, null, 1)}\n`);
}

/** Gives the tag an image of a layout goes by. */
export function tagOf(entry: Descriptor): string {
  return entry.annotations?.[refName] ?? '';
}
