import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendKeys, knownKeys } from './known-hosts.ts';
import { resolveWay, type Way } from './resolve.ts';
import type { Target } from './target.ts';

/** A host's name in known_hosts, as ssh writes it. */
function nameOf(way: Way, port: number): string {
  return port === 22 ? way.hostname : `[${way.hostname}]:${port}`;
}

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
  const known = await knownKeys(nameOf(way, port), files);
  const keys = (await knownKeys(nameOf(way, way.port), files)).filter((key) => key.marker === undefined);
  if (known.length > 0 || keys.length === 0) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'landfall-trust-'));
  try {
    await appendKeys(nameOf(way, port), keys, file, way.hashKnownHosts, folder);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
