import { heredoc, lines, type Shell, sh } from '../shell/sh.ts';
import { SAY } from '../shell/compile.ts';

/** A script that is not made of steps: the engine's own errands on a host. It may `say WORD TEXT…`. */
export function plainScript(body: Shell): string {
  return ['LC_ALL=C; export LC_ALL', SAY, 'main() {', body.text, '}', 'say landfall 1 0', 'main', ''].join(
    '\n',
  );
}

/** Where a phase of a run lives on its host; a folder on tmpfs that only root can read. */
export function runFolder(run: string, phase: string): string {
  return `/run/landfall/runs/${run}/${phase}`;
}

/**
 * Tells what the detached script has printed from line `from` on (counted from 1) until its unit ends; then `over`, `cut` when it
 * was ended from outside, `leaving` when the host itself is going down; or `gone` when it is not there (any more).
 */
export function followScript(run: string, phase: string, from: number): Shell {
  const folder = runFolder(run, phase);
  return sh`
    if ! [ -e ${folder}/events ]; then say gone; exit 0; fi
    isOver() { tail -n 1 ${folder}/events | grep -q "^$(printf '\036')end$"; }
    isLeaving() { ! isOver && [ "$(systemctl is-system-running)" = stopping ]; }
    pid=$(systemctl show -p MainPID --value ${`landfall-${run}-${phase}.service`})
    if ! [ "\${pid:-0}" -gt 0 ] && isLeaving; then say leaving; exit 0; fi
    say following
    if [ "\${pid:-0}" -gt 0 ]; then tail -n +${from} -f -s 0.1 --pid="$pid" ${folder}/events
    else tail -n +${from} ${folder}/events; fi
    if isOver; then say over; elif isLeaving; then say leaving; else say cut; fi
  `;
}

/**
 * Puts a script on the host, starts it there as a transient unit, and follows it. Delivered twice, even at the same time
 * by a session that was thought lost, it starts once.
 * The script removes its own file first, because late values may stand in it.
 */
export function deliverScript(run: string, phase: string, script: string): Shell {
  const folder = runFolder(run, phase);
  const unit = `landfall-${run}-${phase}.service`;
  return sh`
    umask 077
    mkdir -p ${folder}
    exec 7>>${folder}/delivering
    flock 7
    if ! [ -e ${folder}/events ]; then
      cat >${folder}/script ${heredoc(script)}
      : >${folder}/events
      systemd-run --quiet --service-type=exec --collect --unit=${unit} --description=${`Landfall: ${phase}`} \
        --property=StandardOutput=append:${folder}/events --property=StandardError=append:${folder}/events \
        --property=TimeoutStopSec=10 --property=OOMPolicy=continue \
        /bin/sh -c 'exec 8>>/run/landfall/work; flock -w 600 8 || exit 75; exec 3<"$1"; rm -f "$1"; exec /bin/sh /dev/fd/3' landfall ${folder}/script 7>&-
    fi
    exec 7>&-
    ${followScript(run, phase, 1)}
  `;
}

/** Asks a detached script to end before its next step, or at once; one that has not arrived yet ends before its first. */
export function stopScript(run: string, phase: string, now: boolean): Shell {
  const folder = runFolder(run, phase);
  const wish = sh`( umask 077; mkdir -p ${folder}; : >${folder}/stop )`;
  const unit = `landfall-${run}-${phase}.service`;
  return now ? lines(wish, sh`systemctl kill --kill-whom=all --signal=TERM ${unit} 2>&1 || true`) : wish;
}

/** Hands over late values of a phase. */
export function collectScript(run: string, phase: string, names: readonly string[]): Shell {
  const folder = runFolder(run, phase);
  return sh`
    for name in ${names}; do
      if [ -e ${folder}/given/"$name" ]; then
        say given "$(b64 "$name")" "$(base64 -w0 <${folder}/given/"$name")"
      fi
    done
  `;
}

/** Removes the late values of a phase from the host. */
export function forgetScript(run: string, phase: string): Shell {
  return sh`rm -rf ${runFolder(run, phase)}/given`;
}
