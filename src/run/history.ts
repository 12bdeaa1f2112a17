import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { makeFolder } from '../files/folder.ts';
import { stateFolder } from '../files/places.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunEvent } from './event.ts';

/** Where the history of a cluster's runs lives: `$XDG_STATE_HOME/landfall/CLUSTER/runs`. */
export function historyFolder(cluster: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(stateFolder(env), cluster, 'runs');
}

/** A new run's name: its time in UTC, so that names sort, and four letters against a second run in the same second. */
export function newRun(now: Date): string {
  const stamp = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${stamp}-${randomBytes(2).toString('hex')}`;
}

/** A run being written down. */
export interface RunRecord {
  readonly folder: string;
  readonly write: (event: RunEvent) => void;
  readonly close: () => void;
}

/**
 * Begins the written record of a run: its plan, then its events as they happen. Folders are for their owner only.
 * @param onLoss told once when an event could not be written (a disk that is full): the run goes on, and the record ends there.
 * @throws the file system's own error when it cannot be begun.
 */
export function record(
  cluster: string,
  run: string,
  plan: Plan | undefined,
  env: NodeJS.ProcessEnv,
  onLoss: (error: unknown) => void,
): RunRecord {
  const folder = join(historyFolder(cluster, env), run);
  makeFolder(folder, 0o700);
  if (plan !== undefined)
    writeFileSync(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 });
  const file = openSync(join(folder, 'events.jsonl'), 'a', 0o600);
  let isWhole = true;
  return {
    folder,
    write: (event) => {
      if (!isWhole) return;
      try {
        writeSync(file, `${JSON.stringify(event)}\n`);
      } catch (error) {
        isWhole = false;
        onLoss(error);
      }
    },
    close: () => closeSync(file),
  };
}

/** One line of `landfall runs`. */
export interface RunSummary {
  readonly run: string;
  readonly command: string;
  readonly at: string;
  /** Absent when the run was cut short, or goes on. */
  readonly exit?: number;
  readonly made?: number;
  /** Milliseconds. */
  readonly ms?: number;
}

/** The events of one run, in order; a last line cut short is left out. @throws the file system's own error when there is none. */
export function readEvents(
  cluster: string,
  run: string,
  env: NodeJS.ProcessEnv = process.env,
): readonly RunEvent[] {
  const text = readFileSync(join(historyFolder(cluster, env), run, 'events.jsonl'), 'utf8');
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as RunEvent];
    } catch {
      return [];
    }
  });
}

/** All runs of a cluster, oldest first. */
export async function listRuns(
  cluster: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly RunSummary[]> {
  const names = await readdir(historyFolder(cluster, env)).catch(() => []);
  return names.sort().flatMap((run) => {
    try {
      const events = readEvents(cluster, run, env);
      const begin = events.find((e) => e.is === 'run');
      const end = events.findLast((e) => e.is === 'end');
      if (begin === undefined) return [];
      return [
        {
          run,
          command: begin.command,
          at: begin.at,
          ...(end === undefined ? {} : { exit: end.exit, made: end.made, ms: end.ms }),
        },
      ];
    } catch {
      return [];
    }
  });
}
