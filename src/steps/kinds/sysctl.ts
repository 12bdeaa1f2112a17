import { sh } from '../../shell/sh.ts';
import { DISK_CLUES } from '../clues.ts';
import { FILES, NOTES } from '../places.ts';
import type { Clue, Probe, Step } from '../step.ts';
import type { About } from './about.ts';
import { lineIn, lineOut } from './line.ts';

/** All lines of all sysctl files in the order the system applies them at boot, later lines winning. */
const sysctlFiles: Probe = {
  name: 'sysctl_files',
  run: sh`/lib/systemd/systemd-sysctl --cat-config 2>/dev/null`,
};

const LATER: Clue = {
  match: /^at boot: .*, says \//,
  means: 'another file, which the system reads later, says otherwise, and would win at the next boot',
  try: 'take the setting out of the file that is named, or ask who put it there',
};

/** A kernel setting as it should be, now and after a reboot. */
export interface WantedSysctl {
  /** With dots: `net.ipv4.ip_forward`. */
  readonly key: string;
  readonly value: string;
}

/**
 * A kernel setting. The reading is what the kernel says now, and which value the files will give it at the next boot:
 * a file of another program that sorts later would undo ours only then.
 */
export function sysctl(
  about: About,
  { key, value }: WantedSysctl,
  path: string = FILES.sysctls,
  notes: string = NOTES.sysctls,
): Step {
  const pattern = `^${key.replaceAll('.', String.raw`\.`)} =`;
  return {
    ...about,
    probes: [sysctlFiles],
    read: sh`
      sysctl -n ${key} 2>/dev/null || echo unknown
      probe sysctl_files | awk -v key=${key} -v value=${value} '
        /^# \// { file = substr($0, 3) }
        { line = $0; sub(/^[ \t-]+/, "", line); at = index(line, "="); name = substr(line, 1, at - 1) }
        at > 1 { gsub(/[ \t]/, "", name); gsub("/", ".", name) }
        at > 1 && name == key { last = substr(line, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", last); from = file }
        END { print "at boot: " (last == "" ? "not set" : last) (last == "" || last == value || from == "" ? "" : ", says " from) }'`,
    want: `${value}\nat boot: ${value}`,
    make: sh`
      ${lineIn(path, pattern, `${key} = ${value}`)}
      sysctl -q -w ${`${key}=${value}`}`,
    undo: sh`
      ${lineOut(path, pattern)}
      old=$(sed -n ${`s/${pattern} //p`} ${notes} 2>/dev/null) || :
      [ -z "$old" ] || sysctl -q -w ${key}="$old" || :`,
    writes: [path],
    clues: [...(about.clues ?? []), LATER, ...DISK_CLUES],
  };
}
