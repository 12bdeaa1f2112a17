import { type Shell, sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';

/** What {@link left} wants to see. */
export const LEFT = 'as the host has it';

/**
 * A thing that is left as the host has it. When an earlier choice in cluster.yaml had Landfall change it, that is taken back.
 * @param changed a command that succeeds when Landfall has changed it.
 */
export function left(about: About, changed: Shell, undo: Shell): Step {
  return {
    ...about,
    read: sh`if ${changed}; then echo 'changed by Landfall'; else echo ${LEFT}; fi`,
    want: LEFT,
    make: undo,
    undo,
  };
}
