import { type Shell, sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { folder, putBack } from './kinds/file.ts';
import type { Scene } from './phase.ts';
import { FILES, SSH_NOTE } from './places.ts';
import { ROLLBACK_SECONDS } from './rollback.ts';
import {
  ARMED,
  arm,
  atBoot,
  backNow,
  disarm,
  listening,
  provenLogin,
  takeEffect,
  takeTurn,
  untilListening,
  WAY_BACK,
  writePorts,
} from './sshd.ts';
import type { Clue, Step } from './step.ts';

const SEE = ['man 5 sshd_config', 'man 5 systemd.socket'];

/**
 * The port sshd is to listen on: as wished, or, where the wish was taken back after sshd had been moved, where it is; so that a
 * reset still finds what it has to put back.
 */
export function wishedPort({ cluster, facts }: Scene): number | undefined {
  const wish = cluster.host.ssh?.port;
  return wish ?? (facts.ssh?.before === undefined ? undefined : cluster.ssh.port);
}

/** What is looked at before anything is touched: that what is wished of sshd can be had without locking anybody out. */
export function loginChecks(scene: Scene): readonly Step[] {
  const port = scene.cluster.host.ssh?.port;
  return [
    ...(port === undefined ? [] : [portIsFree(port)]),
    ...(scene.cluster.host.ssh?.rootLogin === 'never' ? [ownLogin(scene.facts.ssh?.login ?? 'root')] : []),
  ];
}

/** Prints which program but sshd and systemd holds this port. */
function stranger(port: number): Shell {
  return sh`ss -Hltnp ${`sport = :${port}`} | grep -v -e '"sshd"' -e '"systemd"' | sed 's/.*users:(("\([^"]*\)".*/\1/' | head -n 1`;
}

function portIsFree(port: number): Step {
  return check(
    {
      id: 'preflight/ssh-port',
      title: `Have port ${port} free for sshd`,
      why: 'Where another program listens, sshd says so in its log, and listens on its other ports alone.',
      see: ['man 5 sshd_config'],
      clues: [
        {
          match: /^held by /,
          means: `another program listens on port ${port}`,
          try: `choose another host.ssh.port in cluster.yaml, or find it with: ss -ltnp 'sport = :${port}'`,
        },
      ],
    },
    {
      read: sh`by=$(${stranger(port)}); if [ -n "$by" ]; then echo "held by $by"; else echo "free, or sshd's own"; fi`,
      want: "free, or sshd's own",
    },
  );
}

function ownLogin(login: string): Step {
  return check(
    {
      id: 'preflight/own-login',
      title: 'Log in as somebody else than root',
      why: 'Landfall would lock itself out, and you with it, were it to forbid the very login it uses.',
      see: SEE,
      clues: [
        {
          match: /is root$/,
          means: 'cluster.yaml wants root kept out, and root is who Landfall logs in as',
          try: 'make a user who may log in with your key and whose sudo asks for no password, and name it in ssh.user; or be content with host.ssh.rootLogin: keys',
        },
      ],
    },
    {
      read: sh`if [ "$(id -u ${login})" = 0 ]; then echo ${`${login} is root`}; else echo 'somebody else'; fi`,
      want: 'somebody else',
    },
  );
}

const CONFIG_CLUES: readonly Clue[] = [
  {
    match: /:[0-9]+: *(Port|ListenAddress)/i,
    means: 'another file names the ports sshd listens on, and what one file opens no other can close',
    try: 'comment out the lines that are shown; then run it again',
  },
  {
    match: /^\/etc\/ssh\/.* line \d+|Bad configuration|Missing privilege separation/,
    means: 'sshd does not accept its own configuration; Landfall has put back what it changed',
    try: 'sshd -t says where; a server with a configuration like that stays down after its next restart',
  },
  {
    match: /^logins are taken on /,
    means:
      'sshd did not do as its configuration says, and what was changed has been put back: /etc/ssh/sshd_config may not include /etc/ssh/sshd_config.d/*.conf, or the port could not be had',
    try: 'journalctl -n 20 -u ssh.service -u ssh.socket; the first line of /etc/ssh/sshd_config should read: Include /etc/ssh/sshd_config.d/*.conf',
  },
];

/** Fails, with the lines, when another file names ports: ports add up, and ours could open one but close none. */
const noOtherFile = sh`
  others=$(grep -EHin '^[[:space:]]*(Port[[:space:]=]|ListenAddress[[:space:]=].*[^:]:[0-9]+[[:space:]]*$)' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | grep -vF ${FILES.sshPort}) || :
  if [ -n "$others" ]; then printf '%s\n' "$others"; exit 1; fi`;

/** The wished port beside the old one: the first part of a move. */
export function loginSteps(scene: Scene): readonly Step[] {
  const port = wishedPort(scene);
  if (port === undefined) return [];
  const by = scene.facts.ssh?.by ?? 'service';
  return [
    {
      id: 'login/port-beside',
      title: `Let sshd listen on port ${port} too`,
      why: `A door is closed when another is known to open. Until somebody has come in through the new one, both are open; and when nobody has within ${ROLLBACK_SECONDS / 60} minutes, the host itself takes it back.`,
      see: SEE,
      read: sh`case " $(${listening}) " in *${` ${port} `}*) echo ${`listens on ${port}`} ;; *) echo ${`does not listen on ${port}`} ;; esac`,
      want: `listens on ${port}`,
      make: sh`
        ${takeTurn}
        by=$(${stranger(port)})
        if [ -n "$by" ]; then echo ${`port ${port} is held by`} "$by"; exit 1; fi
        sshd -t
        ${by === 'service' ? noOtherFile : sh`:`}
        old=$(${listening})
        mkdir -p ${folder(SSH_NOTE)}
        [ -e ${SSH_NOTE} ] || { echo "$old" >${`${SSH_NOTE}.new`}; sync ${`${SSH_NOTE}.new`}; mv ${`${SSH_NOTE}.new`} ${SSH_NOTE}; }
        ${arm(by)}
        all=$(echo "$old" ${port} | tr ' ' '\n' | sort -nu | tr '\n' ' ' | sed 's/ $//')
        ${writePorts(by, sh`$all`)}
        sshd -t || { ${backNow}; ${disarm}; exit 1; }
        ${takeEffect(by)}
        ${untilListening(sh`$all`, sh`${backNow}; ${disarm}; exit 1`)}`,
      undo: sh`
        ${takeTurn}
        if [ -e ${SSH_NOTE} ]; then
          old=$(cat ${SSH_NOTE})
          if [ "$(${listening})" != "$old" ]; then
            ${provenLogin}
            case " $old " in *" $port "*) ;; *) echo "nobody has just come in through the old port ($old): the new one stays open beside it"; exit 1 ;; esac
          fi
          ${putBack(FILES.sshPort)}
          ${putBack(FILES.sshSocket)}
          rmdir ${folder(FILES.sshSocket)} 2>/dev/null || :
          ${takeEffect(by)}
          ${untilListening(sh`$old`, sh`exit 1`)}
          rm -f ${SSH_NOTE} ${WAY_BACK}
        fi`,
      writes: [FILES.sshPort, FILES.sshSocket],
      clues: CONFIG_CLUES,
    },
  ];
}

/** The old port closed: the last part of a move. */
export function portAlone(scene: Scene): readonly Step[] {
  const port = wishedPort(scene);
  if (port === undefined) return [];
  const by = scene.facts.ssh?.by ?? 'service';
  return [
    {
      id: 'login/port',
      title: `Let sshd listen on port ${port} alone`,
      why: 'Two doors are one too many to watch. The old one is closed by the host itself, and only after a login has come in through the new one.',
      see: SEE,
      after: ['login/port-beside'],
      read: sh`
        echo "listens on $(${listening})"
        echo "at boot: $(${atBoot(by)})"
        if [ -e ${ARMED} ]; then echo 'to be taken back unless somebody comes in'; else echo 'settled'; fi`,
      want: `listens on ${port}\nat boot: ${port}\nsettled`,
      make: sh`
        ${takeTurn}
        ${provenLogin}
        if [ "$port" != ${port} ]; then echo "the login from outside came in through port $port, "${`not ${port}`}; exit 1; fi
        ${arm(by)}
        ${writePorts(by, sh`${port}`)}
        sshd -t || { ${backNow}; ${disarm}; exit 1; }
        ${takeEffect(by)}
        ${untilListening(sh`${port}`, sh`${backNow}; ${disarm}; exit 1`)}
        ${disarm}`,
      undo: sh`
        ${takeTurn}
        if [ -e ${SSH_NOTE} ]; then
          cp ${SSH_NOTE} ${WAY_BACK}
          chmod 0644 ${WAY_BACK}
          all=$(echo "$(cat ${SSH_NOTE})" "$(${listening})" | tr ' ' '\n' | sort -nu | tr '\n' ' ' | sed 's/ $//')
          ${writePorts(by, sh`$all`)}
          sshd -t
          ${takeEffect(by)}
          ${untilListening(sh`$all`, sh`exit 1`)}
        fi`,
      writes: [FILES.sshPort, FILES.sshSocket],
      clues: [
        {
          match: /nobody has just logged in|came in through port/,
          means: 'the host has seen no login through the new port, or has taken the new port back meanwhile',
          try: 'landfall apply does all three parts of the move again, one after the other',
        },
        ...CONFIG_CLUES,
      ],
    },
  ];
}
