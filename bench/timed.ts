import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Lab } from '../src/lab/spec.ts';

/** The built command. */
export const MAIN = resolve('dist/bin/main.js');

/** Runs a program to its end and gives the seconds it took. @throws with its last words when it fails. */
export function timed(
  argv: readonly string[],
  options: { cwd?: string; input?: string } = {},
): Promise<{ seconds: number; stdout: string }> {
  return new Promise((done, fail) => {
    const begun = process.hrtime.bigint();
    const child = spawn(argv[0] ?? '', argv.slice(1), { cwd: options.cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', fail);
    child.on('close', (status) => {
      const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
      if (status === 0) done({ seconds, stdout });
      else fail(new Error(`${argv.join(' ')} ended with ${status}\n${(stdout + stderr).slice(-2000)}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Seconds, for people. */
export const show = (seconds: number): string =>
  seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(1)} s`;

/** The words that run a command on a host of a lab. */
export const ssh = (lab: Lab, host: string, ...command: readonly string[]): readonly string[] => [
  'ssh',
  '-F',
  lab.sshConfig,
  host,
  ...command,
];
