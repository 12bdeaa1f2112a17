import { readFile } from 'node:fs/promises';
import { type Loaded, readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import { replaceFile } from '../files/replace.ts';
import { Problem } from '../model/problem.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { talk } from './talk.ts';

/** A cluster.yaml as it is going to be. */
export interface Edited {
  readonly loaded: Loaded;
  /** Its text. */
  readonly text: string;
}

/**
 * What a changed text of cluster.yaml says, before it is written.
 * @param byHand what is to be written where Landfall cannot do it.
 * @throws Problem `file/form` (exit 2) when the text is of a form that is not edited, Problems when what it says then is wrong.
 */
export function edited(loaded: Loaded, edit: (text: string) => string | undefined, byHand: string): Edited {
  const text = loaded.file === '-' ? undefined : edit(loaded.source);
  if (text === undefined) {
    throw new Problem({
      code: 'file/form',
      summary:
        loaded.file === '-'
          ? 'a cluster.yaml from standard input cannot be written'
          : `${loaded.file} is of a form Landfall does not edit`,
      why: 'only the lines of one node are changed, and they must be lines of their own',
      try: byHand,
      exit: 2,
    });
  }
  return { loaded: { ...loaded, ...readCluster(asText(loaded.file, text)) }, text };
}

/** Writes an edited cluster.yaml in place of the old one, unless somebody has changed that meanwhile: then it is said what to write. */
export async function writeEdited(
  context: Context,
  flags: CommonFlags,
  old: Loaded,
  { text }: Edited,
  byHand: string,
): Promise<boolean> {
  const { file, source } = old;
  const now = await readFile(file, 'utf8').catch(() => '');
  const mark = now.startsWith('\uFEFF') ? '\uFEFF' : '';
  const fault = asText(file, now).content === source ? undefined : 'was changed meanwhile';
  try {
    if (fault === undefined) replaceFile(file, mark + text);
  } catch (error) {
    talk(context, flags, `${file} cannot be written (${(error as Error).message}): ${byHand}.`);
    return false;
  }
  if (fault !== undefined) talk(context, flags, `${file} ${fault}: ${byHand}.`);
  return fault === undefined;
}
