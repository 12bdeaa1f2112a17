import { sh } from '../../shell/sh.ts';
import { FILES } from '../places.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { check } from './check.ts';

/**
 * A file of a program that reads one file and is used for nothing else: it is not there, is as its package has brought it, or begins as Landfall's
 * own do, or Landfall was here before. @param instead what to do on a host where the program serves somebody.
 */
export function onlyOurs(about: About, path: string, head: string, instead: string): Step {
  return check(
    {
      ...about,
      clues: [
        {
          match: /^used for something else/,
          means: `${path} is not of Landfall, and Landfall was never here`,
          try: instead,
        },
      ],
    },
    {
      read: sh`
        brought() { dpkg-query -W -f ${'${Conffiles}\\n'} 2>/dev/null | grep -qF -- ${` ${path} `}"$(md5sum <${path} | cut -c 1-32)"; }
        if [ -s ${path} ] && ! [ -e ${FILES.owner} ] && ! head -n 1 ${path} | grep -q ${`^${head}`} && ! brought; then echo 'used for something else'; else echo free; fi`,
      want: 'free',
    },
  );
}
