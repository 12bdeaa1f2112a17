import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './answer.ts';
import { fileAnswer, findFile } from './files.ts';

/** A request of the OCI distribution API, read from its path. */
export type RegistryRequest =
  | { readonly is: 'ping' }
  | { readonly is: 'manifest'; readonly name: string; readonly reference: string }
  | { readonly is: 'blob'; readonly name: string; readonly digest: string }
  | { readonly is: 'tags'; readonly name: string };

const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^${PART}(?:/${PART})*$`);
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** Reads `/v2/…`; undefined when the path is no request of the API (a name or reference that cannot be one included). */
export function parseRegistryPath(pathname: string): RegistryRequest | undefined {
  if (pathname === '/v2/' || pathname === '/v2') return { is: 'ping' };
  const [, name = '', kind = '', reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(pathname) ?? [];
  if (!NAME.test(name)) return undefined;
  if (kind === 'tags') return reference === 'list' ? { is: 'tags', name } : undefined;
  if (kind === 'blobs') return DIGEST.test(reference) ? { is: 'blob', name, digest: reference } : undefined;
  return DIGEST.test(reference) || TAG.test(reference) ? { is: 'manifest', name, reference } : undefined;
}

/** The folder name of a registry's host: Docker's registry answers under another name than its images bear. */
export function registryFolder(host: string): string {
  return host === 'registry-1.docker.io' || host === 'index.docker.io' ? 'docker.io' : host;
}

/** The API's own form of an error (OCI distribution specification, error codes). */
export function registryError(
  status: number,
  code: string,
  message: string,
  from: Answer['from'] = 'depot',
): Answer {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
  return {
    status,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length), ...API },
    body,
    from,
  };
}

const API = { 'docker-distribution-api-version': 'registry/2.0' } as const;

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Answers from the OCI image layout of a repository: `ROOT/NAME/{index.json,blobs/sha256/HEX}`, `root` being the folder of
 * one registry. Undefined when the layout has not got what is asked for.
 */
export async function registryAnswer(
  root: string,
  request: Exclude<RegistryRequest, { is: 'ping' }>,
  headers: IncomingHttpHeaders,
): Promise<Answer | undefined> {
  const layout = request.name.split('/');
  const blob = (digest: string) =>
    findFile(root, [...layout, 'blobs', 'sha256', digest.slice('sha256:'.length)]);
  const tagged = async (): Promise<readonly Descriptor[]> => {
    const file = await findFile(root, [...layout, 'index.json']);
    if (file === undefined) return [];
    return (
      (JSON.parse(await readFile(file, 'utf8')) as { manifests?: readonly Descriptor[] }).manifests ?? []
    );
  };
  const tagOf = (one: Descriptor) => one.annotations?.['org.opencontainers.image.ref.name'];
  if (request.is === 'tags') {
    const manifests = await tagged();
    if (manifests.length === 0) return undefined;
    const tags = manifests.flatMap((one) => tagOf(one) ?? []).sort();
    const body = Buffer.from(JSON.stringify({ name: request.name, tags }));
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...length(body), ...API },
      body,
      from: 'depot',
    };
  }
  const digest =
    request.is === 'blob'
      ? request.digest
      : DIGEST.test(request.reference)
        ? request.reference
        : (await tagged()).find((one) => tagOf(one) === request.reference)?.digest;
  const file = digest === undefined ? undefined : await blob(digest);
  if (digest === undefined || file === undefined) return undefined;
  const own = { ...API, 'docker-content-digest': digest, etag: `"${digest}"` };
  if (request.is === 'blob')
    return fileAnswer(file, headers, { ...own, 'content-type': 'application/octet-stream' });
  const type = await manifestType(file, digest, tagged);
  return type === undefined ? undefined : fileAnswer(file, {}, { ...own, 'content-type': type });
}

const length = (body: Buffer) => ({ 'content-length': String(body.length) });

/** The media type a manifest states itself, else the one the index states; undefined when the blob is no manifest. */
async function manifestType(
  file: string,
  digest: string,
  tagged: () => Promise<readonly Descriptor[]>,
): Promise<string | undefined> {
  try {
    const manifest = JSON.parse(await readFile(file, 'utf8')) as {
      mediaType?: string;
      schemaVersion?: number;
    };
    if (manifest.schemaVersion !== 2) return undefined;
    return (
      manifest.mediaType ??
      (await tagged()).find((one) => one.digest === digest)?.mediaType ??
      'application/vnd.oci.image.manifest.v1+json'
    );
  } catch {
    return undefined;
  }
}

/** Says that the registry is there. */
export function pingAnswer(): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': '2', ...API },
    body: Buffer.from('{}'),
    from: 'depot',
  };
}
