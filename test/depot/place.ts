import { join } from 'node:path';
import { cacheFolder } from '../../src/files/places.ts';

/** Where the filler keeps its things. All of it can be deleted at any time; it is only work saved. */
export interface Place {
  /** `$XDG_CACHE_HOME/landfall` */
  readonly cache: string;
  /** Finished artefacts, one folder each, named by what they are made from. */
  readonly artefacts: string;
  /** Work in progress; emptied by whoever holds the lock. */
  readonly scratch: string;
  /** Finished depots, and the link `current` to the newest. */
  readonly depots: string;
  /** The lock two fillers at once agree by. */
  readonly lock: string;
  /** The secret key that signs the depot's apt repositories: it opens nothing but this machine's labs. */
  readonly key: string;
}

/**
 * Gives the filler's folders after the XDG base directory specification.
 *
 * @param env the environment to look into; `XDG_CACHE_HOME` counts only when it is an absolute path
 */
export function place(env: Readonly<Record<string, string | undefined>> = process.env): Place {
  const cache = cacheFolder(env);
  return {
    cache,
    artefacts: join(cache, 'artefacts'),
    scratch: join(cache, 'scratch'),
    depots: join(cache, 'depot'),
    lock: join(cache, 'depot.lock'),
    key: join(cache, 'depot-key.asc'),
  };
}
