import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ETCD_DEFAULTS } from '../config/etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from '../config/certificate-defaults.ts';
import { HOST_DEFAULTS } from '../config/host-defaults.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
import { Problem } from '../model/problem.ts';
import { isEmpty } from '../plan/plan.ts';
import { RECORD } from '../shell/compile.ts';
import { heredoc, sh } from '../shell/sh.ts';
import { Disconnected, type Host, type Output } from '../ssh/host.ts';
import type { Phase } from '../steps/phase.ts';
import type { Step, StepId } from '../steps/step.ts';
import { apply, type Applied } from './apply.ts';
import type { RunEvent } from './event.ts';
import { planReset, reset } from './reset.ts';
import { type Site, survey } from './survey.ts';
import type { RunOptions } from './take.ts';

// What is left in peace for some seconds between two looks is so for none.
vi.mock(import('./patience.ts'), async (real) => ({ ...(await real()), pause: () => Promise.resolve() }));

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-run-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const cluster: Cluster = {
  name: 'harbour',
  kubernetes: '1.36',
  endpoint: { host: 'api.harbour.internal', port: 6443, kept: true },
  network: {
    plugin: 'none',
    kubeProxy: 'keep',
    pods: '10.244.0.0/16',
    services: '10.96.0.0/16',
    domain: 'cluster.local',
  },
  certificates: CERTIFICATE_DEFAULTS,
  runtime: 'cri-o',
  etcd: ETCD_DEFAULTS,
  ssh: {},
  host: HOST_DEFAULTS,
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '192.0.2.1', workloads: true }],
};

const lock = {
  kubernetes: '1.36.3',
  packages: {},
  keys: {},
  images: {},
  network: { plugin: 'none', files: {}, images: [] },
} as unknown as Lock;

/** This machine's dash in the place of a host; `killAfter` cuts a making script off after so many bytes of its stream. */
function dash(killAfter?: number): Host {
  let trips = 0;
  return {
    name: 'cp-0',
    address: 'this machine',
    trips: () => trips,
    close: () => Promise.resolve(),
    run: (script, options = {}) =>
      new Promise<Output>((done, fail) => {
        trips += 1;
        const looks = /^# (The facts of a host|.* · readings$)/m.test(script);
        const child = spawn('dash', ['-s'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
        let stdout = '';
        let stderr = '';
        let seen = 0;
        child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
          seen += chunk.length;
          if (!looks && killAfter !== undefined && seen > killAfter)
            process.kill(-(child.pid ?? 0), 'SIGKILL');
          if (options.onData === undefined) stdout += chunk;
          else options.onData(chunk);
        });
        child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
        child.on('error', fail);
        child.on('close', (status) => done({ status: status ?? 137, stdout, stderr }));
        child.stdin.on('error', () => undefined);
        child.stdin.end(script);
      }),
  };
}

function cell(id: StepId, want: string, more: Partial<Step> = {}): Step {
  const path = join(dir, id.replace('/', '-'));
  return {
    id,
    title: `Fill ${id}`,
    why: 'A test needs it.',
    read: sh`cat ${path} 2>/dev/null || echo absent`,
    want,
    make: sh`
      echo making ${id}
      cat >${`${path}.new`} ${heredoc(want)}
      mv ${`${path}.new`} ${path}`,
    undo: sh`rm -f ${path}`,
    ...more,
  };
}

function check(id: StepId, want: string): Step {
  const { make: _make, undo: _undo, ...rest } = cell(id, want);
  return rest;
}

function phase(id: string, steps: readonly Step[], more: Partial<Phase> = {}): Phase {
  return {
    id,
    title: id,
    why: 'w',
    stage: 'nodes',
    on: (c) => c.nodes,
    when: 'always',
    steps: () => steps,
    ...more,
  };
}

function site(phases: readonly Phase[], host: Host = dash()): Site {
  return {
    cluster,
    source: '',
    lock,
    hosts: new Map([['cp-0', host]]),
    operator: dash(),
    phases,
    resolve: () => lock,
  };
}

const never = new AbortController().signal;

