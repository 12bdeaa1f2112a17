import { sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { draft, file, type WantedFile } from './file.ts';

/** A file of a name that is Landfall's alone: nothing was there before, so there is nothing to note and nothing to put back. */
export function ownFile(about: About, wanted: WantedFile): Step {
  const { writes: _, ...step } = file(about, wanted);
  return { ...step, undo: sh`rm -f ${draft(wanted.path)} ${wanted.path}` };
}
