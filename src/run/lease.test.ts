import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FACTS, LOCK } from '../../test/report/sample.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { Problem } from '../model/problem.ts';
import { RECORD } from '../shell/compile.ts';
import type { Host } from '../ssh/host.ts';
import type { RunEvent } from './event.ts';
import { type Holder, holderOf } from './hold.ts';
import { takeLease } from './lease.ts';
import { identityOf } from './lease-script.ts';
import type { RunOptions } from './take.ts';

type Words = readonly [word: string, ...texts: string[]];
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const line = ([word, ...texts]: Words): string => `${RECORD}${[word, ...texts.map(base64)].join(' ')}\n`;

/** A control plane that says these words to each script in turn; after `got` its session goes on until it is ended. */
function saying(name: string, ...answers: readonly (readonly Words[] | 'away')[]) {
  const scripts: string[] = [];
  const ends: (() => void)[] = [];
  const left = [...answers];
  const host: Host = {
    name,
    address: name,
    trips: () => 0,
    close: () => Promise.resolve(),
    run: (script, { onData, signal } = {}) => {
      scripts.push(script);
      const words = left.shift() ?? [];
      if (words === 'away')
        return Promise.reject(
          new Problem({ code: 'ssh/unreachable', host: name, summary: `${name} is away` }),
        );
      return new Promise((resolve) => {
        const end = (): void => resolve({ status: 0, stdout: '', stderr: 'The connection was refused\n' });
        signal?.addEventListener('abort', end);
        ends.push(end);
        setImmediate(() => {
          for (const one of words) onData?.(line(one));
          if (!words.some(([word]) => word === 'got' || word === 'waiting')) end();
        });
      });
    },
  };
  return { host, scripts, cut: () => ends.forEach((end) => end()) };
}

