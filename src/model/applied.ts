/** One cluster.yaml that was applied: what it was, and who did it. */
export interface Entry {
  /** SHA-256 (hex) of its canonical text. */
  readonly digest: string;
  /** When (UTC, ISO 8601), in which run, and with which version of Landfall. */
  readonly at: string;
  readonly run: string;
  readonly landfall: string;
  /** `user@machine`. */
  readonly by: string;
}

/** What a cluster remembers of what was applied to it. */
export interface Applied {
  readonly last: Entry;
  /** The canonical text of what was applied last. */
  readonly text: string;
  /** What was applied before, newest first; as many as are kept. */
  readonly earlier: readonly Entry[];
}

/** How many entries a cluster keeps, the last one included. */
export const KEPT_ENTRIES = 30;

/** Reads the lines of entries, newest first; what is none is passed over. */
export function parseEntries(lines: string): readonly Entry[] {
  return lines.split('\n').flatMap((line) => {
    const [digest = '', at = '', run = '', landfall = '', by = ''] = line.split(' ');
    return /^[0-9a-f]{64}$/.test(digest) && by !== '' ? [{ digest, at, run, landfall, by }] : [];
  });
}

/**
 * How the cluster.yaml in hand stands to what was applied last: `same`; `newer`, made from it as far as one can tell; `older`,
 * the same as one before it; or `apart`: others have applied something since, and whether this file knows of it cannot be told.
 */
export type Standing = 'same' | 'newer' | 'older' | 'apart';

/** Takes the digest of the file in hand, and whether whoever holds it knows of what was applied last. */
export function standingOf({ last, earlier }: Applied, digest: string, knows: boolean): Standing {
  if (last.digest === digest) return 'same';
  if (earlier.some((one) => one.digest === digest)) return 'older';
  return knows ? 'newer' : 'apart';
}
