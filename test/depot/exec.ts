import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Problem } from '../../src/model/problem.ts';

/** How a program is run. */
export interface ExecOptions {
  readonly cwd?: string;
  /** Added to the environment; an undefined value takes a variable out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Buffer;
  /** Told each whole line of the program's standard error as it comes. */
  readonly onLine?: (line: string) => void;
  /** Exit codes that are fine; only 0 when absent. */
  readonly allow?: readonly number[];
}

const running = new Set<ChildProcess>();

/** Ends every program that is running, so that none outlives us. */
export function stopPrograms(): void {
  for (const child of running) child.kill('SIGTERM');
}

const idle = ['nice', '-n', '10', 'ionice', '-t', '-c', '3'] as const;

/**
 * Runs a program with idle priority and gives what it printed on standard output.
 * Values go as elements of its argument list, never through a shell.
 *
 * @throws Problem `depot/program` with the last lines of its standard error when it ends otherwise than allowed
 */
export async function exec(argv: readonly string[], options: ExecOptions = {}): Promise<Buffer> {
  const [program, ...rest] = [...idle, ...argv];
  const child = spawn(program as string, rest, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  const out: Buffer[] = [];
  const tail: string[] = [];
  let part = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (part + chunk.toString()).split('\n');
    part = lines.pop() ?? '';
    for (const line of lines) {
      tail.push(line);
      if (tail.length > 40) tail.shift();
      options.onLine?.(line);
    }
  });
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  child.stdin.end(options.input);
  const [code, signal] = (await once(child, 'close').finally(() => running.delete(child))) as [
    number | null,
    string | null,
  ];
  if (part !== '') tail.push(part);
  if (code !== null && (options.allow ?? [0]).includes(code)) return Buffer.concat(out);
  const printed = tail.length > 0 ? tail : Buffer.concat(out).toString().trimEnd().split('\n').slice(-40);
  throw new Problem({
    code: 'depot/program',
    summary: `${argv[0]} ended with ${signal ?? code}`,
    saw: `$ ${argv.join(' ').slice(0, 400)}\n${printed.join('\n')}`,
    ...(options.cwd === undefined ? {} : { why: `it ran in ${options.cwd}` }),
  });
}

/** Like {@link exec}, giving the output as text without its last line end. */
export async function execText(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
  return (await exec(argv, options)).toString().replace(/\n$/, '');
}
