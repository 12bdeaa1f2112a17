import type { SshFacts } from '../model/facts.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { FILES, SSH_STATE } from './places.ts';
import * as rollback from './rollback.ts';

/** The move of sshd, which the host takes back unless somebody comes in through the new port. */
const MOVE: rollback.Rollback = {
  state: SSH_STATE,
  unit: 'landfall-ssh-back',
  description: 'Landfall: put the old ssh port back',
};

/** Says who has come in, and through which port: `ops 22322`. Written by the login itself, see `login-proof.ts`. */
export const PROVEN = rollback.provenFile(MOVE);

/** The old ports, for those who come to prove them again before a reset closes the new one. */
export const WAY_BACK = `${SSH_STATE}/old-ports`;

/** Is there as long as the timer is armed; both go with a reboot. */
export const ARMED = rollback.armedFile(MOVE);

const KEPT = `${SSH_STATE}/kept`;

/** Numbers, one a line, as one sorted line. */
const asLine = sh`sort -nu | tr '\n' ' ' | sed 's/ $//'`;

/** Prints the ports logins are taken on now, in one line: those sshd itself holds, and those systemd holds for it. */
export const listening = sh`
  ss -Hltnp | awk -v held="$(systemctl show -p Listen --value ssh.socket 2>/dev/null | tr '\n' ' ')" '
    BEGIN { n = split(held, words, " "); for (i = 1; i <= n; i++) if (words[i] ~ /[0-9]$/) { sub(/.*:/, "", words[i]); mine[words[i]] = 1 } }
    $4 ~ /^(127\.|\[::1\])/ { next }
    { port = $4; sub(/.*:/, "", port) }
    /"sshd"/ || (/"systemd"/ && port in mine) { print port }' | ${asLine}`;

/** Prints the ports logins will be taken on after the next start, in one line. */
export function atBoot(by: SshFacts['by']): Shell {
  return by === 'socket'
    ? sh`
      systemctl show -p Listen --value ssh.socket | sed -n 's/^\(.*:\)*\([0-9]*\) (Stream)$/\2/p' | ${asLine}
      [ "$(systemctl show -p NeedDaemonReload --value ssh.socket)" != yes ] || echo 'not what lies on the disk'`
    : sh`sshd -T 2>/dev/null | sed -n 's/^listenaddress .*:\([0-9]*\)$/\1/p' | ${asLine}`;
}

/**
 * Ends an sshd that systemd has started for its socket: the next connection starts another. Open connections are not its own any
 * more and stay. Its folder goes with it, and until it is back no sshd would so much as read its files.
 */
const endOfSocket = sh`
  if systemctl -q is-active ssh.service; then systemctl stop ssh.service; fi
  mkdir -p /run/sshd`;

/** Brings what lies on the disk into effect. Connections that are open stay open either way. */
export function takeEffect(by: SshFacts['by']): Shell {
  return by === 'socket'
    ? sh`
      systemctl daemon-reload
      # A socket is not given anew to a service that still holds the old one.
      ${endOfSocket}
      systemctl restart ssh.socket`
    : sh`systemctl reload-or-restart ssh.service`;
}

/**
 * Has sshd read its files anew, where it runs. Told to do so, one that was given its socket would try to listen by itself, find the
 * port taken, and end as failed.
 */
export const readAgain = sh`
  if systemctl -q is-active ssh.socket; then
    ${endOfSocket}
  elif systemctl -q is-active ssh.service; then systemctl reload ssh.service; fi`;

/** Writes the files that make sshd listen on these ports, a list of numbers in a shell variable or word. */
export function writePorts(by: SshFacts['by'], ports: Shell): Shell {
  const config = sh`
    mkdir -p ${folder(FILES.sshPort)}
    { echo '# Written by Landfall: where sshd listens (host.ssh.port).'; for port in ${ports}; do echo "Port $port"; done; } >${draft(FILES.sshPort)}
    ${inPlace(FILES.sshPort)}`;
  if (by === 'service') return config;
  // An address that is written out is kept; without one it is all of them, of both families as far as the host has them.
  return sh`
    ${config}
    mkdir -p ${folder(FILES.sshSocket)}
    {
      echo '# Written by Landfall: where systemd listens for sshd (host.ssh.port).'
      echo '[Socket]'; echo 'ListenStream='; echo 'BindIPv6Only=both'
      systemctl show -p Listen --value ssh.socket | sed -n 's/ (Stream)$//p' | sed -e 's/^[0-9]*$/all/' -e 's/:[0-9]*$//' -e 's/^\[::\]$/all/' -e 's/^0\.0\.0\.0$/all/' | sort -u |
        while read -r at; do for port in ${ports}; do
          if [ "$at" = all ]; then echo "ListenStream=$port"; else echo "ListenStream=$at:$port"; fi
        done; done
    } >${draft(FILES.sshSocket)}
    ${inPlace(FILES.sshSocket)}`;
}

/** Stops everything but one at a time, until the piece it stands in ends. */
export const takeTurn = rollback.takeTurn(MOVE);

/** Puts the ports back as they were when the timer was armed; does nothing when it is not. */
export const backNow = rollback.backNow(MOVE);

function backScript(by: SshFacts['by']): Shell {
  return sh`
    [ -e ${ARMED} ] || exit 0
    ${putBack(FILES.sshPort, KEPT)}
    ${putBack(FILES.sshSocket, KEPT)}
    ${takeEffect(by)}
    rm -rf ${PROVEN} ${ARMED} ${KEPT}`;
}

/**
 * Arms the timer: unless somebody confirms, the host itself puts the ports back as they are now. What is kept from an earlier
 * time it was armed stays: that is the state somebody was last known to get in by.
 */
export function arm(by: SshFacts['by']): Shell {
  const paths = [FILES.sshPort, FILES.sshSocket];
  return sh`
    if ! [ -e ${ARMED} ]; then
      rm -rf ${KEPT}
      for path in ${paths}; do
        if [ -e "$path" ]; then mkdir -p ${KEPT}"$(dirname "$path")"; cp -a "$path" ${KEPT}"$path"; fi
      done
      ${rollback.wayBack(MOVE, backScript(by))}
    fi
    ${rollback.startTimer(MOVE)}`;
}

/** Ends the waiting: what is, stays. */
export const disarm = sh`
  rm -rf ${ARMED} ${KEPT}
  ${rollback.stopTimer(MOVE)}`;

/**
 * Waits up to ten seconds until logins are taken on exactly these ports.
 * @param ports as {@link listening} prints them. @param otherwise what is done when they are not; it should end with a failure.
 */
export function untilListening(ports: Shell, otherwise: Shell): Shell {
  return sh`
    tries=0
    until now=$(${listening}); [ "$now" = "${ports}" ] || [ "$tries" -eq 50 ]; do tries=$((tries + 1)); sleep 0.2; done
    if [ "$now" != "${ports}" ]; then
      echo "logins are taken on \${now:-no port}, not on "${ports}
      ${otherwise}
    fi`;
}

/** Fails unless somebody has just logged in from outside; sets `$user` and `$port` to who, and through which port. */
export const provenLogin = sh`
  ${rollback.provenLately(MOVE, 'nobody has just logged in from outside: nothing is closed on trust')}
  read -r user port <${PROVEN}`;
