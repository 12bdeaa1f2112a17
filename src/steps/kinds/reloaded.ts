import { sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { sinceReload, YOUNG } from './unit.ts';
import { noteUnit, restoreUnits } from './unit-state.ts';

/**
 * A service of the distribution that runs, starts at boot, and has read its files since they were written. It is told to read them
 * again, not started anew: what it carries at the moment goes on.
 * @param wanted.unit without `.service`; `reads`, the files and folders it reads.
 */
export function reloaded(
  about: About,
  { unit, reads }: { readonly unit: string; readonly reads: readonly string[] },
): Step {
  return {
    ...about,
    read: sh`
      systemctl show -p ActiveState,UnitFileState ${unit} | sort
      ${sinceReload({ unit, reads })}`,
    want: `ActiveState=active\nUnitFileState=enabled\n${YOUNG}`,
    make: sh`
      ${noteUnit(`${unit}.service`)}
      systemctl -q unmask ${unit}
      systemctl enable ${unit}
      systemctl reload-or-restart ${unit}`,
    undo: sh`
      systemctl stop ${unit} 2>/dev/null || :
      ${restoreUnits(`${unit}\\.service`)}`,
  };
}
