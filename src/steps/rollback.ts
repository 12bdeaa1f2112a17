import { heredoc, type Shell, sh } from '../shell/sh.ts';

/*
 * A change that could lock somebody out: the host itself takes it back unless a login from outside confirms it.
 */

/** How long the host waits for somebody to come in before it takes everything back, in seconds. */
export const ROLLBACK_SECONDS = 180;

/** A change that takes itself back. */
export interface Rollback {
  /** A folder that goes with a reboot: what is known while the change is yet to be confirmed. All may read it. */
  readonly state: string;
  /** The transient unit that takes it back, and what it says of itself. */
  readonly unit: string;
  readonly description: string;
}

const lock = ({ state }: Rollback): string => `${state}/lock`;
const script = ({ state }: Rollback): string => `${state}/back`;

/** Is there as long as the timer is armed; both go with a reboot. */
export const armedFile = ({ state }: Rollback): string => `${state}/armed`;

/** Written by a login from outside, and by nothing else. */
export const provenFile = ({ state }: Rollback): string => `${state}/proven`;

/** Stops everything but one at a time, until the piece it stands in ends. */
export function takeTurn(of: Rollback): Shell {
  return sh`
    ( umask 022; mkdir -p ${of.state} )
    exec 9>>${lock(of)}
    flock 9`;
}

/** Takes the change back at once; does nothing when the timer is not armed. */
export function backNow(of: Rollback): Shell {
  return sh`sh ${script(of)}`;
}

/** Writes down how the change is taken back. @param back shell that is run when the timer is armed still. */
export function wayBack(of: Rollback, back: Shell): Shell {
  return sh`
    cat >${script(of)} ${heredoc(back.text)}
    : >${armedFile(of)}`;
}

/** Starts the timer, or starts it anew. */
export function startTimer(of: Rollback): Shell {
  return sh`
    systemctl stop ${`${of.unit}.timer`} 2>/dev/null || :
    systemd-run --quiet --collect --unit=${of.unit} --description=${of.description} \
      --on-active=${ROLLBACK_SECONDS} --timer-property=AccuracySec=1s flock ${lock(of)} /bin/sh ${script(of)}`;
}

/** Ends the timer, if it runs. */
export function stopTimer({ unit }: Rollback): Shell {
  return sh`systemctl stop ${`${unit}.timer`} 2>/dev/null || :`;
}

/** Fails unless somebody has just logged in from outside. */
export function provenLately(of: Rollback, otherwise: string): Shell {
  return sh`
    if [ -z "$(find ${provenFile(of)} -mmin -10 2>/dev/null)" ]; then
      echo ${otherwise}; exit 1
    fi`;
}
