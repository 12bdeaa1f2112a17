import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';

/** Takes a piece of a program's output as it comes. */
export type OnData = (chunk: string) => void;

/** A program and its arguments, each one word; no shell is between. */
export type Argv = readonly [program: string, ...args: string[]];

/** How a local program is started. */
export interface StartOptions {
  /** Added to our own environment; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly onStdout?: OnData;
  readonly onStderr?: OnData;
  /**
   * In a session of its own: Ctrl-C at our terminal does not reach it and it cannot ask there. On Linux the kernel ends it
   * when we die, however we die; elsewhere it has to notice the end of its standard input.
   */
  readonly apart?: boolean;
}

/** A local program that runs. */
export interface Program {
  readonly pid: number | undefined;
  /** Text to its standard input; lost without a word when it has ended. */
  readonly write: (text: string) => void;
  /** Ends its standard input. */
  readonly end: () => void;
  /** Sends a signal, SIGTERM by default; to the whole group when it was started `apart`. Nothing when it has ended. */
  readonly kill: (signal?: NodeJS.Signals) => void;
  /** Stops listening: its next write fails, as in a pipe whose reader has gone. */
  readonly deafen: () => void;
  /** Its exit status once all its output has come, 128 + n when signal n ended it. Never rejects. */
  readonly ended: Promise<number>;
}

/** How a local program is run to its end. */
export interface RunLocally extends Omit<StartOptions, 'onStdout'> {
  /** Its whole standard input; empty when absent. */
  readonly stdin?: string;
  /** Ends the program and all it has started. */
  readonly signal?: AbortSignal;
  /** Standard output as it comes, in place of `stdout`. */
  readonly onData?: OnData;
}

/** What a local program left behind. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that is not on this machine. */
export class ProgramMissing extends Error {
  readonly program: string;
  constructor(program: string) {
    super(`${program} is not installed on this machine`);
    this.name = 'ProgramMissing';
    this.program = program;
  }
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** How long a program's children may keep its output open after it has ended, in milliseconds without a word. */
const LINGER = 250;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOnPath(program: string, path: string): boolean {
  if (program.includes('/')) return isExecutable(program);
  return path.split(delimiter).some((folder) => folder !== '' && isExecutable(join(folder, program)));
}

let dier: readonly string[] | undefined;

/** The words before a command that make the kernel end it when its parent dies: util-linux's setpriv, where there is one. */
function dyingWithUs(): readonly string[] {
  dier ??=
    process.platform === 'linux' && isExecutable('/usr/bin/setpriv')
      ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM', '--']
      : [];
  return dier;
}

function listen(stream: Readable, onData: OnData | undefined): void {
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => onData?.(chunk));
  stream.on('error', () => {});
}

/**
 * Starts a local program; the only place that does.
 * @throws ProgramMissing when there is no such program on PATH.
 */
export function start(argv: Argv, options: StartOptions = {}): Program {
  const env = { ...process.env, ...options.env };
  if (!isOnPath(argv[0], env['PATH'] ?? '')) throw new ProgramMissing(argv[0]);
  const apart = options.apart === true;
  const [program, ...args] = [...(apart ? dyingWithUs() : []), ...argv] as [string, ...string[]];
  const child = spawn(program, args, {
    env,
    detached: apart,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let lastWord = 0;
  const heard = (tell: OnData | undefined) => (chunk: string) => {
    lastWord = performance.now();
    tell?.(chunk);
  };
  listen(child.stdout, heard(options.onStdout));
  listen(child.stderr, heard(options.onStderr));
  child.stdin.on('error', () => {});
  const deafen = (): void => {
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.destroy();
  };
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? ''] ?? 0)));
    child.on('exit', () => {
      // A child it left behind may hold its output open for ever: `close` would never come. What already lies in the pipe
      // is read before `setImmediate` calls, however late this timer is.
      const poll = setInterval(() => {
        setImmediate(() => {
          if (performance.now() - lastWord > LINGER) deafen();
        });
      }, LINGER);
      child.on('close', () => clearInterval(poll));
    });
  });
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(apart ? -child.pid : child.pid, signal);
    } catch {
      // It ended in this very moment.
    }
  };
  return {
    pid: child.pid,
    write: (text) => {
      if (child.stdin.writable) child.stdin.write(text);
    },
    end: () => child.stdin.end(),
    kill,
    deafen,
    ended,
  };
}

/**
 * Runs a local program to its end. It is `apart`, so that all it started can be ended with it.
 * @throws ProgramMissing when there is no such program on PATH; the signal's reason when it was aborted.
 */
export async function spawned(argv: Argv, options: RunLocally = {}): Promise<Ended> {
  const { stdin = '', signal, onData, onStderr, ...rest } = options;
  signal?.throwIfAborted();
  const stdout: string[] = [];
  const stderr: string[] = [];
  const program = start(argv, {
    apart: true,
    ...rest,
    onStdout: onData ?? ((chunk) => stdout.push(chunk)),
    onStderr: (chunk) => {
      stderr.push(chunk);
      onStderr?.(chunk);
    },
  });
  const stop = (): void => program.kill();
  signal?.addEventListener('abort', stop, { once: true });
  program.write(stdin);
  program.end();
  const status = await program.ended;
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  return { status, stdout: stdout.join(''), stderr: stderr.join('') };
}
