import { type Shell, sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';

/**
 * A systemd unit that starts at boot. Whether it runs now is another question. `enable` has systemd read all units anew (man 1
 * systemctl), here and wherever a unit's file has just been written: a `daemon-reload` before it would be a second one, a fifth of a
 * second each.
 */
export function enabled(about: About, unit: string): Step {
  return {
    ...about,
    read: sh`systemctl is-enabled ${unit} 2>/dev/null | grep . || echo 'not there'`,
    want: 'enabled',
    make: sh`systemctl enable ${unit}`,
    undo: sh`
      if systemctl cat ${unit} >/dev/null 2>&1; then systemctl disable --now ${unit}; fi
      systemctl reset-failed ${unit} 2>/dev/null || :`,
  };
}

/** A unit that starts at boot, runs now, and was started after its configuration was last written. */
export interface WantedService {
  readonly unit: string;
  /** Files and folders it reads when it starts. */
  readonly reads: readonly string[];
  /** Its program, which an upgrade replaces. */
  readonly program: string;
  /** The socket it listens on. */
  readonly socket: string;
}

/** What {@link age} prints when a unit has read what lies on the disk. */
export const YOUNG = 'started after its files were written';

/** The same of a unit that reads its files again when it is told to, without a new start: it was told so since. */
export function sinceReload({ unit, reads }: Pick<WantedService, 'unit' | 'reads'>): Shell {
  return sh`
    told=$(systemctl show -p StateChangeTimestamp --value --timestamp=us+utc ${unit})
    newer=$(find ${reads} -type f -newermt "$told" 2>/dev/null | sort | head -n 1)
    if [ -n "$newer" ]; then echo "has not read $newer since it was written"; else echo ${YOUNG}; fi`;
}

/** Prints whether a unit was started before one of the files it reads at its start was written, or its program replaced. */
export function age({ unit, reads, program }: Pick<WantedService, 'unit' | 'reads' | 'program'>): Shell {
  return sh`
    started=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us+utc ${unit})
    newer=$({ find ${reads} -type f -newermt "$started"; find ${program} -newerct "$started"; } 2>/dev/null | sort | head -n 1)
    if [ -n "$newer" ]; then echo "started before $newer was written"; else echo ${YOUNG}; fi`;
}

/**
 * A service that runs with the configuration that lies on the disk: a changed file is only paper until the restart. Put
 * it after all steps that write its files, so that it is restarted once for all of them.
 */
export function service(about: About, wanted: WantedService): Step {
  const { unit, socket } = wanted;
  return {
    ...about,
    read: sh`
      state=$(systemctl show -p ActiveState,UnitFileState ${unit} | sort)
      echo "$state"
      ${age(wanted)}
      case $state in *ActiveState=active*) [ -S ${socket} ] || echo ${`its socket ${socket} is gone`} ;; esac`,
    want: `ActiveState=active\nUnitFileState=enabled\n${YOUNG}`,
    make: sh`
      systemctl enable ${unit}
      systemctl restart ${unit}`,
    undo: sh`
      if systemctl cat ${unit} >/dev/null 2>&1; then systemctl disable --now ${unit}; fi
      systemctl reset-failed ${unit} 2>/dev/null || :`,
  };
}
