import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/spec.ts';
import type { RunEvent } from '../../src/run/event.ts';
import { historyFolder, readEvents } from '../../src/run/history.ts';
import { type Desk, type Ended, onHost, start } from './harness.ts';

/** How often is looked. */
const EVERY = 50;

/** Looks until there is something to see. @throws when the time, in milliseconds, is over. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limit = 60_000,
): Promise<T> {
  const until = Date.now() + limit;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > until) throw new Error(`not within ${limit} ms: ${what}`);
    await after(EVERY);
  }
}

/**
 * Waits until a script ends well on a host that may be away meanwhile.
 * @param script `true`: the host answers.
 * @throws when the time, in milliseconds, is over.
 */
export async function wellAgain(lab: Lab, host: string, script = 'true', limit = 60_000): Promise<void> {
  await eventually(
    `${host} to end this well: ${script}`,
    async () => ((await onHost(lab, host, script)).status === 0 ? true : undefined),
    limit,
  );
}

/** Lets so many milliseconds pass: a moment chosen, nothing awaited. */
export const after = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** A landfall that runs, seen through what it writes down. */
export interface Live {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What was told so far. */
  readonly events: () => readonly RunEvent[];
  /** Waits for an event, also one told already; undefined when the run is over without it. */
  readonly first: (which: (event: RunEvent) => boolean) => Promise<RunEvent | undefined>;
}

function runsOf(desk: Desk, cluster: string): readonly string[] {
  try {
    return readdirSync(historyFolder(cluster, desk.env)).sort();
  } catch {
    return [];
  }
}

/** Starts landfall, on a desk where no other runs at the same time. */
export function live(desk: Desk, cluster: string, ...args: readonly string[]): Live {
  const before = new Set(runsOf(desk, cluster));
  const { child, ended } = start(desk, args);
  let isOver = false;
  void ended.finally(() => (isOver = true));
  const events = (): readonly RunEvent[] => {
    const run = runsOf(desk, cluster).find((name) => !before.has(name));
    if (run === undefined) return [];
    try {
      return readEvents(cluster, run, desk.env);
    } catch {
      return [];
    }
  };
  return {
    child,
    ended,
    events,
    first: (which) =>
      eventually(
        `an event of landfall ${args.join(' ')}`,
        () => {
          const over = isOver;
          const event = events().find(which);
          return event === undefined && !over ? undefined : { event };
        },
        20 * 60_000,
      ).then(({ event }) => event),
  };
}

/** Everything a cluster's history holds, file by file. */
export function historyFiles(desk: Desk, cluster: string): readonly { path: string; text: string }[] {
  const folder = historyFolder(cluster, desk.env);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, text: readFileSync(path, 'utf8') };
    });
}

/** Processes and what they are called with, words apart by blanks: this machine's and those of its lab hosts. */
export function processes(): ReadonlyMap<number, { readonly parent: number; readonly args: string }> {
  const found = new Map<number, { parent: number; args: string }>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
      found.set(pid, { parent, args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') });
    } catch {
      // It has ended in this moment.
    }
  }
  return found;
}

/** A process's children, their children, and so on. */
export function descendants(pid: number): readonly number[] {
  const all = processes();
  const found = new Set([pid]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [child, { parent }] of all)
      if (found.has(parent) && !found.has(child)) {
        found.add(child);
        grew = true;
      }
  }
  found.delete(pid);
  return [...found];
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
