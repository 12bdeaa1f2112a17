import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a client is told: a status, headers, and a body that is text, a part of a file, or a stream. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | FilePart | Readable;
  /** Where it came from, for the access log. */
  readonly from: 'depot' | 'upstream' | 'cache' | 'fault';
}

/** Bytes `start` to `end` (both included) of a file. */
export interface FilePart {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** A short text as an answer. */
export function textAnswer(status: number, text: string, from: Answer['from'] = 'depot'): Answer {
  const body = Buffer.from(`${text}\n`);
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': String(body.length) },
    body,
    from,
  };
}

/**
 * The part of `size` bytes a Range header asks for. Undefined: all of it (no header, several ranges, or one that is not
 * understood, which RFC 9110 says to ignore). `unsatisfiable`: begins behind the end.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    const count = Math.min(Number(match[2]), size);
    return count === 0 ? 'unsatisfiable' : { start: size - count, end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** Sends an answer; a HEAD request gets its headers alone. Gives the number of bytes of the body that were sent. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<number> {
  const { body } = answer;
  response.writeHead(answer.status, { server: 'landfall-depot', ...answer.headers });
  if (body === undefined || request.method === 'HEAD') {
    if (body instanceof Readable) body.destroy();
    response.end();
    return 0;
  }
  if (Buffer.isBuffer(body)) {
    response.end(body);
    return body.length;
  }
  const stream = body instanceof Readable ? body : fileStream(body);
  let sent = 0;
  stream.on('data', (chunk: Buffer) => {
    sent += chunk.length;
  });
  await pipeline(stream, response);
  return sent;
}

const fileStream = (part: FilePart): Readable =>
  part.end < part.start
    ? Readable.from([])
    : createReadStream(part.file, { start: part.start, end: part.end, highWaterMark: 256 * 1024 });
