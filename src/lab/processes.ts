import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../model/problem.ts';
import { namespacePath } from './names.ts';

/** What marks a process as a lab's. */
export interface ProcessMarks {
  /** A path that stands in its command line. */
  readonly commandHas: readonly string[];
  /** Names of network namespaces it is in. */
  readonly namespaces: readonly string[];
  /** A cgroup path it is in or below, e.g. `landfall/lab`. */
  readonly cgroup?: string;
}

const text = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Ids of the processes that bear any of the marks; never this process or one of its ancestors. */
export async function findProcesses(marks: ProcessMarks): Promise<readonly number[]> {
  const spaces = new Set<string>();
  for (const name of marks.namespaces) {
    const inode = await stat(namespacePath(name)).then(
      ({ ino }) => `net:[${ino}]`,
      () => undefined,
    );
    if (inode !== undefined) spaces.add(inode);
  }
  const below = marks.cgroup === undefined ? undefined : new RegExp(`:/${escape(marks.cgroup)}(/|$)`, 'm');
  const spared = await ancestors(process.pid);
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || spared.has(pid)) continue;
    const dir = `/proc/${pid}`;
    const words = (await text(`${dir}/cmdline`)).split('\0');
    if (
      words.some((word) => marks.commandHas.includes(word)) ||
      (below !== undefined && below.test(await text(`${dir}/cgroup`))) ||
      spaces.has(await readlink(`${dir}/ns/net`).catch(() => ''))
    )
      found.push(pid);
  }
  return found;
}

const escape = (literal: string): string => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

async function ancestors(pid: number): Promise<ReadonlySet<number>> {
  const seen = new Set<number>();
  for (let at = pid; at > 0 && !seen.has(at); ) {
    seen.add(at);
    at = Number(/^PPid:\s*(\d+)/m.exec(await text(`/proc/${at}/status`))?.[1] ?? 0);
  }
  return seen;
}

/** Is there a process with this id whose command line holds `word` as one of its words? A zombie has no command line, so does not count. */
export async function runs(pid: number, word: string): Promise<boolean> {
  return (await text(`/proc/${pid}/cmdline`)).split('\0').includes(word);
}

/** The id a file holds, when the process is still the one meant (its command line holds `word`). */
export async function pidFrom(file: string, word: string): Promise<number | undefined> {
  const pid = Number((await text(file)).trim());
  return pid > 0 && (await runs(pid, word)) ? pid : undefined;
}

/** The first child of a process. */
export async function childOf(pid: number): Promise<number | undefined> {
  const children = (await text(`/proc/${pid}/task/${pid}/children`)).trim().split(' ');
  const child = Number(children[0]);
  return child > 0 ? child : undefined;
}

/** Sends a signal, by name or number; a process that is gone is no error. */
export function signal(pid: number, name: NodeJS.Signals | number): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Signal numbers systemd as a container's first process listens to (SIGRTMIN is 34 with glibc): systemd(1), SIGNALS. */
export const SIGRTMIN = { poweroff: 34 + 4, reboot: 34 + 5 } as const;

/** Kills whatever `find` finds, again and again until it finds nothing. Throws `lab/undying` after `limit` milliseconds. */
export async function killAll(find: () => Promise<readonly number[]>, limit = 20_000): Promise<number> {
  const end = performance.now() + limit;
  const killed = new Set<number>();
  for (let pids = await find(); pids.length > 0; pids = await find()) {
    for (const pid of pids) {
      signal(pid, 'SIGKILL');
      killed.add(pid);
    }
    if (performance.now() > end)
      throw new Problem({
        code: 'lab/undying',
        summary: `${pids.length} processes of the lab do not end: ${pids.slice(0, 8).join(' ')}`,
        try: 'landfall lab down   once more; a process that waits for a disk ends when the disk has answered',
      });
    await sleep(50);
  }
  return killed.size;
}

/** Asks `question` every `every` milliseconds until it answers something, at most `limit` milliseconds long. */
export async function until<T>(
  question: () => Promise<T | undefined>,
  limit: number,
  every = 50,
): Promise<T | undefined> {
  const end = performance.now() + limit;
  for (;;) {
    const answer = await question();
    if (answer !== undefined) return answer;
    if (performance.now() > end) return undefined;
    await sleep(every);
  }
}
