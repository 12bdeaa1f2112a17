import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Fake, fake, type FakeOptions, folder, landfall } from '../../test/cli/fake.ts';
import { badStory, goodEnd, goodStory, LOCK, PLAN } from '../../test/report/sample.ts';
import type { Loaded } from '../config/load.ts';
import { Problem } from '../model/problem.ts';
import type { RunEvent } from '../run/event.ts';
import { eventLine } from '../report/json.ts';
import { carryOut, type Undertaking } from './carry-out.ts';
import type { CommonFlags } from './flags.ts';
import { SUPPOSED } from './list.ts';

const folders: (() => void)[] = [];
afterEach(() => {
  for (const remove of folders.splice(0)) remove();
});

const FLAGS: CommonFlags = {
  json: false,
  color: 'never',
  verbose: false,
  quiet: false,
  noInput: false,
};

type Run = Undertaking['run'];
/** One that says nothing itself. */
type Told = (options: Parameters<Run>[0]) => ReturnType<Run>;

async function carried(
  run: (options: Parameters<Run>[0], it: Fake, say: Parameters<Run>[1]) => ReturnType<Run>,
  flags: Partial<CommonFlags> = {},
  options: FakeOptions = {},
) {
  const { dir, remove } = folder();
  folders.push(remove);
  const env = { XDG_STATE_HOME: dir };
  const it: Fake = fake({ ...options, env });
  const exit = await carryOut(
    { process: it.process },
    { ...FLAGS, ...flags },
    {
      command: 'apply',
      loaded: { cluster: SUPPOSED } as Loaded,
      lock: LOCK,
      plan: PLAN,
      partial: false,
      run: (o, say) => run(o, it, say),
    },
  );
  const runs = join(dir, 'landfall', 'harbour', 'runs');
  const [name = ''] = readdirSync(runs);
  return { it, exit, folder: join(runs, name), name, env };
}

const telling =
  (events: readonly RunEvent[]): Told =>
  (options) => {
    for (const event of events) options.on(event);
    const problems = events.flatMap((e) => (e.is === 'problem' ? [new Problem(e.problem)] : []));
    return Promise.resolve({ exit: problems.length > 0 ? 1 : 0, made: [], problems });
  };

const GOOD = goodEnd(goodStory()).events;

describe('a run that is carried out', () => {
  test('ends with what there is now and the proof, on standard output', async () => {
    const { it, exit } = await carried(telling(GOOD));
    expect(exit).toBe(0);
    expect(it.out()).toContain(
      'harbour is up: 1 control plane Ready, Kubernetes 1.36.3, CRI-O 1.36.1, flannel 0.28.10 (vxlan, MTU 1450).',
    );
    expect(it.out()).toContain('  Proof\n  ✓ a pod runs from a pinned image');
    expect(it.err()).toContain('✓ Packages: 6 made');
  });

  test('is written down as it is told: the same bytes as --json prints, for its owner only', async () => {
    const { it, folder: dir } = await carried(telling(GOOD), { json: true });
    const written = readFileSync(join(dir, 'events.jsonl'), 'utf8');
    expect(written).toBe(GOOD.map(eventLine).join(''));
    expect(it.out()).toBe(written);
    expect(it.err()).toBe('');
    expect(statSync(dir).mode & 0o077).toBe(0);
    expect(statSync(join(dir, 'events.jsonl')).mode & 0o077).toBe(0);
  });

  test('that fails tells what went wrong last, and ends with 1', async () => {
    const { it, exit } = await carried(telling(badStory().events));
    expect([exit, it.out()]).toEqual([1, '']);
    const lines = it.err().trimEnd().split('\n');
    expect(lines.at(-1)).toContain('2 steps after it were not tried');
    expect(it.err().match(/error\[/g)).toHaveLength(1);
  });

  test('on a terminal is drawn live and leaves the terminal as it was', async () => {
    const { it } = await carried(telling(GOOD), {}, { isTerminal: true });
    expect(it.err().startsWith('\u001b[?25l')).toBe(true);
    expect(it.err().indexOf('\u001b[?25h')).toBeGreaterThan(0);
    expect(it.out()).not.toContain('\u001b');
  });

  test('has what it says itself above what is live, and beside the events where those are printed', async () => {
    const saying: Parameters<typeof carried>[0] = (options, _, say) => {
      say('sshd listens elsewhere');
      return telling(GOOD)(options);
    };
    const watched = await carried(saying, {}, { isTerminal: true });
    expect(watched.it.err()).toContain('  sshd listens elsewhere\u001b[K\n');
    const printed = await carried(saying, { json: true });
    expect(printed.it.err()).toBe('sshd listens elsewhere\n');
    expect(printed.it.out()).toBe(GOOD.map(eventLine).join(''));
  });

  test('says nothing with --quiet but what is wrong', async () => {
    const good = await carried(telling(GOOD), { quiet: true });
    expect([good.it.out(), good.it.err()]).toEqual(['', '']);
    const bad = await carried(telling(badStory().events), { quiet: true });
    expect(bad.it.err()).toContain('error[runtime/crio-running]');
  });

  test('that is interrupted ends with 130, and gives the signals back', async () => {
    const { it, exit } = await carried(
      (options, own) =>
        new Promise((resolve) => {
          options.stop.soon.addEventListener('abort', () => resolve({ exit: 130, made: [], problems: [] }));
          own.signal('SIGINT');
        }),
    );
    expect(exit).toBe(130);
    expect(it.err()).toContain('stopping after the current step; again to stop now');
    expect(it.err()).toContain('Stopped.');
  });

  test('that is refused before it begins gives the terminal back and lets the refusal through', async () => {
    const refusal = new Problem({ code: 'run/held', summary: 'held by another', exit: 5 });
    await expect(carried(() => Promise.reject(refusal), {}, { isTerminal: true })).rejects.toBe(refusal);
  });

  test('can be shown and reported later', async () => {
    const { env, name } = await carried(telling(badStory().events));
    const shown = await landfall(['runs', 'show', name.slice(0, 12), '--cluster', 'harbour'], { env });
    expect(shown.out()).toContain('CRI-O does not start on cp-0');
    const report = await landfall(['runs', 'report', '--cluster', 'harbour'], { env });
    expect(report.out()).toContain('## What went wrong');
    const list = await landfall(['runs', '--cluster', 'harbour'], { env });
    expect(list.out()).toMatch(/apply, 23 Nov 09:12: 0 steps made in 3\.5 s, ended with 1/);
    const none = await landfall(['runs', 'show', 'x', '--cluster', 'harbour'], { env });
    expect([none.code(), none.out()]).toEqual([2, '']);
  });
});
