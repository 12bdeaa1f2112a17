import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendKeys, knownKeys } from './known-hosts.ts';
import { nameInKnownHosts, resolveWay } from './resolve.ts';
import type { Target } from './target.ts';

/**
 * Makes a host known under another port of it by the keys it is known by: known_hosts tells the ports of a host apart. Nothing
 * is asked of anybody and no key is taken that was not known. A host that is known there already, by whichever key, is left;
 * one whose key is pinned, or that goes by an alias, is known under every port.
 * @returns the file written to; undefined when there was nothing to write.
 */
export async function carryTrust(target: Target, port: number): Promise<string | undefined> {
  if (target.hostKey !== undefined) return undefined;
  const way = await resolveWay(target);
  const [file] = way.userKnownHosts;
  if (way.hostKeyAlias !== undefined || file === undefined || file === '/dev/null') return undefined;
  const files = [...way.userKnownHosts, ...way.globalKnownHosts];
  const known = await knownKeys(nameInKnownHosts(way, port), files);
  const keys = (await knownKeys(nameInKnownHosts(way), files)).filter((key) => key.marker === undefined);
  if (known.length > 0 || keys.length === 0) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'landfall-trust-'));
  try {
    await appendKeys(nameInKnownHosts(way, port), keys, file, way.hashKnownHosts, folder);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
