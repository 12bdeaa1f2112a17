import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Who holds a lock. */
export interface Holder {
  readonly pid: number;
  /** ISO 8601. */
  readonly since: string;
  /** What it is doing. */
  readonly what: string;
}

/** A lock that is held until it is let go or this process ends, however it ends. */
export interface Lock {
  readonly release: () => Promise<void>;
}

/**
 * Takes a lock, waiting for it when somebody else has it.
 * The kernel keeps it (flock, held by a small helper that ends with our end of its pipe): a killed holder leaves nothing behind.
 *
 * @param what what the holder is going to do, for those who wait
 * @param onWait told once who has it, when it has to wait
 */
export async function takeLock(
  file: string,
  what: string,
  onWait: (holder: Holder | undefined) => void,
): Promise<Lock> {
  await mkdir(dirname(file), { recursive: true });
  let helper = await attempt(file, ['--nonblock']);
  if (helper === undefined) {
    onWait(await holderOf(file));
    helper = await attempt(file, []);
  }
  if (helper === undefined) throw new Error(`flock could not lock ${file}`);
  const held = helper;
  const holder: Holder = { pid: process.pid, since: new Date().toISOString(), what };
  await writeFile(`${file}.new`, `${JSON.stringify(holder)}\n`);
  await rename(`${file}.new`, `${file}.holder`);
  return {
    async release() {
      const closed = once(held, 'close');
      held.stdin?.end();
      await closed;
    },
  };
}

/** Gives who holds a lock, as it wrote itself down. */
async function holderOf(file: string): Promise<Holder | undefined> {
  const text = await readFile(`${file}.holder`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Holder);
}

async function attempt(file: string, options: readonly string[]): Promise<ChildProcess | undefined> {
  // Its own process group: Ctrl-C ends the holder first, then the lock.
  const child = spawn('flock', [...options, file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const held = once(child.stdout, 'data').then(() => child);
  const refused = once(child, 'close').then(() => undefined);
  return Promise.race([held, refused]);
}
