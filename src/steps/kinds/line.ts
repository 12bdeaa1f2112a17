import { type Shell, sh } from '../../shell/sh.ts';
import { draft, folder, inPlace } from './file.ts';

/**
 * Puts a line into a file others may also write to: the lines that match are taken out, ours is added at the end.
 * @param pattern a basic regular expression, as grep reads it.
 */
export function lineIn(path: string, pattern: string, line: string): Shell {
  return sh`
    mkdir -p ${folder(path)}
    { grep -v -e ${pattern} ${path} 2>/dev/null || :; printf '%s\n' ${line}; } >${draft(path)}
    ${inPlace(path)}`;
}

/** Takes the lines that match out of a file, and the file away when nothing is left of it. */
export function lineOut(path: string, pattern: string): Shell {
  return sh`
    if [ -e ${path} ]; then
      grep -v -e ${pattern} ${path} >${draft(path)} || :
      if [ -s ${draft(path)} ]; then ${inPlace(path)}; else rm -f ${draft(path)} ${path}; fi
    fi`;
}
