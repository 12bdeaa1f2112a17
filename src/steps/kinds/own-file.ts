import { sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { draft, file, folder, type WantedFile } from './file.ts';

/** A file of a name that is Landfall's alone: nothing was there before, so there is nothing to note and nothing to put back. */
export function ownFile(about: About, wanted: WantedFile): Step {
  const { writes: _, ...step } = file(about, wanted);
  const dir = folder(wanted.path);
  const remove = sh`rm -f ${draft(wanted.path)} ${wanted.path}`;
  // The folder of a unit's drop-ins is there for their sake alone.
  const undo = dir.endsWith('.service.d') ? sh`${remove}; rmdir ${dir} 2>/dev/null || :` : remove;
  return { ...step, undo };
}
