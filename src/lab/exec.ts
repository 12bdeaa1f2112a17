import { spawn } from 'node:child_process';
import { Problem } from '../model/problem.ts';

/** What a program left behind when it ended. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status; 128 + the signal's number when a signal ended it, as a shell says it. */
  readonly code: number;
  readonly ms: number;
}

/** How to run a program. */
export interface ExecOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds after which the program is killed (exit status 137). */
  readonly limit?: number;
  readonly onLine?: (line: string) => void;
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/**
 * Runs a program with arguments (never through a shell) and waits for its end. A status other than 0 is an answer,
 * not an error. Throws a `Problem` `lab/program-missing` when it cannot be started at all.
 */
export function attempt(argv: readonly string[], options: ExecOptions = {}): Promise<Ended> {
  const [program = '', ...args] = argv;
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(options.limit === undefined ? {} : { timeout: options.limit, killSignal: 'SIGKILL' as const }),
    });
    let stdout = '';
    let stderr = '';
    let rest = '';
    const lines = (text: string) => {
      if (options.onLine === undefined) return;
      const parts = (rest + text).split(/[\r\n]+/);
      rest = parts.pop() ?? '';
      for (const part of parts) if (part !== '') options.onLine(part);
    };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      lines(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      lines(text);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
    child.on('error', (cause) =>
      reject(
        new Problem({
          code: 'lab/program-missing',
          summary: `${program} cannot be started`,
          why: cause.message,
          try: 'landfall lab up   lists every program that is missing and how to install them',
        }),
      ),
    );
    child.on('close', (code, signal) =>
      resolve({
        stdout,
        stderr,
        code: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0),
        ms: Math.round(performance.now() - start),
      }),
    );
  });
}

/**
 * Like {@link attempt}, but a status other than 0 is a `Problem` `lab/program-failed` that shows the command and the
 * last lines it printed. Gives what the program printed on standard output.
 */
export async function exec(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
  const ended = await attempt(argv, options);
  if (ended.code === 0) return ended.stdout;
  throw new Problem({
    code: 'lab/program-failed',
    summary: `${argv[0]} ended with status ${ended.code}`,
    why: `it was run as: ${argv.join(' ')}`,
    saw: lastLines(ended.stderr.trim() === '' ? ended.stdout : ended.stderr, 20),
  });
}

/** The last `count` lines of a text, without blank ones at its end. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
