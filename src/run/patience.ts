import { Problem } from '../model/problem.ts';
import { Disconnected, type Host } from '../ssh/host.ts';

/** How a host that was there a moment ago is waited for. */
export interface Patience {
  readonly seconds: number;
  /** Ends the waiting. */
  readonly stop: AbortSignal;
}

/** What ssh says of a host that is cut off, going down or still starting; its sshd may refuse users while it boots. */
const PASSING: ReadonlySet<string> = new Set([
  'ssh/busy',
  'ssh/failed',
  'ssh/jump-host',
  'ssh/not-yet',
  'ssh/proxy-command',
  'ssh/slow-login',
  'ssh/unreachable',
  'ssh/user-refused',
]);

/** Why a host is lost, when that may pass by itself; undefined for everything else. */
export function passing(error: unknown): string | undefined {
  if (error instanceof Disconnected) return error.message;
  return error instanceof Problem && PASSING.has(error.code) ? error.summary : undefined;
}

/** Waits so many milliseconds, or until the signal. */
export function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    stop.addEventListener('abort', over);
  });
}

/**
 * Tries again and again what a lost host keeps from being done, for as long as the patience lasts. Only for what may be
 * done twice.
 * @param onLost is told once, when the first try has failed.
 * @throws what the last try threw.
 */
export async function patiently<T>(
  patience: Patience,
  work: () => Promise<T>,
  onLost: (why: string) => void = () => undefined,
): Promise<T> {
  let until: number | undefined;
  for (let wait = 250; ; wait = Math.min(wait * 2, 5000)) {
    try {
      return await work();
    } catch (error) {
      const why = passing(error);
      if (until === undefined && why !== undefined) onLost(why);
      until ??= Date.now() + patience.seconds * 1000;
      if (why === undefined || patience.stop.aborted || Date.now() >= until) throw error;
      await pause(Math.min(wait, Math.max(0, until - Date.now())), patience.stop);
    }
  }
}

/** A host whose scripts are tried again when it was lost: for scripts that only look. */
export function waitedFor(
  host: Host,
  patience: Patience,
  onNotice: (code: string, text: string) => void,
): Host {
  return {
    ...host,
    run: async (script, options) => {
      let isLost = false;
      const out = await patiently(
        patience,
        () => host.run(script, options),
        (why) => {
          isLost = true;
          onNotice('run/lost', `lost ${host.name} (${why}); looking for it again`);
        },
      );
      if (isLost) onNotice('run/found', `${host.name} answers again`);
      return out;
    },
  };
}
