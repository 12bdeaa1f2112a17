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
import type { Firewall } from '../../src/model/firewall.ts';
import { HARBOUR, inRoot, runPiece, scene, step } from './scene.ts';

/*
 * A host as far as its firewall goes: what lies on its disk, what its kernel holds, and a timer. nft and systemd are stand-ins on the
 * PATH; everything else is this machine's own.
 */

const PROGRAMS: Readonly<Record<string, string>> = {
  nft: `
    case "$*" in
      '-f '*) if grep -q 198.51.100.99 "$2"; then echo "$2:1:1-2: Error: nonsense"; exit 1; fi; /bin/cp "$2" "$H/kernel" ;;
      *'list table'*) /bin/cat "$H/kernel" 2>/dev/null ;;
      'delete table'*) /bin/rm "$H/kernel" ;;
    esac`,
  unshare: 'shift 4; /bin/cat "$1"',
  systemctl: `
    case "$*" in
      'stop landfall-firewall-back.timer') /bin/rm -f "$H/timer" ;;
      *'enable --now landfall-firewall.service') : >"$H/enabled"; [ -e "$H/active" ] || "$H/bin/nft" -f "$H/etc/landfall/firewall.nft"; : >"$H/active" ;;
      *'disable --now landfall-firewall.service') /bin/rm -f "$H/enabled" "$H/active" ;;
      'show -p ActiveState,UnitFileState'*)
        if [ -e "$H/active" ]; then echo ActiveState=active; else echo ActiveState=inactive; fi
        if [ -e "$H/enabled" ]; then echo UnitFileState=enabled; else echo UnitFileState=disabled; fi ;;
    esac`,
  'systemd-run': 'echo armed >"$H/timer"',
};

/** What changes files and does nothing else; counted with the others, so that a step can be ended before each of them. */
const OWN = ['mv', 'rm', 'cp', 'cat', 'chmod', 'sync'];

/** A host of the model. */
export interface Gate {
  readonly run: (
    id: string,
    piece: 'read' | 'make' | 'undo',
    endBefore?: number,
  ) => { readonly status: number | null; readonly text: string; readonly calls: number };
  readonly right: (id: string) => boolean;
  /** Whose rules the kernel holds: the text, or nothing. */
  readonly kernel: () => string;
  readonly setKernel: (text: string) => void;
  readonly reboot: () => void;
  /** The login from outside that leaves word on the host. */
  readonly comeIn: () => void;
  /** The timer has run out. */
  readonly timeIsUp: () => void;
  readonly isArmed: () => boolean;
  readonly has: (path: string) => boolean;
  /** From now on cluster.yaml wishes for this. */
  readonly wish: (firewall: Firewall) => void;
  /** Keeps the host as it is now; gives what brings it back to that. */
  readonly keep: () => () => void;
  readonly remove: () => void;
}

/** Makes a host without any rules. */
export function gate(first: Firewall): Gate {
  const home = mkdtempSync(join(tmpdir(), 'landfall-gate-'));
  const folders = [home];
  const bin = join(home, 'bin');
  const at = (path: string): string => join(home, path);
  for (const folder of ['bin', 'etc/systemd/system', 'run', 'var/lib'])
    mkdirSync(at(folder), { recursive: true });
  const count = `exec 8>>"$H/turn"; /usr/bin/flock 8; n=$(($(/bin/cat "$H/calls" 2>/dev/null || echo 0) + 1)); echo "$n" >"$H/calls"; [ "$n" != "$END_BEFORE" ] || kill -9 0; exec 8>&-`;
  for (const [name, text] of [
    ...Object.entries(PROGRAMS),
    ...OWN.map((name) => [name, `exec /bin/${name} "$@"`] as const),
  ]) {
    writeFileSync(join(bin, name), `#!/bin/sh\nH=${home}\n${count}\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  let firewall = first;
  const run: Gate['run'] = (id, piece, endBefore) => {
    rmSync(at('calls'), { force: true });
    const found = inRoot(home, step(id, scene({ ...HARBOUR, firewall })));
    const { status, stdout, stderr } = runPiece(found, piece, bin, { END_BEFORE: String(endBefore ?? 0) });
    const calls = existsSync(at('calls')) ? Number(readFileSync(at('calls'), 'utf8')) : 0;
    return { status, text: `${piece === 'read' ? stdout : stdout + stderr}`.trim(), calls };
  };
  const shell = (text: string): void => {
    spawnSync('dash', ['-c', `PATH=${bin}:$PATH; ${text}`], {
      encoding: 'utf8',
      env: { ...process.env, END_BEFORE: '0' },
    });
  };
  return {
    run,
    right: (id) => {
      const { want } = inRoot(home, step(id, scene({ ...HARBOUR, firewall })));
      return run(id, 'read').text === want;
    },
    kernel: () => (existsSync(at('kernel')) ? readFileSync(at('kernel'), 'utf8') : ''),
    setKernel: (text) => writeFileSync(at('kernel'), text),
    reboot: () => {
      for (const gone of ['run', 'timer', 'kernel', 'active'])
        rmSync(at(gone), { recursive: true, force: true });
      mkdirSync(at('run'));
      if (existsSync(at('enabled'))) shell('systemctl enable --now landfall-firewall.service');
    },
    comeIn: () => writeFileSync(at('run/landfall-firewall/proven'), ''),
    timeIsUp: () => {
      if (!existsSync(at('timer'))) return;
      rmSync(at('timer'));
      shell(`sh ${at('run/landfall-firewall/back')}`);
    },
    isArmed: () => existsSync(at('timer')),
    has: (path) => existsSync(at(path)),
    wish: (other) => {
      firewall = other;
    },
    keep: () => {
      const kept = mkdtempSync(join(tmpdir(), 'landfall-gate-'));
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
