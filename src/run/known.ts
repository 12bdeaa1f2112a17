import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { stateFolder } from '../files/places.ts';
import type { Entry } from '../model/applied.ts';
import type { Cluster } from '../model/cluster.ts';
import { specText } from '../model/spec-text.ts';
import { historyFolder } from './history.ts';

/** The SHA-256 (hex) by which a cluster knows what was applied to it. */
export function specDigest(cluster: Cluster): string {
  return createHash('sha256').update(specText(cluster)).digest('hex');
}

/**
 * The run that applied last when this operator's own file was last the same: `$XDG_STATE_HOME/landfall/CLUSTER/known`. The run and not the
 * digest: who has gone back to an older file has applied something anew.
 */
function knownFile(cluster: string, env: NodeJS.ProcessEnv): string {
  return join(stateFolder(env), cluster, 'known');
}

function known(cluster: string, env: NodeJS.ProcessEnv): string | undefined {
  try {
    return readFileSync(knownFile(cluster, env), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Whether this operator has had what was applied last in hand, or has applied it. */
export function knowsOf(cluster: string, last: Entry, env: NodeJS.ProcessEnv): boolean {
  return known(cluster, env) === last.run || existsSync(join(historyFolder(cluster, env), last.run));
}

/** Whether nothing was ever known of this cluster here: a new machine, or one that is made for each run. */
export function isNewHere(cluster: string, env: NodeJS.ProcessEnv): boolean {
  return known(cluster, env) === undefined && !existsSync(historyFolder(cluster, env));
}

/** Keeps what was applied last as known. Where nothing can be kept, the question is asked again. */
export function keepKnown(cluster: string, { run }: Entry, env: NodeJS.ProcessEnv): void {
  if (known(cluster, env) === run) return;
  try {
    makeFolder(join(stateFolder(env), cluster), 0o700);
    writeFileSync(knownFile(cluster, env), `${run}\n`, { mode: 0o600 });
  } catch {
    // A plan is no reason to fail for a folder that cannot be written.
  }
}
