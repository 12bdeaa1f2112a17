import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../../files/folder.ts';
import { contentKey } from '../content-key.ts';
import { type Answer, textAnswer } from './answer.ts';
import { fileAnswer } from './files.ts';

/** How upstream is reached. */
export interface Upstream {
  /** In place of `https://HOST`: a stand-in whose paths begin with the host, `BASE/HOST/PATH`. For tests. */
  readonly base?: string;
  /** Folder that keeps what can never change: layers by digest, packages by version. */
  readonly cache?: string;
}

const ASK = [
  'accept',
  'authorization',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'range',
  'user-agent',
] as const;
const TELL = [
  'accept-ranges',
  'content-length',
  'content-range',
  'content-type',
  'docker-content-digest',
  'docker-distribution-api-version',
  'etag',
  'last-modified',
  'www-authenticate',
] as const;

/** One request to pass on. `path` begins with a slash and may have a query. */
export interface UpstreamRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Passes a request on to the real host it was meant for. Redirects are followed here, as hosts could not follow them.
 * Where a registry wants a token and the client sent none, an anonymous one is fetched. What cannot change is kept.
 * A host that cannot be reached is answered 502 with the reason.
 */
export async function passThrough(upstream: Upstream, request: UpstreamRequest): Promise<Answer> {
  const kept = keepAs(upstream, request);
  if (kept !== undefined && existsSync(kept)) return fileAnswer(kept, request.headers, {}, 'cache');
  const url =
    (upstream.base === undefined ? `https://${request.host}` : `${upstream.base}/${request.host}`) +
    request.path;
  try {
    let response = await ask(url, request);
    if (response.status === 401 && request.headers.authorization === undefined) {
      const token = await anonymousToken(upstream, response.headers.get('www-authenticate'));
      if (token !== undefined) {
        await response.body?.cancel();
        response = await ask(url, request, `Bearer ${token}`);
      }
    }
    const headers: Record<string, string> = {};
    for (const name of TELL) {
      const value = response.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    if (response.body === null) return { status: response.status, headers, from: 'upstream' };
    const body = Readable.fromWeb(response.body);
    const keep = kept !== undefined && response.status === 200 && request.method === 'GET';
    return {
      status: response.status,
      headers,
      body: keep ? keeping(body, kept, request.path) : body,
      from: 'upstream',
    };
  } catch (error) {
    return textAnswer(502, `${request.host} cannot be reached: ${reason(error)}`, 'upstream');
  }
}

function ask(url: string, request: UpstreamRequest, authorization?: string): Promise<Response> {
  // As it is, not decoded on the way: checksums are of what upstream stores.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  for (const name of ASK) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = String(value);
  }
  if (authorization !== undefined) headers.authorization = authorization;
  return fetch(url, { method: request.method, headers, redirect: 'follow' });
}

/** Reads `Bearer realm="…",service="…",scope="…"`; undefined for any other challenge. */
export function parseChallenge(
  header: string | null,
): { readonly realm: string; readonly query: URLSearchParams } | undefined {
  if (header === null || !/^bearer /i.test(header)) return undefined;
  const fields = new Map(
    [...header.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? '', match[2] ?? '']),
  );
  const realm = fields.get('realm');
  if (realm === undefined || !URL.canParse(realm)) return undefined;
  const query = new URLSearchParams();
  for (const name of ['service', 'scope']) {
    const value = fields.get(name);
    if (value !== undefined) query.set(name, value);
  }
  return { realm, query };
}

async function anonymousToken(upstream: Upstream, header: string | null): Promise<string | undefined> {
  const challenge = parseChallenge(header);
  if (challenge === undefined) return undefined;
  const { host, pathname } = new URL(challenge.realm);
  const realm = upstream.base === undefined ? challenge.realm : `${upstream.base}/${host}${pathname}`;
  const response = await fetch(`${realm}?${challenge.query}`);
  if (!response.ok) return undefined;
  const told = (await response.json()) as { token?: string; access_token?: string };
  return told.token ?? told.access_token;
}

/** The cache's file for an answer that can never change, for a request that asks for the whole of it or a part. */
function keepAs(upstream: Upstream, { host, path }: UpstreamRequest): string | undefined {
  if (upstream.cache === undefined) return undefined;
  const digest = /\/blobs\/sha256:([a-f0-9]{64})$/.exec(path)?.[1];
  if (digest !== undefined) return join(upstream.cache, 'sha256', digest);
  return path.endsWith('.deb') ? join(upstream.cache, 'deb', contentKey(host, path)) : undefined;
}

/** Passes a body on and writes it to a file beside; the file appears only when all of it came and, for a layer, is what its digest says. */
function keeping(body: Readable, file: string, path: string): Readable {
  const digest = /sha256:([a-f0-9]{64})$/.exec(path)?.[1];
  const hash = createHash('sha256');
  const part = `${file}.${process.pid}.${crypto.randomUUID().slice(0, 8)}`;
  const out = new PassThrough();
  const store = async () => {
    makeFolder(dirname(file));
    const disk = createWriteStream(part);
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          if (!out.write(chunk))
            await new Promise((resolve) => out.once('drain', resolve).once('close', resolve));
          yield chunk;
        }
      },
      disk,
    );
    if (digest === undefined || hash.digest('hex') === digest) await rename(part, file);
    else await rm(part);
    out.end();
  };
  void store()
    .catch((error: Error) => out.destroy(error))
    .then(() => rm(part, { force: true }));
  return out;
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * Can upstream's repositories be reached from this machine? Asks for the key of the Kubernetes packages and for the
 * registry's greeting, at most `limit` milliseconds long; true when both answer.
 */
export async function upstreamReachable(limit: number, upstream: Upstream = {}): Promise<boolean> {
  const base = (host: string) =>
    upstream.base === undefined ? `https://${host}` : `${upstream.base}/${host}`;
  const asked = [
    `${base('pkgs.k8s.io')}/core:/stable:/v1.36/deb/Release.key`,
    `${base('registry.k8s.io')}/v2/`,
  ];
  const answers = await Promise.all(
    asked.map((url) =>
      fetch(url, { signal: AbortSignal.timeout(limit) }).then(
        async (response) => {
          await response.body?.cancel();
          return response.ok || response.status === 401;
        },
        () => false,
      ),
    ),
  );
  return answers.every(Boolean);
}