function options(s: Site, events: RunEvent[] = []): RunOptions {
  const on = (event: RunEvent): number => events.push(event);
  return {
    site: s,
    run: 'r1',
    command: 'apply',
    version: '0',
    on,
    stop: { soon: never, now: never },
    patience: 1,
    detached: false,
  };
}

async function applied(
  s: Site,
  events: RunEvent[] = [],
  proof: 'changed' | 'never' = 'changed',
): Promise<Applied> {
  return apply({ ...options(s, events), survey: await survey(s), choice: {}, proof });
}

describe('hosts that do not answer', () => {
  const silent = (name: string): Host => ({
    ...dash(),
    name,
    run: () =>
      Promise.reject(
        new Problem({ code: 'ssh/unreachable', host: name, summary: `${name} is away`, exit: 4 }),
      ),
  });
  const more = (role: Cluster['nodes'][number]['role']): Site => {
    const s = site([phase('one', [cell('a/a', 'x')])]);
    const node = { name: 'other', role, address: '192.0.2.2', workloads: true };
    const hosts = new Map([...s.hosts, ['other', silent('other')] as const]);
    return { ...s, cluster: { ...cluster, nodes: [...cluster.nodes, node] }, hosts };
  };

  it('are left out and named when they are workers, and the others are made right', async () => {
    const { plan } = await survey(more('worker'));
    expect(plan.away).toEqual([
      { host: 'other', address: '192.0.2.2', code: 'ssh/unreachable', summary: 'other is away' },
    ]);
    const outcome = await applied(more('worker'));
    expect([outcome.exit, outcome.made.length, outcome.problems.map(({ host }) => host)]).toEqual([
      4,
      1,
      ['other'],
    ]);
    expect(isEmpty((await survey(more('worker'))).plan)).toBe(true);
  });

  it('keep everything from being begun while a control plane is among them and there is no cluster yet', async () => {
    await expect(survey(more('control-plane'))).rejects.toMatchObject({ code: 'ssh/unreachable' });
  });
});

describe('hosts that are lost in the middle of a phase', () => {
  /** Answers whatever only looks, and is lost as soon as something is to be made. */
  const losing = (name: string): Host => ({
    ...dash(),
    name,
    run: (script, options) =>
      script.includes(' · readings\n') || !script.includes(` · ${name} · `)
        ? dash().run(script, options)
        : Promise.reject(
            new Problem({ code: 'ssh/unreachable', host: name, summary: `${name} is away`, exit: 4 }),
          ),
  });
  const slow = (): readonly Step[] => [
    cell('a/a', 'x', { make: sh`sleep 1; echo x >${join(dir, 'a-a')}` }),
    cell('a/b', 'y'),
  ];
  const several = (lost: readonly string[], more: Partial<Phase> = {}): Site => {
    const steps: Phase['steps'] = ({ node }) =>
      lost.includes(node.name) ? [cell(`l/${node.name}`, 'x')] : slow();
    const s = site([phase('one', [], { steps, ...more }), phase('two', [cell('b/b', 'z')])]);
    const nodes = [...lost.map((name) => ({ name, role: 'worker' as const })), ...cluster.nodes].map((n) => ({
      address: '192.0.2.2',
      workloads: true,
      ...n,
    }));
    const hosts = new Map([...s.hosts, ...lost.map((name) => [name, losing(name)] as const)]);
    return { ...s, cluster: { ...cluster, nodes }, hosts };
  };
  const ends = (events: readonly RunEvent[]): readonly unknown[] =>
    events.flatMap((e) => (e.is === 'phase-end' ? [[e.phase, e.made, e.right, e.failed, e.left]] : []));

  it('do not keep the others from coming to its end, and nothing after it is begun', async () => {
    const events: RunEvent[] = [];
    const outcome = await applied(several(['w-0', 'w-1']), events);
    expect(outcome.problems.map(({ host, summary }) => [host, summary])).toEqual([
      ['w-0', 'w-0 is away'],
      ['w-1', 'w-1 is away'],
    ]);
    expect(outcome.made.map(({ step }) => step)).toEqual(['a/a', 'a/b']);
    expect(events.flatMap((e) => (e.is === 'notice' && e.code === 'run/given-up' ? [e.host] : []))).toEqual([
      'w-0',
      'w-1',
    ]);
    expect(ends(events)).toEqual([['one', 2, 0, 0, 2]]);
    expect(events.at(-1)).toMatchObject({ is: 'end', exit: 4, made: 2 });
  });

  it('keep those from being begun that come one by one', async () => {
    const events: RunEvent[] = [];
    const outcome = await applied(several(['w-0'], { pace: 'one by one' }), events);
    expect([outcome.made, outcome.problems.map(({ host }) => host)]).toEqual([[], ['w-0']]);
    expect(ends(events)).toEqual([['one', 0, 0, 0, 3]]);
  });

  it('are told of where the shell was killed that does the work', async () => {
    const events: RunEvent[] = [];
    const { problems } = await applied(site([phase('one', slow())], dash(1)), events);
    expect(problems).toMatchObject([{ code: 'run/lost', host: 'cp-0' }]);
    expect(ends(events)).toEqual([['one', 0, 0, 0, 2]]);
  });
});

