import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labDown } from '../../src/lab/down.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { historyFolder } from '../../src/run/history.ts';
import { type Holder, holderOf } from '../../src/run/hold.ts';
import {
  clusterYaml,
  type Desk,
  desk,
  type Ended,
  events,
  freshLab,
  landfall,
  onHost,
  put,
  said,
  start,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';

/* Two people, one host. Nobody's cluster comes to its end here: what is asked is only who may work on it. */

const NAME = 'test-two';
const HOST = 'cp-0';
const RESET = ['reset', '--cluster', NAME, '--yes'] as const;

let lab: Lab;
let mine: Desk;
let yours: Desk;

beforeAll(async () => {
  lab = await freshLab(NAME);
  [mine, yours] = [desk(), desk()];
  for (const place of [mine, yours]) put(place, 'cluster.yaml', clusterYaml(lab));
});

afterAll(async () => {
  await labDown(NAME, () => undefined);
  for (const path of [mine.dir, yours.dir, join(historyFolder(NAME), '..')])
    rmSync(path, { recursive: true, force: true });
});

/** A landfall of somebody's, with the name its run goes by once it has begun. */
function somebody(place: Desk, ...args: readonly string[]) {
  const { child, ended } = start(place, args);
  let told = '';
  child.stdout?.on('data', (chunk: string) => (told += chunk));
  const run = async (): Promise<string> =>
    eventually('its run to begin', () => /"is":"run".*?"run":"([^"]+)"/.exec(told)?.[1]);
  return { child, ended, run, told: () => told };
}

/** What a refusal must say: who, which process, which run, since when. */
function refused(ended: Ended, by: { pid: number; run: string; command: string }): void {
  expect(ended.status, said(ended)).toBe(5);
  expect(ended.stderr).toContain(
    `${HOST} is being worked on by ${userInfo().username}@${hostname()} (process ${by.pid})`,
  );
  expect(ended.stderr).toMatch(
    new RegExp(String.raw`landfall ${by.command}, run ${by.run}, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`),
  );
  expect(ended.stderr).toContain('wait until that run is over');
}

/** What holds something on the host, until it is told to let go. */
interface Hand {
  readonly end: () => void;
}

/** Runs a script on the host and keeps its process, with all it has opened, for as long as the connection lives. */
async function hold(script: string): Promise<Hand> {
  const child = spawn('ssh', ['-F', lab.sshConfig, HOST, 'exec sh -s'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.write(`${script}\necho held\nexec cat\n`);
  await new Promise<void>((done, fail) => {
    child.stdout.once('data', () => done());
    child.once('close', (status) => fail(new Error(`nothing is held: ended with ${status}\n${script}`)));
  });
  return { end: () => void child.stdin.end() };
}

describe('two applies at once', () => {
  test('one works; the other is refused, told who works, and has changed nothing', async () => {
    const both = [mine, yours].map((place) => somebody(place, 'apply', '--yes', '--json'));
    const lost = await Promise.race(both.map(async ({ ended }, i) => ended.then(() => i)));
    const [winner, loser] = [both[1 - lost], both[lost]];
    if (winner === undefined || loser === undefined) throw new Error('there are two');
    const run = await winner.run();
    refused(await loser.ended, { pid: winner.child.pid ?? 0, run, command: 'apply' });
    expect(loser.told()).not.toContain('"is":"run"');
    expect(JSON.parse(loser.told())).toMatchObject({ exit: 5, problems: [{ code: 'run/held', host: HOST }] });

    const reset = await landfall(yours, ...RESET);
    refused(reset, { pid: winner.child.pid ?? 0, run, command: 'apply' });
    expect(winner.child.exitCode).toBeNull();
    const step = (): number => winner.told().split('"is":"step"').length;
    const before = step();
    await eventually('the winner to go on', () => (step() > before ? true : undefined));

    winner.child.kill('SIGTERM');
    const ended = await winner.ended;
    expect(ended.status, said(ended)).toBe(143);
    expect(events(ended).filter((e) => e.is === 'notice')).toEqual([]);
  });

  test('an apply is refused while a reset goes on', async () => {
    // It may take no time to reset what was hardly begun: its work is kept waiting for the other's to end.
    const hand = await hold('exec 9>>/run/landfall/work; flock 9');
    const reset = somebody(mine, ...RESET, '--json');
    const refusal = async (): Promise<[string, Ended]> => [
      await reset.run(),
      await landfall(yours, 'apply', '--yes'),
    ];
    const [run, apply] = await refusal().finally(hand.end);
    refused(apply, { pid: reset.child.pid ?? 0, run, command: 'reset' });
    const ended = await reset.ended;
    expect(ended.status, said(ended)).toBe(0);
  });

  test('who has come to the end leaves no lock behind', async () => {
    expect(
      (
        await onHost(lab, HOST, 'ls /run/landfall/holder /run/landfall/runs/*; pgrep -fc "flock|landfall"')
      ).stdout.trim(),
    ).toBe('0');
  });
});

/** Leaves something to do for {@link ONE_PHASE}: who has nothing to do asks for no lock. */
const SOMETHING = 'sysctl -q -w net.ipv4.ip_forward=0';

/** Holds the host's lock in somebody's name, until its connection ends. */
async function holding(by: Holder): Promise<Hand> {
  const hand = await hold(`
    umask 077; mkdir -p /run/landfall/runs
    exec 9>>/run/landfall/lock; flock -w 20 9 || exit
    printf '%s\n%s\n%s\n' '${by.run}' $$ '${JSON.stringify(by)}' >/run/landfall/holder`);
  await wellOnHost(lab, HOST, SOMETHING);
  return hand;
}

/** Whether anybody holds the lock. */
const isFree = async (): Promise<boolean> =>
  (await wellOnHost(lab, HOST, 'if flock -n /run/landfall/lock true; then echo free; else echo held; fi')) ===
  'free\n';

const ONE_PHASE = ['apply', '--yes', '--only', 'prepare'] as const;

describe('a lock left behind', () => {
  test('by a process of this machine that has ended is taken over', async () => {
    const child = spawn('true');
    await new Promise((done) => child.on('close', done));
    const gone = { ...holderOf('20260101-000000-dead', 'apply', new Date(0)), pid: child.pid ?? 0 };
    await holding(gone);
    expect(await isFree()).toBe(false);
    const ended = await landfall(mine, ...ONE_PHASE);
    expect(ended.status, said(ended)).toBe(0);
    expect(await isFree()).toBe(true);
  });

  test.each([
    ['lives here', {}],
    ['is on another machine', { pid: 2 ** 22, machine: 'elsewhere', place: 'another-boot pid:[1]' }],
  ])('by a process that %s is not', async (_, more) => {
    const other: Holder = { ...holderOf('20260101-000000-live', 'apply', new Date(0)), ...more };
    const hand = await holding(other);
    try {
      const ended = await landfall(mine, ...ONE_PHASE);
      expect(ended.status, said(ended)).toBe(5);
      expect(ended.stderr).toContain(`${other.user}@${other.machine} (process ${other.pid})`);
      expect(await isFree()).toBe(false);
    } finally {
      hand.end();
    }
    await eventually('the lock to be free', async () => ((await isFree()) ? true : undefined));
  });
});
