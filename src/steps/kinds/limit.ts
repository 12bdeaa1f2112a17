import { sh } from '../../shell/sh.ts';
import { FILES, NOTES } from '../places.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { lineIn } from './line.ts';
import { sysctl } from './sysctl.ts';

/** A limit of the kernel: `value` or more, now and after a reboot. What is higher already is neither lowered nor touched. */
export function limit(
  about: About,
  { key, value }: { readonly key: string; readonly value: number },
  path: string = FILES.sysctls,
  notes: string = NOTES.sysctls,
): Step {
  const exact = sysctl(about, { key, value: String(value) }, path, notes);
  const read = sh`
    {
      ${exact.read}
    } | awk -v least=${value} '
      /^[0-9]+$/ && $1 + 0 >= least { print least; next }
      /^at boot: [0-9]+(, says .*)?$/ && $3 + 0 >= least { print "at boot: " least; next }
      { print }'`;
  return {
    ...exact,
    read,
    make: sh`
      kept=$(
        ${read}
      )
      if [ "$(printf '%s\n' "$kept" | tail -n 1)" != ${`at boot: ${value}`} ]; then
        ${lineIn(path, `^${key.replaceAll('.', String.raw`\.`)} =`, `${key} = ${value}`)}
      fi
      [ "$(sysctl -n ${key})" -ge ${value} ] || sysctl -q -w ${`${key}=${value}`}`,
  };
}
