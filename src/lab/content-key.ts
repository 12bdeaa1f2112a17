import { createHash } from 'node:crypto';

/** A short name for content: the first 16 hex digits of the SHA-256 of everything that makes it. */
export function contentKey(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex').slice(0, 16);
}
