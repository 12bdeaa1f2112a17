import { type Shell, sh } from '../../shell/sh.ts';
import { FETCH_CLUES } from '../clues.ts';
import { fetch } from '../fetch.ts';
import type { Clue, Step } from '../step.ts';
import type { About } from './about.ts';
import { draft, folder, inPlace } from './file.ts';

/** A file as upstream serves it, known by its sum. */
export interface PinnedFile {
  readonly url: string;
  /** SHA-256 in hexadecimal digits. */
  readonly sha256: string;
  readonly path: string;
}

const SUM_CLUES: readonly Clue[] = [
  {
    match: /^what was served has the sum /,
    means:
      'what came is not the file landfall.lock names: a proxy that answers with a page of its own, a mirror, or a file that was changed after its release',
    try: 'do not go on: fetch it by hand from another network and compare with sha256sum; a released file never changes rightfully',
  },
];

/** Prints a file's sum, or `absent`. */
export function sumOf(path: string): Shell {
  return sh`{ sha256sum <${path} | cut -c 1-64; } 2>/dev/null | grep . || echo absent`;
}

/** A file that is fetched by its address and takes its place only when its sum is the one that is known. */
export function pinned(about: About, { url, sha256, path }: PinnedFile): Step {
  return {
    ...about,
    read: sumOf(path),
    want: sha256,
    make: sh`
      mkdir -p ${folder(path)}
      rm -f ${draft(path)}
      ${fetch(url, draft(path))}
      got=$(${sumOf(draft(path))})
      if [ "$got" != ${sha256} ]; then
        rm -f ${draft(path)}
        echo "what was served has the sum $got"; exit 1
      fi
      ${inPlace(path)}`,
    undo: sh`rm -f ${path} ${draft(path)}`,
    clues: [...SUM_CLUES, ...FETCH_CLUES, ...(about.clues ?? [])],
  };
}
