import type { Output, RunOptions } from './host.ts';
import { type Frame, frame } from './frame.ts';
import { type Argv, start } from './spawned.ts';

/** The shell at the other end went away while, or before, a script ran. */
export class ChannelGone extends Error {
  /** What the local program ended with; ssh itself says 255 when the trouble was its own. */
  readonly status: number;
  /** Whether this or an earlier script was known to run. */
  readonly begun: boolean;
  /** What came where the mark was expected. */
  readonly stdout: string;
  /** The same; of a script that ran, the end of what it, or ssh, said there last. */
  readonly stderr: string;
  constructor(parts: { status: number; begun: boolean; stdout: string; stderr: string }) {
    super(`the shell went away with status ${parts.status}`);
    this.name = 'ChannelGone';
    this.status = parts.status;
    this.begun = parts.begun;
    this.stdout = parts.stdout;
    this.stderr = parts.stderr;
  }
}

/** One shell on the host that takes scripts one after another. */
export interface Channel {
  /**
   * Runs one script; not before the last one has ended.
   * @throws ChannelGone when the shell went away; the signal's reason when aborted: the channel is of no more use then.
   */
  readonly run: (script: string, options: RunOptions) => Promise<Output>;
  /** Resolves at the first mark: somebody is there. Rejects with ChannelGone when nobody came. */
  readonly begun: Promise<void>;
  /** Resolves when its process has ended. */
  readonly ended: Promise<number>;
  /** Whether it can take another script: not when it has ended or was aborted. */
  readonly usable: () => boolean;
  /** Whether a script on it was aborted. */
  readonly wasAborted: () => boolean;
  /** Lets it end by itself: no more scripts will come. */
  readonly end: () => void;
  /** Ends its process at once. */
  readonly kill: (signal?: NodeJS.Signals) => void;
}

interface Run {
  readonly out: Frame;
  readonly err: Frame;
  readonly lastError: () => string;
}

function byteLength(script: string): string {
  const text = script.replace(/\n+$/, '');
  return `${Buffer.byteLength(text)}\n${text}`;
}

/**
 * Starts a program at whose other end the serving shell of root-shell.ts runs.
 * @throws ProgramMissing when it is not installed.
 */
export function openChannel(argv: Argv, env: Readonly<Record<string, string>>): Channel {
  let current: Run | undefined;
  let isBegun = false;
  let spoilt = false;
  let aborted = false;
  let over = false;
  // What came while no script was awaited: words of ssh after the last script, of no interest to the next.
  const program = start(argv, {
    apart: true,
    env,
    onStdout: (text) => current?.out.push(text),
    onStderr: (text) => current?.err.push(text),
  });
  let sayBegun: () => void;
  let sayNobody: (error: ChannelGone) => void;
  const begun = new Promise<void>((resolve, reject) => {
    sayBegun = resolve;
    sayNobody = reject;
  });
  begun.catch(() => {});
  const gone = program.ended.then((status) => {
    over = true;
    const error = new ChannelGone({
      status,
      begun: isBegun,
      stdout: current?.out.noise() ?? '',
      stderr: current === undefined ? '' : current.err.noise() || current.lastError(),
    });
    sayNobody(error);
    return error;
  });
  const run = async (script: string, { signal, onData }: RunOptions): Promise<Output> => {
    // Loaded while the host is being connected to.
    const { randomBytes } = await import('node:crypto');
    signal?.throwIfAborted();
    const mark = `\u001e${randomBytes(16).toString('hex')}`;
    const stdout: string[] = [];
    const stderr: string[] = [];
    let giveUp: () => void = () => {};
    const finished = new Promise<Output>((resolve, reject) => {
      let status: number | undefined;
      let streams = 2;
      const close = (): void => {
        streams -= 1;
        if (streams === 0) resolve({ status: status ?? 1, stdout: stdout.join(''), stderr: stderr.join('') });
      };
      current = {
        out: frame(mark, {
          onStart: () => {
            isBegun = true;
            sayBegun();
          },
          onData: onData ?? ((text) => stdout.push(text)),
          onEnd: (tail) => {
            status = Number(tail);
            close();
          },
        }),
        lastError: () => stderr.slice(-20).join('').slice(-2000),
        err: frame(mark, { onStart: () => {}, onData: (text) => stderr.push(text), onEnd: close }),
      };
      void gone.then(reject);
      giveUp = () => {
        aborted = true;
        reject(signal?.reason);
      };
    });
    signal?.addEventListener('abort', giveUp, { once: true });
    program.write(`${mark} ${byteLength(script)}`);
    try {
      return await finished;
    } catch (error) {
      spoilt = true;
      program.deafen();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      current = undefined;
    }
  };
  return {
    run,
    begun,
    ended: program.ended,
    usable: () => !over && !spoilt,
    wasAborted: () => aborted,
    end: program.end,
    kill: program.kill,
  };
}
