import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Channel, openChannel } from './channel.ts';
import { ROOT_SHELL } from './root-shell.ts';
import { freshName } from './socket-folder.ts';
import type { Target } from './target.ts';
import { type Part, pinLine, sshArgv } from './words.ts';

/** One shell on the host. */
export interface Line {
  readonly channel: Channel;
  /** What its ssh has said of itself so far. */
  readonly log: () => string;
}

/** A connection to a host that several shells share. */
export interface Connection {
  /** The line of the process that holds the connection. */
  readonly first: Line;
  /** Another shell over the same connection; to be called when `first.channel.begun` has resolved. */
  readonly another: () => Line;
  /** Whether it was made for an ssh older than 8.7. */
  readonly old: boolean;
  /** Removes the files that belong to it; when all its processes have ended. */
  readonly forget: () => void;
}

/** What is the same for every connection to a host. */
export interface ConnectionOptions {
  readonly target: Target;
  /** A short folder of our own, 0700. */
  readonly folder: string;
  readonly connectTimeoutSeconds: number;
  readonly silenceSeconds: number;
  /** Whether this machine's ssh is older than 8.7. */
  readonly old: boolean;
}

// ssh, and the ssh of a jump host, must not ask anybody: not on a terminal (`apart` takes it away), not in a window.
const ENV = { SSH_ASKPASS_REQUIRE: 'never' };

function said(log: string): string {
  try {
    return readFileSync(log, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Begins to connect. The process that holds the connection runs the first shell itself, so that the first script costs no more
 * than a bare `ssh HOST`. It stays in the foreground, whatever ControlPersist says, and its shell ends with its input, so
 * that it goes when we do.
 * @throws ProgramMissing when there is no ssh.
 */
export function connect(options: ConnectionOptions): Connection {
  const { target, folder } = options;
  const name = join(folder, freshName());
  const files: string[] = [];
  const pinned = `${name}.pin`;
  if (target.hostKey !== undefined) {
    files.push(pinned);
    writeFileSync(pinned, pinLine(target), { mode: 0o600 });
  }
  const open = (role: Part['role']): Line => {
    const log = join(folder, `${freshName()}.log`);
    files.push(log);
    const part: Part = {
      target,
      socket: name,
      role,
      log,
      connectTimeoutSeconds: options.connectTimeoutSeconds,
      silenceSeconds: options.silenceSeconds,
      old: options.old,
      ...(target.hostKey === undefined ? {} : { pinned }),
    };
    const channel = openChannel(sshArgv(part, ROOT_SHELL), ENV);
    return { channel, log: () => said(log) };
  };
  return {
    first: open('master'),
    another: () => open('user'),
    old: options.old,
    forget: () => {
      for (const file of files) rmSync(file, { force: true });
    },
  };
}
