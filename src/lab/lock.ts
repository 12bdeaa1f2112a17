import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Problem } from '../model/problem.ts';

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
  await mkdir(dirname(file), { recursive: true });
  const held = (await hold(file, false)) ?? (await busy(file, onWait));
  try {
    await writeFile(file, `${purpose}, process ${process.pid}, since ${new Date().toISOString()}\n`);
    return await work();
  } finally {
    held.release();
  }
}

async function busy(file: string, onWait?: (holder: string) => void): Promise<Held> {
  const holder = (await readFile(file, 'utf8').catch(() => '')).trim() || 'another process';
  if (onWait === undefined)
    throw new Problem({
      code: 'lab/busy',
      summary: `something else is at work on this: ${holder}`,
      try: 'wait for it to end and run this again',
      exit: 5,
    });
  onWait(holder);
  const held = await hold(file, true);
  if (held === undefined) throw new Error(`flock gave up on ${file}`);
  return held;
}

interface Held {
  readonly release: () => void;
}

function hold(file: string, wait: boolean): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...(wait ? [] : ['-n']), '-o', file, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.stdout.once('data', () => {
      // Neither the child nor its pipes keep this process alive: when it ends, so does the lock.
      child.unref();
      resolve({ release: () => child.stdin.end() });
    });
    child.on('close', () => resolve(undefined));
  });
}