describe('members that came or went before the hosts were ours', () => {
  /** A host that tells whoever takes it whether it is a member. */
  const held = (isMember: boolean): Host => ({
    ...dash(),
    run: (script, options = {}) => {
      if (!script.includes('/run/landfall/')) return dash().run(script, options);
      if (!script.includes('while say alive')) return Promise.resolve({ status: 0, stdout: '', stderr: '' });
      const said = [...(isMember ? ['member'] : []), 'got'].map((word) => `${RECORD}${word}\n`).join('');
      queueMicrotask(() => options.onData?.(said));
      return new Promise((_, lost) =>
        options.signal?.addEventListener('abort', () => lost(new Disconnected('cp-0', 'ended here'))),
      );
    },
  });

  it.each([
    [false, 'is believed'],
    [true, 'is read anew'],
  ])('when the host %s a member: what was read %s', async (isMember) => {
    const s = site([phase('one', [cell('a/a', 'x')])], held(isMember));
    const before = await survey(s);
    let begun: unknown;
    const onBegin = (now: unknown): never => {
      begun = now;
      throw new Error('that is enough');
    };
    const run = apply({ ...options(s), detached: true, survey: before, choice: {}, proof: 'never', onBegin });
    await expect(run).rejects.toThrow('that is enough');
    expect(begun === before).toBe(!isMember);
  });
});

