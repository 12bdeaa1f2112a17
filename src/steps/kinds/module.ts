import { sh } from '../../shell/sh.ts';
import { DISK_CLUES } from '../clues.ts';
import { FILES, NOTES } from '../places.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { lineIn, lineOut } from './line.ts';

/** A kernel module that is loaded (or built in), and will be after a reboot. */
export function module(
  about: About,
  name: string,
  path: string = FILES.modules,
  notes: string = NOTES.modules,
): Step {
  return {
    ...about,
    read: sh`
      if [ -d /sys/module/${name} ] || grep -q /${name}.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo loaded
      else echo 'not loaded'; fi 2>/dev/null
      if cat /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf 2>/dev/null | grep -qx ${name}; then echo 'at boot: loaded'
      else echo 'at boot: not loaded'; fi`,
    want: 'loaded\nat boot: loaded',
    make: sh`
      ${lineIn(path, `^${name}$`, name)}
      modprobe -- ${name}`,
    undo: sh`
      ${lineOut(path, `^${name}$`)}
      if [ -e ${notes} ] && ! grep -qx ${name} ${notes}; then modprobe -r -- ${name} 2>/dev/null || :; fi`,
    writes: [path],
    clues: [...(about.clues ?? []), ...DISK_CLUES],
  };
}
