import type { Shell } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';

/** A thing Landfall looks at and leaves alone: only its reader can put it right, and the clue says how. */
export function check(about: About, look: { readonly read: Shell; readonly want: string }): Step {
  return { ...about, ...look };
}