describe('apply', () => {
  it('makes what the plan said, and leaves an empty plan', async () => {
    const s = site([
      phase('one', [cell('a/a', 'x'), cell('a/b', 'y')]),
      phase('two', [cell('b/a', 'z', { after: ['a/b'] })]),
    ]);
    const before = await survey(s);
    expect(before.plan.hosts[0]?.findings.map((f) => f.forecast)).toEqual(['make', 'make', 'unknown']);
    expect(before.plan.trips).toBe(2);
    const outcome = await applied(s);
    expect(outcome.exit).toBe(0);
    expect(outcome.made.map((m) => m.step)).toEqual(['a/a', 'a/b', 'b/a']);
    expect(isEmpty((await survey(s)).plan)).toBe(true);
    expect((await applied(s)).made).toEqual([]);
  });

  it('begins with the first phase that has something to do', async () => {
    const s = site([phase('one', [cell('a/a', 'x')]), phase('two', [cell('b/a', 'z')])]);
    await applied(s);
    rmSync(join(dir, 'b-a'));
    const events: RunEvent[] = [];
    await applied(s, events);
    expect(events.filter((e) => e.is === 'phase').map((e) => e.phase)).toEqual(['two']);
  });

  it('does not try later phases when a check does not hold, and says why and what to do', async () => {
    const s = site([phase('one', [check('a/a', 'x'), check('a/b', 'x')]), phase('two', [cell('b/a', 'z')])]);
    const outcome = await applied(s);
    expect(outcome.exit).toBe(1);
    expect(outcome.problems.map((p) => p.code)).toEqual(['a/a', 'a/b']);
    expect(outcome.problems[0]?.saw).toContain('absent');
    expect(outcome.problems[0]?.try).toContain('landfall explain a/a');
    expect(existsSync(join(dir, 'b-a'))).toBe(false);
  });

  it('gives the meaning and the cure when a clue knows the words of a failure', async () => {
    const clue = { match: /no space left/i, means: 'the disk is full', try: 'free some', diagnosis: 'H83' };
    const s = site([
      phase('one', [
        cell('a/a', 'x', { make: sh`echo 'write: No space left on device'; exit 1`, clues: [clue] }),
      ]),
    ]);
    const { problems } = await applied(s);
    expect(problems[0]).toMatchObject({
      code: 'a/a',
      saw: 'write: No space left on device',
      why: 'the disk is full (H83)',
      try: 'free some',
    });
  });

  it('is not done when a step undoes another', async () => {
    const s = site([
      phase('one', [
        cell('a/a', 'x'),
        cell('a/b', 'y', { make: sh`rm -f ${join(dir, 'a-a')}; echo y >${join(dir, 'a-b')}` }),
      ]),
    ]);
    const { problems, exit } = await applied(s);
    expect(exit).toBe(1);
    expect(problems[0]).toMatchObject({ code: 'run/unsettled', saw: 'cp-0: a/a: absent' });
  });

  describe('what is not as wanted only since it was made', () => {
    // Read by the plan and by its phase; then at the end, by its phase again, at the end again, and so on.
    const flaps = async (
      ...ill: readonly number[]
    ): Promise<{ readonly codes: readonly string[]; readonly looks: number }> => {
      const looks = join(dir, 'looks');
      const step: Step = {
        ...check('a/flaps', 'well'),
        within: 5,
        read: sh`
          echo >>${looks}
          case ${`,${ill.join(',')},`} in *",$(wc -l <${looks}),"*) echo ill ;; *) echo well ;; esac`,
      };
      const { problems } = await applied(site([phase('one', [cell('a/a', 'x'), step])]));
      return { codes: problems.map(({ code }) => code), looks: readFileSync(looks, 'utf8').length };
    };

    it.each([
      [[3], 5],
      [[3, 5], 7],
      [[3, 5, 7], 9],
    ])('is waited for when it is ill at looks %j', async (ill, looks) => {
      expect(await flaps(...ill)).toEqual({ codes: [], looks });
    });

    // Read by the plan, before it is made and after; and then at the end.
    const asked = async (note: string, ...ill: readonly number[]) => {
      const looks = join(dir, 'looks');
      const makes = join(dir, 'makes');
      const asks = cell('a/a', 'x', {
        read: sh`
          echo >>${looks}
          case ${`,${ill.join(',')},`} in
            *",$(wc -l <${looks}),"*) echo ${note} >&2 ;;
            *) cat ${join(dir, 'a-a')} 2>/dev/null || echo absent ;;
          esac`,
        make: sh`echo >>${makes}; echo x >${join(dir, 'a-a')}`,
        disturbs: 'service',
      });
      const { problems } = await applied(site([phase('one', [asks])]));
      expect(readFileSync(makes, 'utf8')).toHaveLength(1);
      return problems.map(({ code, saw }) => [code, saw]);
    };
    const unanswered = 'context deadline exceeded';

    it.each([[[4]], [[4, 5]], [[4, 5, 6]]])(
      'is read again when nobody answered, and not made: %j',
      async (ill) => {
        expect(await asked(unanswered, ...ill)).toEqual([]);
      },
    );

    it('is told of as unanswered when nobody answers any more', async () => {
      expect(await asked(unanswered, 4, 5, 6, 7)).toEqual([['run/unanswered', `cp-0: a/a: ${unanswered}`]]);
    });

    it('is told of at once when something is amiss', async () => {
      expect(await asked('no such thing', 4)).toEqual([['run/unsettled', 'cp-0: a/a: no such thing']]);
    });

    it('is told of when it is ill whenever all is read', async () => {
      expect(await flaps(3, 5, 7, 9)).toEqual({ codes: ['run/unsettled'], looks: 9 });
    });
  });

  it('proves what it has made, hands late values to the operator’s machine, and cleans up though the proof failed', async () => {
    const port = cell('p/port', 'open', { read: sh`echo open`, gives: ['port'] });
    const proof = [
      phase('proof', [port], { when: 'changed', stage: 'seat' }),
      phase('outside', [check('p/outside', 'never')], { when: 'changed', stage: 'operator' }),
      phase('clean', [cell('p/clean', 'gone')], { when: 'changed', stage: 'seat' }),
    ];
    const events: RunEvent[] = [];
    const outcome = await applied(site([phase('one', [cell('a/a', 'x')]), ...proof]), events);
    expect(outcome.problems.map((p) => p.code)).toEqual(['p/outside']);
    expect(outcome.made.map((m) => m.step)).toEqual(['a/a', 'p/clean']);
    expect(readFileSync(join(dir, 'p-clean'), 'utf8')).toBe('gone\n');
    expect((await applied(site([phase('one', [cell('a/a', 'x')]), ...proof]))).exit).toBe(0);
  });

  describe('what an earlier phase has opened', () => {
    const opening = (): Phase => phase('open', [cell('o/pen', 'x')]);
    const closing = (): Phase => phase('close', [cell('c/lose', 'x')], { closes: 'open' });
    const phasesOf = (events: readonly RunEvent[]): readonly string[] =>
      events.flatMap((e) => (e.is === 'phase' ? [e.phase] : []));

    it('is closed though a phase in between failed, and nothing else is done', async () => {
      const failing = cell('f/ails', 'x', { make: sh`exit 3` });
      const events: RunEvent[] = [];
      const phases = [opening(), phase('two', [failing]), phase('three', [cell('t/hree', 'x')]), closing()];
      const outcome = await applied(site(phases), events);
      expect(outcome.problems.map((p) => p.code)).toEqual(['f/ails']);
      expect(phasesOf(events)).toEqual(['open', 'two', 'close']);
      expect(readFileSync(join(dir, 'c-lose'), 'utf8')).toBe('x\n');
    });

    it('is closed though the operator has asked to stop', async () => {
      const soon = new AbortController();
      const events: RunEvent[] = [];
      const s = site([opening(), phase('two', [cell('t/wo', 'x')]), closing()]);
      const on = (event: RunEvent): void => {
        events.push(event);
        if (event.is === 'phase-end') soon.abort();
      };
      const { exit } = await apply({
        ...options(s),
        on,
        stop: { soon: soon.signal, now: never },
        survey: await survey(s),
        choice: {},
        proof: 'never',
      });
      expect([exit, phasesOf(events)]).toEqual([130, ['open', 'close']]);
    });

    it('is not closed when it was not opened', async () => {
      const events: RunEvent[] = [];
      const failing = cell('f/ails', 'x', { make: sh`exit 3` });
      await applied(site([phase('two', [failing]), opening(), closing()]), events);
      expect(phasesOf(events)).toEqual(['two']);
    });

    it('is closed once, in its turn, when all goes well', async () => {
      const events: RunEvent[] = [];
      await applied(site([opening(), phase('two', [cell('t/wo', 'x')]), closing()]), events, 'never');
      expect(phasesOf(events)).toEqual(['open', 'two', 'close']);
    });
  });

  it('comes to the same end wherever its script is killed, however often', async () => {
    const steps = ['a', 'b', 'c', 'd'].map((n) => cell(`k/${n}`, `want of ${n}\nin two lines`));
    const phases = [phase('one', steps.slice(0, 2)), phase('two', steps.slice(2))];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 3 }),
        fc.subarray(['a', 'b', 'c', 'd']),
        async (cuts, done) => {
          for (const n of ['a', 'b', 'c', 'd']) rmSync(join(dir, `k-${n}`), { force: true });
          for (const n of done) writeFileSync(join(dir, `k-${n}`), `want of ${n}\nin two lines\n`);
          for (const cut of cuts) await applied(site(phases, dash(cut)), [], 'never');
          expect((await applied(site(phases), [], 'never')).exit).toBe(0);
          for (const n of ['a', 'b', 'c', 'd'])
            expect(readFileSync(join(dir, `k-${n}`), 'utf8')).toBe(`want of ${n}\nin two lines\n`);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('stops after the current step when asked to', async () => {
    const soon = new AbortController();
    const events: RunEvent[] = [];
    const s = site([phase('one', [cell('a/a', 'x')]), phase('two', [cell('b/a', 'y')])]);
    const base = options(s, events);
    const on = (event: RunEvent): void => {
      base.on(event);
      if (event.is === 'phase-end') soon.abort();
    };
    const before = await survey(s);
    const outcome = await apply({
      ...base,
      on,
      stop: { soon: soon.signal, now: never },
      survey: before,
      choice: {},
      proof: 'never',
    });
    expect(outcome.exit).toBe(130);
    expect(existsSync(join(dir, 'b-a'))).toBe(false);
    expect(events.at(-1)).toMatchObject({ is: 'end', exit: 130, made: 1 });
  });
});

describe('reset', () => {
  it('touches nothing on a host that belongs to another cluster', async () => {
    const guard: Step = {
      id: 'preflight/other-cluster',
      title: 'Guard',
      why: 'w',
      read: sh`echo the cluster quay`,
      want: 'none',
    };
    const s = site([phase('one', [guard, cell('a/a', 'x')])]);
    writeFileSync(join(dir, 'a-a'), 'x\n');
    const opts = { ...options(s), command: 'reset' };
    await expect(planReset(opts)).rejects.toMatchObject({
      code: 'reset/not-ours',
      exit: 5,
      saw: 'the cluster quay',
    });
    const own = { ...guard, read: sh`echo none` };
    const plan = await planReset({ site: site([phase('one', [own, cell('a/a', 'x')])]) });
    const stale = { ...plan, guards: plan.guards.map((w) => ({ ...w, steps: [guard] })) };
    await expect(reset(opts, stale)).rejects.toMatchObject({ code: 'reset/not-ours' });
    expect(existsSync(join(dir, 'a-a'))).toBe(true);
  });

  it('takes the workers’ steps back before those of the control plane', async () => {
    const two: Cluster = {
      ...cluster,
      nodes: [...cluster.nodes, { name: 'w-0', role: 'worker', address: '192.0.2.2', workloads: true }],
    };
    const phases = [phase('one', [], { steps: ({ node }) => [cell(`${node.name}/a`, 'x')] })];
    const hosts = new Map(two.nodes.map(({ name }) => [name, { ...dash(), name }]));
    const s: Site = { ...site(phases), cluster: two, hosts };
    await applied(s);
    const events: RunEvent[] = [];
    const opts = { ...options(s, events), command: 'reset' };
    await reset(opts, await planReset(opts));
    expect(events.flatMap((e) => (e.is === 'phase' ? [[e.phase, ...e.hosts]] : []))).toEqual([
      ['reset-workers', 'w-0'],
      ['reset', 'cp-0'],
    ]);
    expect([existsSync(join(dir, 'cp-0-a')), existsSync(join(dir, 'w-0-a'))]).toEqual([false, false]);
  });

  it('takes back in reverse order, and goes on after a piece that fails', async () => {
    const phases = [
      phase('one', [cell('a/a', 'x'), cell('a/b', 'y', { undo: sh`echo no >&2; false` })]),
      phase('two', [cell('b/a', 'z')]),
    ];
    const s = site(phases);
    await applied(s);
    const events: RunEvent[] = [];
    const opts = { ...options(s, events), command: 'reset' };
    const outcome = await reset(opts, await planReset(opts));
    expect(outcome.made.map((m) => m.step)).toEqual(['b/a', 'a/a']);
    expect(outcome.problems.map((p) => p.code)).toEqual(['a/b']);
    expect(existsSync(join(dir, 'a-a'))).toBe(false);
  });
});
