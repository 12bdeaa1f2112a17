import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACTS, LOCK } from '../../test/report/sample.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Facts } from '../model/facts.ts';
import { Problem } from '../model/problem.ts';
import { isEmpty } from '../plan/plan.ts';
import { RECORD } from '../shell/compile.ts';
import { sh } from '../shell/sh.ts';
import type { Host } from '../ssh/host.ts';
import type { Phase } from '../steps/phase.ts';
import { memoryFile, memoryOf } from './memory.ts';
import { type Site, survey } from './survey.ts';

/** What a real host has answered; the word is `kernel`, base64. */
const RECORDED = readFileSync(new URL('../../test/steps/facts.txt', import.meta.url), 'utf8');

let env: NodeJS.ProcessEnv;
beforeEach(() => (env = { XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), 'landfall-memory-')) }));
afterEach(() => rmSync(env['XDG_CACHE_HOME'] ?? '', { recursive: true, force: true }));

const facts = (more: Partial<Facts> = {}): Readonly<Record<string, Facts>> => ({
  'cp-0': { ...FACTS, ...more },
});

describe('what is remembered of hosts', () => {
  it('is told once, as what it was before, and is its owner’s alone', () => {
    expect(memoryOf('harbour', env).facts()).toBeUndefined();
    memoryOf('harbour', env).keep(facts());
    const memory = memoryOf('harbour', env);
    expect([memory.isThere, memory.facts(), memory.facts()]).toEqual([true, facts(), undefined]);
    const file = memoryFile('harbour', env);
    expect([file, dirname(file)].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o700]);
    expect(memoryOf('another', env).isThere).toBe(false);
  });
  it('is nothing where it cannot be read or kept', () => {
    memoryOf('harbour', env).keep(facts());
    for (const text of ['', '{', 'null', '7']) {
      writeFileSync(memoryFile('harbour', env), text);
      expect([text, memoryOf('harbour', env).facts()]).toEqual([text, undefined]);
    }
    expect(() => memoryOf('harbour', { XDG_CACHE_HOME: '/proc/nothing' }).keep(facts())).not.toThrow();
  });
});

describe('a survey that remembers', () => {
  /** A host whose kernel this is, and what it is asked; answers for its facts wait for that of its readings when they are to. */
  function hostWith(
    kernel: string,
    { fails = 0, inTurn = true, failure = new Error('the first one fails') } = {},
  ) {
    const asked: string[] = [];
    let left = fails;
    let read: () => void = () => undefined;
    const isRead = new Promise<void>((done) => (read = done));
    const host: Host = {
      name: 'cp-0',
      address: '10.0.0.11',
      trips: () => asked.length,
      close: () => Promise.resolve(),
      run: async (script) => {
        if (script.includes('# The facts of a host')) {
          asked.push('facts');
          if (!inTurn) await isRead;
          return {
            stdout: RECORDED.replace(/(a2VybmVs \S+) .*/, `$1 ${btoa(kernel)}`),
            stderr: '',
            status: 0,
          };
        }
        asked.push(/kernel is (\S+)/.exec(script)?.[1] ?? '');
        read();
        left -= 1;
        if (left >= 0) throw failure;
        return { stdout: `${RECORD}1 right\n`, stderr: '', status: 0 };
      },
    };
    return { host, asked };
  }
  const phase: Phase = {
    id: 'one',
    title: 'One',
    why: 'A test needs it.',
    stage: 'nodes',
    on: (cluster) => cluster.nodes,
    when: 'always',
    steps: ({ facts: { kernel } }) => [
      { id: 'a/a', title: 'A', why: `kernel is ${kernel}`, read: sh`uname -r`, want: kernel },
    ],
  };
  const site = (host: Host): Site => ({
    cluster: HARBOUR,
    source: '',
    lock: LOCK,
    hosts: new Map([['cp-0', host]]),
    operator: host,
    phases: [phase],
    memory: memoryOf('harbour', env),
    resolve: () => LOCK,
  });
  const asksOf = async (host: ReturnType<typeof hostWith>): Promise<readonly string[]> => {
    const { plan } = await survey(site(host.host));
    expect(isEmpty(plan)).toBe(true);
    return host.asked;
  };

  it('asks for readings while it asks what a host is, and takes them where that was right', async () => {
    expect(await asksOf(hostWith('6.1.0'))).toEqual(['facts', '6.1.0']);
    expect(await asksOf(hostWith('6.1.0', { inTurn: false }))).toEqual(['6.1.0', 'facts']);
  });
  it('takes none that were asked of a host that is another by now', async () => {
    await asksOf(hostWith('6.1.0'));
    expect(await asksOf(hostWith('6.12.0'))).toEqual(['6.1.0', 'facts', '6.12.0']);
    expect(await asksOf(hostWith('6.12.0'))).toEqual(['6.12.0', 'facts']);
  });
  it('asks again where that did not work', async () => {
    await asksOf(hostWith('6.1.0'));
    expect(await asksOf(hostWith('6.1.0', { fails: 1 }))).toEqual(['6.1.0', 'facts', '6.1.0']);
  });
  it('does not wait a second time for a host that has said nothing for so long', async () => {
    await asksOf(hostWith('6.1.0'));
    const failure = new Problem({ code: 'host/silent', summary: 'cp-0 has said nothing', exit: 4 });
    const { host, asked } = hostWith('6.1.0', { fails: 1, failure });
    await expect(survey(site(host))).rejects.toBe(failure);
    expect(asked).toEqual(['6.1.0', 'facts']);
  });
  it('is not led astray by a file that is something else', async () => {
    await asksOf(hostWith('6.1.0'));
    writeFileSync(memoryFile('harbour', env), '{"cp-0":null}');
    expect(await asksOf(hostWith('6.1.0'))).toEqual(['facts', '6.1.0']);
    expect(readFileSync(memoryFile('harbour', env), 'utf8')).toContain('"kernel":"6.1.0"');
  });
});