const node = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.1${n}`,
  workloads: true,
});

function world(...hosts: readonly ReturnType<typeof saying>[]) {
  const events: RunEvent[] = [];
  const never = new AbortController().signal;
  const nodes = hosts.map((_, i) => node(i));
  const facts = Object.fromEntries(
    nodes.map(({ name }): [string, Facts] => [name, { ...FACTS, member: true }]),
  );
  const options: RunOptions = {
    site: {
      cluster: { ...HARBOUR, nodes },
      source: '',
      lock: LOCK,
      hosts: new Map(hosts.map(({ host }) => [host.name, host])),
      operator: saying('here').host,
      phases: [],
      resolve: () => LOCK,
    },
    run: 'mine',
    command: 'apply',
    version: '0',
    on: (event) => events.push(event),
    stop: { soon: never, now: never },
    patience: 1,
    detached: true,
  };
  const notices = (): readonly string[] => events.flatMap((e) => (e.is === 'notice' ? [e.code] : []));
  return { options, facts, notices, events };
}

const ben: Holder = {
  ...holderOf('bens', 'apply', new Date(0)),
  user: 'ben',
  machine: 'desk',
  place: 'elsewhere',
};
const of = (holder: Holder): readonly [string, string] => [identityOf(holder), JSON.stringify(holder)];
const LAST = `${'a'.repeat(64)} 2026-11-23T09:12:00Z the-last 0.1.0 ben@desk`;

async function refusal(work: Promise<unknown>): Promise<Problem> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Problem) return error;
  throw new Error(`no refusal: ${String(error)}`);
}

describe('the cluster', () => {
  it('is taken, with the name of the last run that wrote something down, and given back', async () => {
    const seat = saying('cp-0', [['got', LAST]], []);
    const { options, facts, notices } = world(seat);
    const lease = await takeLease(options, facts);
    expect(lease?.lastRun).toBe('the-last');
    await lease?.keep();
    expect(seat.scripts).toHaveLength(1);
    await lease?.release();
    expect(seat.scripts).toHaveLength(2);
    expect(notices()).toEqual([]);
  });

  it('that somebody alive holds is refused, with who and since when', async () => {
    const { options, facts } = world(
      saying('cp-0', [
        ['waiting', ...of(ben)],
        ['held', ...of(ben)],
      ]),
    );
    const { code, exit, summary, saw } = await refusal(takeLease(options, facts));
    expect([code, exit]).toEqual(['run/held', 5]);
    expect(summary).toBe(`harbour is being worked on by ben@desk (process ${ben.pid})`);
    expect(saw).toBe(`landfall apply, run bens, since ${ben.since}`);
  });

  it('that is held by something that is no run of Landfall is refused by its name', async () => {
    const { options, facts } = world(
      saying('cp-0', [
        ['waiting', 'somebody', ''],
        ['held', 'somebody', ''],
      ]),
    );
    expect((await refusal(takeLease(options, facts))).summary).toBe('harbour is being worked on by somebody');
  });

  it('is taken over from a run that is not heard of any more, and that is told', async () => {
    const { options, facts, notices, events } = world(
      saying('cp-0', [
        ['waiting', ...of(ben)],
        ['took', ...of(ben)],
        ['got', ''],
      ]),
    );
    expect(await takeLease(options, facts)).toBeDefined();
    expect(notices()).toEqual(['run/lease', 'run/lease-taken-over']);
    expect(events.at(-1)).toMatchObject({
      host: 'cp-0',
      text: `took the cluster over from ben@desk (landfall apply, run bens, since ${ben.since}): that run has ended without giving it back`,
    });
  });

  it('is taken at once from a process of this machine that has ended, and not from one that lives', async () => {
    const child = spawn('true');
    await new Promise((done) => child.on('close', done));
    const dead = { ...holderOf('dead', 'apply', new Date(0)), pid: child.pid ?? 0 };
    const seat = saying(
      'cp-0',
      [['waiting', ...of(dead)]],
      [
        ['took', ...of(dead)],
        ['got', ''],
      ],
    );
    const { options, facts, notices } = world(seat);
    expect(await takeLease(options, facts)).toBeDefined();
    expect(seat.scripts.map((script) => script.includes(`!= ${identityOf(dead)} ]`))).toEqual([false, true]);
    expect(notices()).toEqual(['run/lease-taken-over']);

    const alive = holderOf('alive', 'apply', new Date(0));
    const other = world(
      saying('cp-0', [
        ['waiting', ...of(alive)],
        ['held', ...of(alive)],
      ]),
    );
    expect((await refusal(takeLease(other.options, other.facts))).code).toBe('run/held');
  });

  it('is asked of one control plane after the other', async () => {
    const [away, silent, third] = [saying('cp-0', 'away'), saying('cp-1', []), saying('cp-2', [['got', '']])];
    const { options, facts, notices } = world(away, silent, third);
    expect(await takeLease(options, facts)).toBeDefined();
    expect([away, silent, third].map(({ scripts }) => scripts.length)).toEqual([1, 1, 1]);
    expect(notices()).toEqual([]);
  });

  it('that does not answer blocks nobody, and that is told', async () => {
    const { options, facts, events } = world(saying('cp-0', []), saying('cp-1', 'away'));
    expect(await takeLease(options, facts)).toBeUndefined();
    expect(events).toMatchObject([
      { code: 'run/no-lease', text: expect.stringContaining('The connection was refused') },
    ]);
  });

  it('that is yet to be made is asked nothing', async () => {
    const seat = saying('cp-0', [['got', '']]);
    const { options, notices } = world(seat);
    expect(await takeLease(options, { 'cp-0': FACTS })).toBeUndefined();
    expect([seat.scripts, notices()]).toEqual([[], []]);
  });
});

describe('a run that has lost what renewed its Lease', () => {
  it('takes it again before it goes on', async () => {
    const seat = saying('cp-0', [['got', '']], [['got', '']]);
    const { options, facts, notices } = world(seat);
    const lease = await takeLease(options, facts);
    seat.cut();
    await new Promise((done) => setImmediate(done));
    await lease?.keep();
    expect([seat.scripts.length, notices()]).toEqual([2, []]);
  });

  it('stops when somebody else has it by now', async () => {
    const seat = saying(
      'cp-0',
      [['got', '']],
      [
        ['waiting', ...of(ben)],
        ['held', ...of(ben)],
      ],
    );
    const { options, facts } = world(seat);
    const lease = await takeLease(options, facts);
    seat.cut();
    await new Promise((done) => setImmediate(done));
    expect((await refusal(lease?.keep() ?? Promise.resolve())).code).toBe('run/held');
  });

  it('goes on while no API server answers, and asks again', async () => {
    const seat = saying('cp-0', [['got', '']], 'away', [], [['got', '']]);
    const { options, facts } = world(seat);
    const lease = await takeLease(options, facts);
    seat.cut();
    await new Promise((done) => setImmediate(done));
    for (let i = 0; i < 4; i += 1) await lease?.keep();
    expect(seat.scripts).toHaveLength(4);
  });
});
