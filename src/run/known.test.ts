import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR } from '../../test/steps/scene.ts';
import { LOCK } from '../../test/report/sample.ts';
import { heredoc, sh } from '../shell/sh.ts';
import type { Host } from '../ssh/host.ts';
import type { Phase } from '../steps/phase.ts';
import { APPLIED } from '../steps/record.ts';
import type { Step, StepId } from '../steps/step.ts';
import { isNewHere, keepKnown, knowsOf, specDigest } from './known.ts';
import { signed } from './signature.ts';
import { type Site, survey } from './survey.ts';

const DIGEST = 'a'.repeat(64);
const LAST = {
  digest: DIGEST,
  at: '2026-11-23T09:12:00Z',
  run: '20261123-091200-ab12',
  landfall: '0.1.0',
  by: 'ben@desk',
};

describe('what an operator knows of what was applied', () => {
  let env: NodeJS.ProcessEnv;
  beforeEach(() => (env = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'landfall-known-')) }));
  afterEach(() => rmSync(env['XDG_STATE_HOME'] ?? '', { recursive: true, force: true }));
  const state = (...more: readonly string[]): string =>
    join(env['XDG_STATE_HOME'] ?? '', 'landfall', 'harbour', ...more);

  it('is nothing at first', () => {
    expect([isNewHere('harbour', env), knowsOf('harbour', LAST, env)]).toEqual([true, false]);
  });

  it('is what his own file was once the same as', () => {
    keepKnown('harbour', LAST, env);
    expect([isNewHere('harbour', env), knowsOf('harbour', LAST, env)]).toEqual([false, true]);
    // Somebody has gone back to the same file since: that is something new.
    expect(knowsOf('harbour', { ...LAST, run: '20261124-091200-cd34' }, env)).toBe(false);
    expect(knowsOf('other', LAST, env)).toBe(false);
  });

  it('is what his own runs have applied', () => {
    mkdirSync(state('runs', LAST.run), { recursive: true });
    expect([isNewHere('harbour', env), knowsOf('harbour', LAST, env)]).toEqual([false, true]);
    expect(knowsOf('harbour', { ...LAST, run: '20261123-091200-ab13' }, env)).toBe(false);
  });

  it('is not kept where nothing can be written, and that is no failure', () => {
    expect(() => keepKnown('harbour', LAST, { XDG_STATE_HOME: '/proc/nothing' })).not.toThrow();
  });
});

describe('a survey', () => {
  const here: Host = {
    name: 'cp-0',
    address: 'this machine',
    trips: () => 0,
    close: () => Promise.resolve(),
    run: (script) => {
      const { stdout, stderr, status } = spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' });
      return Promise.resolve({ stdout, stderr, status: status ?? 137 });
    },
  };
  const line = [DIGEST, LAST.at, LAST.run, LAST.landfall, LAST.by].join(' ');
  const step = (id: StepId, reading: string, more: Partial<Step> = {}): Step => ({
    id,
    title: id,
    why: 'A test needs it.',
    read: sh`cat ${heredoc(reading)}`,
    want: 'as wanted',
    ...more,
  });
  const phase = (id: string, steps: readonly Step[]): Phase => ({
    id,
    title: id,
    why: 'w',
    stage: 'seat',
    on: (c) => c.nodes,
    when: 'always',
    steps: () => steps,
  });
  const site = (reading: string): Site => ({
    cluster: HARBOUR,
    source: '',
    lock: LOCK,
    hosts: new Map([['cp-0', here]]),
    operator: here,
    phases: [
      phase('one', [step('a/a', 'as wanted')]),
      phase('record', [step(APPLIED, reading, { tells: { name: 'entries', run: sh`echo ${line}` } })]),
    ],
    resolve: () => LOCK,
  });

  it('tells what was applied last, whether that is what is wanted or not', async () => {
    expect((await survey(site('as wanted'))).plan.applied).toEqual({
      last: LAST,
      text: 'as wanted\n',
      earlier: [],
    });
    expect((await survey(site('of others'))).plan.applied?.text).toBe('of others\n');
  });

  it('tells it, too, when a part of the list is meant, and plans that part alone', async () => {
    const { plan, works } = await survey(site('of others'), { only: ['one'] });
    expect(plan.applied?.text).toBe('of others\n');
    expect(plan.hosts.map(({ findings }) => findings.map((f) => f.step))).toEqual([['a/a']]);
    expect(works.map((work) => work.phase.id)).toEqual(['one']);
  });

  it('knows nothing where nothing is told', async () => {
    const silent = { ...site('x'), phases: site('x').phases.slice(0, 1) };
    expect((await survey(silent)).plan.applied).toBeUndefined();
  });
});

it('a run signs with its name, the version, and who runs it', () => {
  const site = signed({ site: { secret: () => 'a secret' } as unknown as Site, run: 'r1', version: '0.1.0' });
  expect(site.secret?.('signature')).toMatch(/^r1 0\.1\.0 \S+@\S+$/);
  expect(site.secret?.('registry-logins')).toBe('a secret');
});

it('the digest is of the canonical text', () => {
  expect(specDigest(HARBOUR)).toMatch(/^[0-9a-f]{64}$/);
  expect(specDigest({ ...HARBOUR, name: 'other' })).not.toBe(specDigest(HARBOUR));
});
