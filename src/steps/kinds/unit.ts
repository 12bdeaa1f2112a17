import { sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';

/** A systemd unit that starts at boot. Whether it runs now is another question. */
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
  /** A file it makes when it starts, whose age is the age of what it has read. */
  readonly sign: string;
}

/**
 * A service that runs with the configuration that lies on the disk: a changed file is only paper until the restart. Put
 * it after all steps that write its files, so that it is restarted once for all of them.
 */
export function service(about: About, { unit, reads, program, sign }: WantedService): Step {
  return {
    ...about,
    read: sh`
      systemctl show -p ActiveState,UnitFileState ${unit} | sort
      newer=$({ find ${reads} -type f -newer ${sign}; find ${program} -newercm ${sign}; } 2>/dev/null | sort | head -n 1)
      if [ -n "$newer" ]; then echo "started before $newer was written"; else echo 'started after its files were written'; fi`,
    want: 'ActiveState=active\nUnitFileState=enabled\nstarted after its files were written',
    make: sh`
      systemctl daemon-reload
      systemctl enable ${unit}
      systemctl restart ${unit}`,
    undo: sh`
      if systemctl cat ${unit} >/dev/null 2>&1; then systemctl disable --now ${unit}; fi
      systemctl reset-failed ${unit} 2>/dev/null || :`,
  };
}
