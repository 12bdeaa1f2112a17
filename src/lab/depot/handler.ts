import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Answer, send, textAnswer } from './answer.ts';
import { corrupted, type DepotFaults, faultOf, tampered, withBody } from './faults.ts';
import { fileAnswer, findFile, pathSegments } from './files.ts';
import {
  parseRegistryPath,
  pingAnswer,
  type RegistryRequest,
  registryAnswer,
  registryError,
  registryFolder,
} from './registry.ts';
import { passThrough, type Upstream } from './upstream.ts';

/** What a depot serves. */
export interface Depot {
  /** The folder: `www/HOST/PATH`, `registry/HOST/NAME/`. */
  readonly folder: string;
  /** How to pass on what the folder lacks; absent: it is not found. */
  readonly upstream?: Upstream;
  readonly faults: () => DepotFaults;
  /** Takes one line for each request. */
  readonly log: (line: string) => void;
}

/** Hosts that are registries even when the folder has nothing of theirs. */
const REGISTRIES: ReadonlySet<string> = new Set([
  'registry.k8s.io',
  'docker.io',
  'registry-1.docker.io',
  'index.docker.io',
  'ghcr.io',
  'quay.io',
]);

/** The listener that answers for every host name the depot stands in for, over http and https alike. */
export function depotHandler(depot: Depot): RequestListener {
  return (request, response) => {
    const start = performance.now();
    const host = hostOf(request);
    const answered = answerRequest(depot, request, host).then(async (answer) => {
      const bytes = await send(request, response, answer);
      return `${answer.status} ${bytes} ${answer.from}`;
    });
    void answered
      .catch((error: Error) => {
        response.destroy();
        return `broken (${error.message})`;
      })
      .then((end) => {
        const from = request.socket.remoteAddress ?? '-';
        const ms = Math.round(performance.now() - start);
        depot.log(
          `${new Date().toISOString()} ${from} ${request.method} ${host}${request.url} ${end} ${ms} ms`,
        );
      });
  };
}

const hostOf = (request: IncomingMessage): string =>
  (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();

async function answerRequest(depot: Depot, request: IncomingMessage, host: string): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'a depot is only read');
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(host)) return textAnswer(400, 'no host');
  const path = request.url ?? '/';
  const pathname = path.replace(/[?#].*$/s, '');
  const segments = pathSegments(pathname);
  if (segments === undefined) return textAnswer(400, 'not a path');
  const folder = registryFolder(host);
  const asked =
    REGISTRIES.has(host) || existsSync(join(depot.folder, 'registry', folder))
      ? parseRegistryPath(pathname)
      : undefined;
  const things = [[host, ...segments].join('/'), ...thingsOf(folder, asked)];
  const fault = faultOf(depot.faults(), things);
  if (fault === 'unavailable') return textAnswer(503, 'a fault of the lab: unavailable', 'fault');
  if (fault === 'missing')
    return asked === undefined
      ? textAnswer(404, 'a fault of the lab: missing', 'fault')
      : registryError(404, 'MANIFEST_UNKNOWN', 'a fault of the lab: missing', 'fault');
  // A part of a file would hide the fault, and "not modified" would too.
  const headers = fault === undefined ? request.headers : withoutConditions(request.headers);
  const found = await look(depot, host, path, segments, asked, request.method, headers);
  if (fault === undefined || found.status !== 200) return found;
  const body = await bodyOf(found);
  return withBody(found, fault === 'unsigned' ? tampered(body) : corrupted(body));
}

/** How faults may name what a registry request asks for. */
function thingsOf(folder: string, asked: RegistryRequest | undefined): readonly string[] {
  if (asked?.is === 'blob') return [`${folder}/${asked.name}@${asked.digest}`];
  if (asked?.is !== 'manifest') return [];
  return [`${folder}/${asked.name}${asked.reference.includes(':') ? '@' : ':'}${asked.reference}`];
}

async function look(
  depot: Depot,
  host: string,
  path: string,
  segments: readonly string[],
  asked: RegistryRequest | undefined,
  method: string,
  headers: IncomingMessage['headers'],
): Promise<Answer> {
  const local = await fromFolder(depot.folder, host, segments, asked, headers);
  if (local !== undefined) return local;
  if (depot.upstream !== undefined) return passThrough(depot.upstream, { method, host, path, headers });
  const why = 'not in the depot, and this lab passes nothing through to upstream';
  if (asked === undefined) return textAnswer(404, why);
  return asked.is === 'ping'
    ? pingAnswer()
    : registryError(404, asked.is === 'blob' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN', why);
}

async function fromFolder(
  folder: string,
  host: string,
  segments: readonly string[],
  asked: RegistryRequest | undefined,
  headers: IncomingMessage['headers'],
): Promise<Answer | undefined> {
  if (asked === undefined) {
    const file = await findFile(join(folder, 'www', host), segments);
    return file === undefined ? undefined : fileAnswer(file, headers);
  }
  const root = join(folder, 'registry', registryFolder(host));
  if (asked.is !== 'ping') return registryAnswer(root, asked, headers);
  // Where we have nothing of a registry, its own greeting says whether it wants a login.
  return existsSync(root) ? pingAnswer() : undefined;
}

async function bodyOf(answer: Answer): Promise<Buffer> {
  if (answer.body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(answer.body)) return answer.body;
  return answer.body instanceof Readable ? buffer(answer.body) : readFile(answer.body.file);
}

function withoutConditions(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { range: _, 'if-range': _r, 'if-modified-since': _m, 'if-none-match': _n, ...rest } = headers;
  return rest;
}
