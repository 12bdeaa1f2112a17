import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { cacheFolder } from '../files/places.ts';
import type { Facts } from '../model/facts.ts';
import type { Memory } from './survey.ts';

type AllFacts = Readonly<Record<string, Facts>>;

/** Where what a cluster's hosts were last is kept: `$XDG_CACHE_HOME/landfall/met/CLUSTER.json`. */
export function memoryFile(cluster: string, env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), 'met', `${cluster}.json`);
}

/** The facts in a text that somebody has kept; undefined when it is nothing of the kind. */
function parse(text: string): AllFacts | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as AllFacts) : undefined;
  } catch {
    return undefined;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * The memory of a cluster's hosts, in a file of its own for its owner alone. It is a guess and never more, so it is lost without a word
 * where it cannot be kept.
 */
export function memoryOf(cluster: string, env: NodeJS.ProcessEnv): Memory & { readonly isThere: boolean } {
  const file = memoryFile(cluster, env);
  let text = read(file);
  let facts = parse(text);
  return {
    isThere: facts !== undefined,
    facts: () => {
      const known = facts;
      facts = undefined;
      return known;
    },
    keep: (met) => {
      const now = JSON.stringify(met);
      if (now === text) return;
      try {
        makeFolder(dirname(file), 0o700);
        writeFileSync(`${file}.${process.pid}`, now, { mode: 0o600 });
        renameSync(`${file}.${process.pid}`, file);
        text = now;
      } catch {
        // A disk that is full, or a home that may not be written to.
      }
    },
  };
}
