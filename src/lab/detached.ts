import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { Problem } from '../model/problem.ts';
import { lastLines } from './exec.ts';
import { until } from './processes.ts';

/** What is to run on after this process. */
export interface Detached {
  readonly command: readonly [program: string, ...args: string[]];
  /** Where its output is added, readable for its owner only. */
  readonly log: string;
  /** Whether the program with this process id has come up. */
  readonly isUp: (pid: number) => Promise<boolean>;
  /** How long it may take, in milliseconds. */
  readonly limit: number;
  /** What is said when it ends, or takes longer. */
  readonly failure: { readonly code: string; readonly summary: string };
}

/** Starts a program that outlives this process, and waits until it is up. @throws its failure, with its last words. */
export async function startDetached({ command, log, isUp, limit, failure }: Detached): Promise<void> {
  const [program, ...args] = command;
  const out = await open(log, 'a', 0o600);
  const child = spawn(program, args, { detached: true, cwd: '/', stdio: ['ignore', out.fd, out.fd] });
  let ended = false;
  child
    .on('error', () => undefined)
    .on('exit', () => {
      ended = true;
    });
  child.unref();
  await out.close();
  const { pid } = child;
  const came = await until(
    async () => (ended || pid === undefined ? false : (await isUp(pid)) ? true : undefined),
    limit,
    20,
  );
  if (came === true) return;
  const saw = lastLines(await readFile(log, 'utf8').catch(() => ''), 10);
  throw new Problem({ ...failure, saw, more: log });
}
