import { readFileSync, statSync } from 'node:fs';
import type { Answer } from './answer.ts';

/** What the depot gets wrong on purpose: lists of patterns, each naming what is served ({@link matches}). */
export interface DepotFaults {
  /** Not found. */
  readonly missing: readonly string[];
  /** One byte is another: checksums and digests do not match. */
  readonly corrupt: readonly string[];
  /** A repository's signature does not match what it signs. */
  readonly unsigned: readonly string[];
  /** 503 Service Unavailable. */
  readonly unavailable: readonly string[];
}

/** No faults. */
export const NO_FAULTS: DepotFaults = { missing: [], corrupt: [], unsigned: [], unavailable: [] };

/** Reads faults from a file as often as it changes; a file that is not there or not whole means no faults. */
export function watchFaults(file: string): () => DepotFaults {
  let stamp = '';
  let faults = NO_FAULTS;
  return () => {
    const now = statSync(file, { throwIfNoEntry: false });
    const seen = now === undefined ? '' : `${now.mtimeMs} ${now.ino} ${now.size}`;
    if (seen !== stamp) {
      stamp = seen;
      faults = parseFaults(now === undefined ? '{}' : readFileSync(file, 'utf8'));
    }
    return faults;
  };
}

/** Reads the JSON of {@link DepotFaults}, leniently. */
export function parseFaults(text: string): DepotFaults {
  try {
    return { ...NO_FAULTS, ...(JSON.parse(text) as Partial<DepotFaults>) };
  } catch {
    return NO_FAULTS;
  }
}

/**
 * Does a pattern name this thing? A thing is `HOST/PATH`, and for images also `HOST/NAME:TAG` or `HOST/NAME@DIGEST`. `*`
 * stands for any text. A pattern also names everything below it: `pkgs.k8s.io` all of that host, `registry.k8s.io/pause` every tag.
 */
export function matches(pattern: string, thing: string): boolean {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}($|[/:@])`).test(thing);
}

const any = (patterns: readonly string[], things: readonly string[]): boolean =>
  patterns.some((pattern) => things.some((thing) => matches(pattern, thing)));

/** Which fault, if any, the things of one request meet. */
export function faultOf(faults: DepotFaults, things: readonly string[]): keyof DepotFaults | undefined {
  if (any(faults.unavailable, things)) return 'unavailable';
  if (any(faults.missing, things)) return 'missing';
  if (any(faults.unsigned, things) && things.some((thing) => /\/(In)?Release$/.test(thing)))
    return 'unsigned';
  return any(faults.corrupt, things) ? 'corrupt' : undefined;
}

/** The bytes with one in the middle changed. */
export function corrupted(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = Math.floor(copy.length / 2);
  if (copy.length > 0) copy[middle] = (copy[middle] ?? 0) ^ 0x01;
  return copy;
}

/** A Release or InRelease whose text was changed after it was signed: apt says BADSIG. */
export function tampered(body: Buffer): Buffer {
  const text = body.toString('latin1');
  const signature = text.indexOf('-----BEGIN PGP SIGNATURE-----');
  const at = signature < 0 ? text.length : signature;
  return Buffer.from(
    `${text.slice(0, at)}Description: changed after it was signed\n${text.slice(at)}`,
    'latin1',
  );
}

/** An answer whose whole body is these bytes. */
export function withBody(answer: Answer, body: Buffer): Answer {
  return {
    ...answer,
    headers: { ...answer.headers, 'content-length': String(body.length) },
    body,
    from: 'fault',
  };
}
