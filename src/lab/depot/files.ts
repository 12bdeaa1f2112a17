import { realpath, stat } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { extname, join, sep } from 'node:path';
import { type Answer, parseRange, textAnswer } from './answer.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.asc': 'text/plain',
  '.deb': 'application/vnd.debian.binary-package',
  '.gz': 'application/gzip',
  '.html': 'text/html',
  '.json': 'application/json',
  '.key': 'text/plain',
  '.txt': 'text/plain',
  '.xz': 'application/x-xz',
  '.yaml': 'text/plain',
  '.yml': 'text/plain',
};

/**
 * The parts of a URL's path, decoded one by one. Undefined for a path that means anything but a place below the root:
 * `..`, an encoded slash or NUL, a broken escape.
 */
export function pathSegments(pathname: string): readonly string[] | undefined {
  const segments: string[] = [];
  for (const raw of pathname.split('/')) {
    if (raw === '' || raw === '.') continue;
    let segment: string;
    try {
      segment = decodeURIComponent(raw);
    } catch {
      return undefined;
    }
    if (segment === '..' || segment === '.' || /[/\\\0]/.test(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

/** The file a path names below `root`; undefined when there is none, or when a link leads out of the root. */
export async function findFile(root: string, segments: readonly string[]): Promise<string | undefined> {
  try {
    const top = await realpath(root);
    const file = await realpath(join(top, ...segments));
    return file.startsWith(top + sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Answers with a file, or the part of it a Range header asks for, or "not modified". `headers` go before its own. */
export async function fileAnswer(
  file: string,
  request: IncomingHttpHeaders,
  headers: Readonly<Record<string, string>> = {},
  from: Answer['from'] = 'depot',
): Promise<Answer> {
  const { size, ctime } = await stat(file);
  // ctime, not mtime: a depot's files carry made-up times so that they can be made alike twice; when they were laid
  // down is what tells an old InRelease from a new one. And compared for equality, as a depot may also go back in time.
  const modified = ctime.toUTCString();
  const own = {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'last-modified': modified,
    'accept-ranges': 'bytes',
    ...headers,
  };
  if (request['if-modified-since'] === modified && request.range === undefined)
    return { status: 304, headers: { 'last-modified': modified }, from };
  const ifRange = request['if-range'];
  const fresh = ifRange === undefined || ifRange === modified || ifRange === headers.etag;
  const range = fresh ? parseRange(request.range, size) : undefined;
  if (range === 'unsatisfiable')
    return {
      ...textAnswer(416, 'that range is not in the file'),
      headers: { 'content-range': `bytes */${size}` },
    };
  const part = range ?? { start: 0, end: size - 1 };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...own,
      'content-length': String(part.end - part.start + 1),
      ...(range === undefined ? {} : { 'content-range': `bytes ${part.start}-${part.end}/${size}` }),
    },
    body: { file, ...part },
    from,
  };
}
