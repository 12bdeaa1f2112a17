import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Facts } from '../../src/model/facts.ts';
import type { Step } from '../../src/steps/step.ts';
import { HARBOUR, inRoot, runPiece, scene, step } from './scene.ts';

/*
 * A host as far as its ssh port goes: what lies on its disk, what its sshd (or systemd for it) has read of that and listens on, and a
 * timer. The programs the steps call are stand-ins on the PATH; everything else is this machine's own.
 */

/** The words of every program a step of a login calls, as the stand-ins answer them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ss: `
    { sed 's/.*/& sshd/' "$H/listening"; cat "$H/others" 2>/dev/null; } | while read -r port who; do
      case "$*" in *sport*) case "$*" in *":$port") ;; *) continue ;; esac ;; esac
      [ "$who" = sshd ] && [ -e "$H/socket" ] && who=systemd
      echo "LISTEN 0 128 0.0.0.0:$port 0.0.0.0:* users:((\\"$who\\",pid=1,fd=3))"
    done`,
  sshd: `
    [ -d "$H/run/sshd" ] || { echo 'Missing privilege separation directory: /run/sshd'; exit 255; }
    case $1 in
      -t) [ ! -e "$H/broken" ] || { echo '/etc/ssh/sshd_config line 7: Bad configuration option: nonsense'; exit 255; } ;;
      -T) on_disk | sed 's/^/listenaddress 0.0.0.0:/' ;;
    esac`,
  systemctl: `
    case "$*" in
      'reload-or-restart ssh.service') [ -e "$H/deaf" ] || on_disk | free_of_others >"$H/listening" ;;
      'restart ssh.socket') socket_on_disk | free_of_others >"$H/listening" ;;
      'show -p Listen --value ssh.socket') socket_on_disk | sed 's/.*/[::]:& (Stream)/' ;;
      'show -p NeedDaemonReload'*) echo no ;;
      'stop landfall-ssh-back.timer') rm -f "$H/timer" ;;
      # With a socket the connection a step came by has started it.
      *'is-active ssh.service') true ;;
      *'is-active ssh.socket') [ -e "$H/socket" ] ;;
      'stop ssh.service') rm -r "$H/run/sshd" ;;
    esac`,
  'systemd-run': 'echo armed >"$H/timer"',
};

const COMMON = `
on_disk() { { sed -n 's/^Port //p' "$H"/etc/ssh/sshd_config.d/*.conf "$H/etc/ssh/sshd_config"; } 2>/dev/null | sort -nu | grep . || echo 22; }
socket_on_disk() { sed -n 's/^ListenStream=\\(..*\\)/\\1/p' "$H"/etc/systemd/system/ssh.socket.d/*.conf 2>/dev/null | grep . || echo 22; }
free_of_others() { grep -vxFf "$H/other-ports"; }
`;

/** What changes files and does nothing else; counted with the others, so that a step can be ended before each of them. */
const OWN = ['mv', 'rm', 'cp'];

/** A host of the model. */
export interface Door {
  readonly step: (id: string) => Step;
  readonly run: (
    id: string,
    piece: 'read' | 'make' | 'undo',
    endBefore?: number,
  ) => { readonly status: number | null; readonly text: string; readonly calls: number };
  readonly listening: () => readonly number[];
  /** The ports it would listen on after a reboot. */
  readonly reboot: () => void;
  /** The login from outside that leaves word on the host. */
  readonly comeIn: (user: string, port: number) => boolean;
  /** The timer has run out. */
  readonly timeIsUp: () => void;
  readonly isArmed: () => boolean;
  readonly put: (path: string, text: string) => void;
  readonly has: (path: string) => boolean;
  /** Keeps the host as it is now; gives what brings it back to that. */
  readonly keep: () => () => void;
  readonly remove: () => void;
}

/** Makes a host on port 22. @param firewall ports that do not answer from outside. */
export function door(
  by: 'service' | 'socket' = 'service',
  firewall: readonly number[] = [],
  wish: number = 22322,
): Door {
  const home = mkdtempSync(join(tmpdir(), 'landfall-door-'));
  const folders = [home];
  const bin = join(home, 'bin');
  const at = (path: string): string => join(home, path);
  const put = (path: string, text: string): void => {
    mkdirSync(join(at(path), '..'), { recursive: true });
    writeFileSync(at(path), text);
  };
  for (const folder of ['bin', 'etc/ssh/sshd_config.d', 'run/sshd', 'var/lib'])
    mkdirSync(at(folder), { recursive: true });
  put('etc/ssh/sshd_config', 'Include /etc/ssh/sshd_config.d/*.conf\n');
  put('listening', '22\n');
  put('other-ports', 'none\n');
  if (by === 'socket') put('socket', '');
  put('common', COMMON);
  // Of programs of one pipeline each has a number of its own.
  const count = `exec 8>>"$H/turn"; /usr/bin/flock 8; n=$(($(cat "$H/calls" 2>/dev/null || echo 0) + 1)); echo "$n" >"$H/calls"; [ "$n" != "$END_BEFORE" ] || kill -9 0; exec 8>&-`;
  for (const [name, text] of [
    ...Object.entries(PROGRAMS),
    ...OWN.map((name) => [name, `exec /usr/bin/${name} "$@"`] as const),
  ]) {
    writeFileSync(join(bin, name), `#!/bin/sh\nH=${home}; . "$H/common"\n${count}\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  // What is waited for comes at once here, or never.
  writeFileSync(join(bin, 'sleep'), '#!/bin/sh\n');
  chmodSync(join(bin, 'sleep'), 0o755);
  const facts: Partial<Facts> = { ssh: { by, login: 'root' } };
  const cluster = { ...HARBOUR, host: { ...HARBOUR.host, ssh: { port: wish } } };
  const found = (id: string): Step => inRoot(home, step(id, scene(cluster, facts)));
  const ports = (): readonly number[] =>
    readFileSync(at('listening'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  const shell = (text: string): void => {
    spawnSync('dash', ['-c', `PATH=${bin}:$PATH; ${text}`], {
      encoding: 'utf8',
      env: { ...process.env, H: home },
    });
  };
  return {
    step: found,
    run: (id, piece, endBefore) => {
      rmSync(at('calls'), { force: true });
      const { status, stdout, stderr } = runPiece(found(id), piece, bin, {
        END_BEFORE: String(endBefore ?? 0),
      });
      const calls = existsSync(at('calls')) ? Number(readFileSync(at('calls'), 'utf8')) : 0;
      return { status, text: `${stdout}${stderr}`.trim(), calls };
    },
    listening: ports,
    reboot: () => {
      for (const gone of ['run', 'timer']) rmSync(at(gone), { recursive: true, force: true });
      mkdirSync(at('run'));
      shell(by === 'socket' ? 'systemctl restart ssh.socket' : 'systemctl reload-or-restart ssh.service');
      mkdirSync(at('run/sshd'), { recursive: true });
    },
    comeIn: (user, port) => {
      if (!ports().includes(port) || firewall.includes(port)) return false;
      put('run/landfall-ssh/proven', `${user} ${port}\n`);
      return true;
    },
    timeIsUp: () => {
      if (!existsSync(at('timer'))) return;
      rmSync(at('timer'));
      shell(`sh ${at('run/landfall-ssh/back')}`);
    },
    isArmed: () => existsSync(at('timer')),
    put,
    has: (path) => existsSync(at(path)),
    keep: () => {
      const kept = mkdtempSync(join(tmpdir(), 'landfall-door-'));
      folders.push(kept);
      const isState = (path: string): boolean => path !== bin;
      cpSync(home, kept, { recursive: true, preserveTimestamps: true, filter: isState });
      return () => {
        for (const name of readdirSync(home))
          if (isState(at(name))) rmSync(at(name), { recursive: true, force: true });
        cpSync(kept, home, { recursive: true, preserveTimestamps: true });
      };
    },
    remove: () => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}
