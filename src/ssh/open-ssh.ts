import { Problem } from '../model/problem.ts';
import { ChannelGone } from './channel.ts';
import { connect } from './connection.ts';
import { explainFailure, lostBecause, mayHaveBegun, noAnswer, sshMissing } from './failure.ts';
import { Disconnected, type Host, type Output, type RunOptions } from './host.ts';
import { NobodyThere, type Seat, linePool, unlessAborted } from './pool.ts';
import { socketFolder } from './socket-folder.ts';
import { ProgramMissing } from './spawned.ts';
import { type Target, checkTarget } from './target.ts';

/** How a host is reached; nothing of it need be given. */
export interface OpenSshOptions {
  /** A short folder, 0700, for sockets and logs; the process's own when absent. */
  readonly socketDir?: string;
  /** How long the TCP connection and the first word of sshd may take, in seconds; 10 when absent. */
  readonly connectTimeoutSeconds?: number;
  /** How long it may take until a root shell answers, in seconds; 60 when absent: a security key may want to be touched. */
  readonly loginTimeoutSeconds?: number;
  /** After how long a host that says nothing any more counts as lost, in seconds; 60 when absent. */
  readonly silenceSeconds?: number;
  /** How many scripts run at once; others wait. 8 when absent: sshd allows 10 sessions a connection (MaxSessions). */
  readonly sessions?: number;
}

/** How often a connection is tried when sshd hangs up because too many come at once. Nothing was sent then. */
const TRIES = 4;

/** Whether this machine's ssh was found to be older than 8.7; found once, for the whole process. */
let oldSsh = false;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets `limit` in at once; the rest waits in order. */
function gate(limit: number): (signal: AbortSignal | undefined) => Promise<() => void> {
  const waiting = new Set<() => void>();
  let inside = 0;
  return async (signal) => {
    while (inside >= limit) {
      let wake: () => void = () => {};
      const turn = new Promise<void>((resolve) => (wake = resolve));
      waiting.add(wake);
      try {
        await unlessAborted(turn, signal);
      } finally {
        waiting.delete(wake);
      }
    }
    inside += 1;
    return () => {
      inside -= 1;
      const [next] = waiting;
      next?.();
    };
  };
}

/**
 * A host behind the system's OpenSSH: all of the user's ssh_config holds, host keys are checked as it says. The first `run` opens
 * one connection; later ones, also several at once, share it; after a loss the next `run` opens it anew.
 * @throws Problem `ssh/value` (exit 2) when a part of the target could be taken for an option or for shell.
 */
export function openSsh(target: Target, options: OpenSshOptions = {}): Host {
  checkTarget(target);
  const loginSeconds = options.loginTimeoutSeconds ?? 60;
  const enter = gate(Math.max(1, options.sessions ?? 8));
  let trips = 0;
  const pool = linePool(
    () =>
      connect({
        target,
        folder: options.socketDir ?? socketFolder(),
        connectTimeoutSeconds: options.connectTimeoutSeconds ?? 10,
        silenceSeconds: options.silenceSeconds ?? 60,
        old: oldSsh,
      }),
    loginSeconds,
  );

  /** What it means that a shell went away, or never came. */
  const meaning = async (gone: ChannelGone, { line, late }: Seat): Promise<Problem | Disconnected> => {
    const { status, stdout, stderr } = gone;
    const attempt = { target, status, log: line.log(), stdout, stderr };
    if (gone.begun || (!late && mayHaveBegun(attempt)))
      return new Disconnected(target.name, lostBecause(attempt));
    return late ? noAnswer(attempt, loginSeconds) : explainFailure(attempt);
  };

  const once = async (script: string, runOptions: RunOptions): Promise<Output> => {
    const seat = await pool.take(runOptions.signal);
    try {
      return await seat.line.channel.run(script, runOptions);
    } catch (error) {
      throw error instanceof ChannelGone ? await meaning(error, seat) : error;
    } finally {
      pool.leave(seat);
    }
  };

  const persistently = async (script: string, runOptions: RunOptions): Promise<Output> => {
    for (let tried = 1; ; tried += 1) {
      const old = oldSsh;
      try {
        return await once(script, runOptions);
      } catch (error) {
        if (error instanceof ProgramMissing) throw sshMissing(target);
        // Our own script was not sent yet: a loss is somebody else's, and no reason not to try.
        const cause = error instanceof NobodyThere ? await meaning(error.gone, error.seat) : error;
        const code = cause instanceof Problem ? cause.code : '';
        const others = error instanceof NobodyThere && cause instanceof Disconnected;
        if (tried === TRIES || !(others || code === 'ssh/busy' || (code === 'ssh/too-old' && !old)))
          throw cause;
        if (code === 'ssh/too-old') oldSsh = true;
        else await unlessAborted(pause(tried * (100 + Math.random() * 300)), runOptions.signal);
      }
    }
  };

  return {
    name: target.name,
    address: target.address,
    open: () => void pool.take().then(pool.leave, () => undefined),
    run: async (script, runOptions = {}) => {
      if (script.includes('\0')) throw new RangeError('a script cannot hold a NUL');
      const leave = await enter(runOptions.signal);
      trips += 1;
      try {
        return await persistently(script, runOptions);
      } finally {
        leave();
      }
    },
    trips: () => trips,
    close: pool.close,
  };
}
