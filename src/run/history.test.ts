import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../files/folder.ts';
import type { RunEvent } from './event.ts';
import { historyFolder, listRuns, newRun, readEvents, record } from './history.ts';

let env: { XDG_STATE_HOME: string };
beforeEach(() => {
  env = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'landfall-')) };
});
afterEach(() => rmSync(env.XDG_STATE_HOME, { recursive: true, force: true }));

const AT = '2026-11-23T09:12:00.000Z';
const RUN = newRun(new Date(AT));
const EVENTS: readonly RunEvent[] = [
  { is: 'run', at: AT, run: RUN, command: 'apply', cluster: 'harbour', phases: [] },
  { is: 'end', at: AT, exit: 0, made: 3, ms: 1200 },
];

describe('the record of a run', () => {
  test('holds its events, for its owner only', async () => {
    const losses: unknown[] = [];
    const written = record('harbour', RUN, undefined, env, (error) => losses.push(error));
    for (const event of EVENTS) written.write(event);
    written.close();
    expect(readEvents('harbour', RUN, env)).toEqual(EVENTS);
    expect(await listRuns('harbour', env)).toEqual([
      { run: RUN, command: 'apply', at: AT, exit: 0, made: 3, ms: 1200 },
    ]);
    expect([statSync(written.folder).mode & 0o777, losses]).toEqual([0o700, []]);
  });

  test('that nothing more can be written to ends there and is told once; the run goes on', () => {
    const folder = join(historyFolder('harbour', env), RUN);
    makeFolder(folder);
    symlinkSync('/dev/full', join(folder, 'events.jsonl'));
    const losses: unknown[] = [];
    const written = record('harbour', RUN, undefined, env, (error) => losses.push(error));
    for (const event of EVENTS) written.write(event);
    written.close();
    expect(losses).toEqual([expect.objectContaining({ code: 'ENOSPC' })]);
  });
});
