import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { Problem } from '../model/problem.ts';
import { until } from './processes.ts';

/**
 * Runs work while holding a lock on `file`. The lock is the kernel's (`flock`, held by a child that ends with us), so a
 * killed holder leaves none behind. While another process holds it: waits and says so through `onWait`, or, when that is
 * absent, throws `lab/busy`, which names the holder.
 */
export async function locked<T>(
  file: string,
  purpose: string,
  work: () => Promise<T>,
  onWait?: (holder: string) => void,
): Promise<T> {
  makeFolder(dirname(file));
  const note = `${purpose}, process ${process.pid}, since ${new Date().toISOString()}`;
  const held = (await hold(file, note, false)) ?? (await busy(file, note, onWait));
  try {
    return await work();
  } finally {
    await held.release();
  }
}

async function busy(file: string, note: string, onWait?: (holder: string) => void): Promise<Held> {
  // The holder writes its note as soon as it has the lock, which may be a moment ago; until then an older one stands there.
  const holder = (await until(() => livingHolder(file), 1_000, 10)) ?? 'another process';
  if (onWait === undefined)
    throw new Problem({
      code: 'lab/busy',
      summary: `something else is at work on this: ${holder}`,
      try: 'wait for it to end and run this again',
      exit: 5,
    });
  onWait(holder);
  const held = await hold(file, note, true);
  if (held === undefined) throw new Error(`flock gave up on ${file}`);
  return held;
}

async function livingHolder(file: string): Promise<string | undefined> {
  const note = (await readFile(file, 'utf8').catch(() => '')).trim();
  const pid = /, process (\d+), since /.exec(note)?.[1];
  return pid !== undefined && existsSync(`/proc/${pid}`) ? note : undefined;
}

interface Held {
  /** Lets go, and waits until the kernel has. */
  readonly release: () => Promise<void>;
}

function hold(file: string, note: string, wait: boolean): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    const script = 'printf "%s\\n" "$2" >"$1"; echo held; cat; : >"$1"';
    const argv = [...(wait ? [] : ['-n']), '-o', file, 'sh', '-c', script, 'sh', file, note];
    const child = spawn('flock', argv, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    const closed = new Promise<void>((end) => child.on('close', () => end()));
    child.stdout.once('data', () => {
      resolve({
        release: () => {
          child.stdin.end();
          return closed;
        },
      });
    });
    void closed.then(() => resolve(undefined));
  });
}
