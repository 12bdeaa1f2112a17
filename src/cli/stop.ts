import { setMaxListeners } from 'node:events';
import type { StopSignals } from '../run/carry.ts';
import type { Context, StopSignal } from './context.ts';

/** How long the hosts may take to end what they do when they are told to, in milliseconds; then the process ends all the same. */
const GRACE = 10_000;

/** The operator's wish to stop, while something runs. */
export interface Stopping {
  readonly signals: StopSignals;
  /** What the process ends with when it was stopped: 130 or 143. */
  readonly exit: () => 130 | 143 | undefined;
  /** Gives the signals back. */
  readonly done: () => void;
}

/**
 * Ctrl-C once stops after the current step, twice at once; a request to terminate at once. Work on hosts that cannot be
 * told any more goes on there: the next apply follows it.
 * @param command the command that goes on afterwards: `landfall apply`.
 * @param say shows a line where the run is shown.
 * @param leave gives the terminal back, before the process is ended.
 */
export function stopping(
  context: Context,
  command: string,
  say: (text: string) => void,
  leave: () => void,
): Stopping {
  const soon = new AbortController();
  const now = new AbortController();
  // Everything that goes on listens, a host each; Node takes more than ten for a leak and warns of it on the terminal.
  setMaxListeners(0, soon.signal, now.signal);
  let exit: 130 | 143 | undefined;
  let begun: number | undefined;
  let endWatch = (): void => undefined;
  const end = (code: 130 | 143): void => {
    exit ??= code;
    if (begun !== undefined) {
      leave();
      context.process.exit(exit);
      return;
    }
    begun = context.process.now();
    say('stopping now; again to leave without waiting for the hosts');
    soon.abort(code);
    now.abort(code);
    endWatch = context.process.every(100, () => {
      if (context.process.now() - (begun ?? 0) < GRACE) return;
      say(
        `Stopped. The hosts did not answer within ${GRACE / 1000} s; what was begun there goes on, and the next ${command} follows it`,
      );
      leave();
      context.process.exit(exit ?? code);
    });
  };
  const calls: Readonly<Record<StopSignal, () => void>> = {
    SIGINT: () => {
      if (soon.signal.aborted) return end(130);
      exit = 130;
      soon.abort(130);
      say('stopping after the current step; again to stop now');
    },
    SIGTERM: () => end(143),
    SIGHUP: () => end(143),
  };
  const undo = (Object.keys(calls) as StopSignal[]).map((signal) =>
    context.process.onSignal(signal, calls[signal]),
  );
  return {
    signals: { soon: soon.signal, now: now.signal },
    exit: () => exit,
    done: () => {
      endWatch();
      for (const call of undo) call();
    },
  };
}
