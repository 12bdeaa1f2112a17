import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile, OVERDUE, RECORD, type ScriptStep } from './compile.ts';
import { parseRecords, type ScriptRecord, streamReader } from './parse.ts';
import { heredoc, sh } from './sh.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A step whose state is a file: the smallest thing that can be read and made. */
function cell(name: string, want: string, more: Partial<ScriptStep> = {}): ScriptStep {
  const path = join(dir, name);
  return {
    id: `cell/${name}`,
    title: `Fill ${name}`,
    why: 'A test needs it.',
    read: sh`if [ -e ${path} ]; then cat ${path}; else echo absent; fi`,
    want,
    make: sh`cat >${path} ${heredoc(want)}`,
    ...more,
  };
}

function run(
  script: string,
  shell = 'dash',
): { records: readonly ScriptRecord[]; stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync(shell, ['-s'], { input: script, encoding: 'utf8' });
  return { records: parseRecords(stdout), stdout, stderr };
}

const make = (steps: readonly ScriptStep[]): string => compile(steps, { mode: 'make', title: 'a test' });
const read = (steps: readonly ScriptStep[]): string => compile(steps, { mode: 'read', title: 'a test' });
const words = (records: readonly ScriptRecord[]): string[] =>
  records.map((r) => ('step' in r ? `${r.step} ${r.is}` : r.is));

describe('a compiled script', () => {
  it('only looks in mode read', () => {
    const { records } = run(read([cell('a', 'x')]));
    expect(records).toEqual([
      { is: 'begin', steps: 1 },
      { is: 'differs', step: 1, reading: 'absent', note: '' },
      { is: 'end' },
    ]);
    expect(existsSync(join(dir, 'a'))).toBe(false);
  });

  it('makes what differs, and nothing when run again', () => {
    const steps = [cell('a', '1\n2'), cell('b', "it's $(not) `run`")];
    expect(words(run(make(steps)).records)).toEqual([
      'begin',
      '1 differs',
      '1 made',
      '2 differs',
      '2 made',
      'end',
    ]);
    expect(words(run(make(steps)).records)).toEqual(['begin', '1 right', '2 right', 'end']);
  });

  it('leaves nothing to be made after any sequence of contents', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((s) => !/[\0\r\u001e]/.test(s));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (contents) => {
        const steps = contents.map((content, i) => cell(`c${i}`, content.replace(/\n+$/, '')));
        run(make(steps));
        expect(words(run(read(steps)).records).slice(1, -1)).toEqual(steps.map((_, i) => `${i + 1} right`));
      }),
      { numRuns: 40 },
    );
  });

  it('stops making after a failure, tells its status, and skips the rest', () => {
    const steps = [
      cell('a', 'x', { make: sh`echo half; false; echo never` }),
      cell('b', 'y'),
      cell('c', 'z', { make: undefined as never }),
    ];
    const { records, stdout } = run(make(steps.slice(0, 2)));
    expect(words(records)).toEqual(['begin', '1 differs', '1 failed', '2 skipped', 'end']);
    expect(records[2]).toMatchObject({ status: 1, reading: 'absent' });
    expect(stdout).toContain('half');
    expect(stdout).not.toContain('never');
    expect(existsSync(join(dir, 'b'))).toBe(false);
  });

  it('tells all checks that do not hold, and makes nothing after the first of them', () => {
    const check = (name: string): ScriptStep => {
      const { make: _, ...rest } = cell(name, 'x');
      return rest;
    };
    expect(words(run(make([check('a'), cell('m', 'y'), check('b')])).records)).toEqual([
      'begin',
      '1 wrong',
      '2 skipped',
      '3 wrong',
      'end',
    ]);
    expect(existsSync(join(dir, 'm'))).toBe(false);
  });

  describe('a make that may be made again', () => {
    const tries = (): number => readFileSync(join(dir, 'tries'), 'utf8').length;
    /** Fails with these words until it is made for the time `at`. */
    const busy = (said: string, at: number, within = 20): ScriptStep => ({
      ...cell('a', 'x', {
        make: sh`
          printf . >>${join(dir, 'tries')}
          if [ "$(wc -c <${join(dir, 'tries')})" -lt ${at} ]; then echo ${said}; false; fi
          echo x >${join(dir, 'a')}`,
        within,
      }),
      again: 'no answer|timed out',
    });

    it('is, when it failed for want of an answer, and all it says is told', () => {
      const { records, stdout } = run(make([busy('error: no answer', 3), cell('b', 'y')]));
      expect(words(records)).toEqual(['begin', '1 differs', '1 made', '2 differs', '2 made', 'end']);
      expect([tries(), stdout.split('error: no answer').length - 1]).toEqual([3, 2]);
    });

    it('is not, when it failed for another reason', () => {
      const { records } = run(make([busy('error: forbidden', 3), cell('b', 'y')]));
      expect(words(records)).toEqual(['begin', '1 differs', '1 failed', '2 skipped', 'end']);
      expect([tries(), records[2]]).toMatchObject([1, { status: 1 }]);
    });

    it('is, for as long as its reading is waited for', () => {
      const { records } = run(make([busy('timed out', 100, 2)]));
      expect(words(records)).toEqual(['begin', '1 differs', '1 failed', 'end']);
      expect(tries()).toBeGreaterThan(1);
      expect(tries()).toBeLessThanOrEqual(4);
    });
  });

  it('waits for a reading that comes right later, and says what it saw meanwhile', () => {
    const path = join(dir, 'late');
    const step = cell('late', 'up', {
      make: sh`( sleep 1; echo up >${path} ) >/dev/null 2>&1 &`,
      within: 20,
    });
    expect(words(run(make([step])).records)).toEqual(['begin', '1 differs', '1 waiting', '1 made', 'end']);
  });

  it('calls unproven what was made without an error and still reads otherwise', () => {
    const { records } = run(make([cell('a', 'x', { make: sh`true`, within: 1 }), cell('b', 'y')]));
    expect(words(records)).toEqual(['begin', '1 differs', '1 waiting', '1 unproven', '2 skipped', 'end']);
  });

  it('counts the time of slow readings as waited', () => {
    const looks = join(dir, 'looks');
    run(make([cell('a', 'x', { read: sh`echo >>${looks}; sleep 1`, make: sh`true`, within: 2 })]));
    // Before the make, after it, and at most twice more: by then two short pauses and two readings have taken two seconds.
    expect(readFileSync(looks, 'utf8').length).toBeLessThanOrEqual(4);
  });

  it('runs a probe once for all readings and again after a make', () => {
    const count = join(dir, 'count');
    const probes = [
      {
        name: 'slow',
        run: sh`echo run >>${count}; if [ -e ${join(dir, 'a')} ]; then echo there; else echo absent; fi`,
      },
    ];
    const asks = (name: string): ScriptStep =>
      cell(name, 'there', { read: sh`probe slow`, make: sh`touch ${join(dir, 'a')}`, probes });
    expect(words(run(make([asks('p'), asks('q'), asks('r')])).records)).toEqual([
      'begin',
      '1 differs',
      '1 made',
      '2 right',
      '3 right',
      'end',
    ]);
    expect(readFileSync(count, 'utf8').split('\n').length - 1).toBe(2);
  });

  it('gives way to what the host does while it only looks', () => {
    const nice = cell('a', '', { read: sh`nice` });
    expect(run(read([nice])).records[1]).toMatchObject({ reading: '10' });
    expect(run(make([nice])).records[1]).not.toMatchObject({ reading: '10' });
  });

  it('says of a probe that it had no answer in time, when that was all', () => {
    const late = { name: 'late', run: sh`timeout 0.2 sleep 5` };
    const asks = (name: string): ScriptStep => cell(name, 'there', { read: sh`probe late`, probes: [late] });
    const { records } = run(read([asks('p'), asks('q')]));
    expect(records.slice(1, -1)).toMatchObject([{ note: `${OVERDUE}\n` }, { note: `${OVERDUE}\n` }]);
  });

  it('runs a probe that needs another only when that has said so, and tells each reading what was wrong', () => {
    const count = join(dir, 'count');
    const ground = {
      name: 'ground',
      run: sh`echo ground >>${count}; echo no answer >&2; cat ${join(dir, 'ground')}`,
    };
    const needs = { probe: ground, said: 'ok' };
    const upper = { name: 'upper', run: sh`echo upper >>${count}; echo there`, needs };
    const asks = (name: string): ScriptStep =>
      cell(name, 'there', { read: sh`probe upper`, probes: [upper] });
    const looked = (text: string): unknown[] => {
      writeFileSync(join(dir, 'ground'), text);
      rmSync(count, { force: true });
      const { records } = run(read([asks('p'), asks('q')]));
      return [...records.slice(1, -1), readFileSync(count, 'utf8')];
    };
    expect(looked('ok\n')).toEqual([{ is: 'right', step: 1 }, { is: 'right', step: 2 }, 'ground\nupper\n']);
    const silent = { is: 'differs', reading: '', note: 'no answer\n' };
    expect(looked('wait\n')).toEqual([{ ...silent, step: 1 }, { ...silent, step: 2 }, 'ground\n']);
  });

  it('does nothing at all when it arrives cut short, wherever the cut is', () => {
    const script = make([cell('a', 'x'), cell('b', 'y')]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: script.length - 'main\n'.length }), (at) => {
        run(script.slice(0, at));
        expect(existsSync(join(dir, 'a'))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('ends before its next step when the stop file appears', () => {
    const stopFile = join(dir, 'stop');
    const steps = [
      cell('a', 'x', { make: sh`echo x >${join(dir, 'a')}; touch ${stopFile}` }),
      cell('b', 'y'),
    ];
    const { records } = run(compile(steps, { mode: 'make', title: 't', stopFile }));
    expect(words(records)).toEqual(['begin', '1 differs', '1 made', '2 skipped', 'end']);
    expect(records[3]).toMatchObject({ asked: true });
  });

  it('hands late values over without a word in the stream', () => {
    const given = join(dir, 'given');
    const secret = 'abcdef.0123456789abcdef';
    const giver = cell('a', 'x', { make: sh`give token ${secret}; echo x >${join(dir, 'a')}` });
    const { stdout } = run(compile([giver], { mode: 'make', title: 't', given }));
    expect(stdout).not.toContain(secret);
    expect(stdout).not.toContain(Buffer.from(secret).toString('base64').slice(0, 12));
    expect(readFileSync(join(given, 'token'), 'utf8')).toBe(secret);
    const taker = cell('b', 'x', { make: sh`[ "$(slot token)" = ${secret} ] && echo x >${join(dir, 'b')}` });
    expect(
      words(run(compile([taker], { mode: 'make', title: 't', slots: { token: secret } })).records),
    ).toContain('1 made');
  });

  it('takes back in mode undo, going on after a piece that fails', () => {
    writeFileSync(join(dir, 'a'), 'x');
    const steps = [
      cell('b', 'y', { undo: sh`false` }),
      cell('a', 'x', { undo: sh`rm -f ${join(dir, 'a')}` }),
    ];
    expect(words(run(compile(steps, { mode: 'undo', title: 't' })).records)).toEqual([
      'begin',
      '1 undoing',
      '1 failed',
      '2 undoing',
      '2 undone',
      'end',
    ]);
    expect(existsSync(join(dir, 'a'))).toBe(false);
  });

  it('leaves nothing behind in the temporary folder', () => {
    const probe = sh`echo "$tmp"`;
    const { records } = run(read([cell('a', 'x', { read: probe })]));
    const tmp = records.flatMap((r) => (r.is === 'differs' ? [r.reading] : [])).join('');
    expect(tmp).toMatch(/landfall\.|tmp\./);
    expect(existsSync(tmp)).toBe(false);
  });

  it('reads the same in bash', () => {
    expect(words(run(make([cell('a', "x'y\n\\z")]), 'bash').records)).toEqual([
      'begin',
      '1 differs',
      '1 made',
      'end',
    ]);
  });
});

describe('the stream reader', () => {
  it('tells the same however the stream is cut into pieces, and keeps output apart from records', () => {
    const noisy = cell('a', 'x', { make: sh`printf 'no newline at the end'; echo x >${join(dir, 'a')}` });
    const { stdout } = run(make([noisy]));
    const whole: string[] = [];
    const reader = (into: string[]): ReturnType<typeof streamReader> =>
      streamReader(
        (r) => into.push(`R ${JSON.stringify(r)}`),
        (line) => into.push(`O ${line}`),
      );
    const one = reader(whole);
    one.feed(stdout);
    one.end();
    expect(whole).toContain('O no newline at the end');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const told: string[] = [];
        const r = reader(told);
        let at = 0;
        for (const size of sizes) {
          r.feed(stdout.slice(at, at + size));
          at += size;
        }
        r.feed(stdout.slice(at));
        r.end();
        expect(told).toEqual(whole);
      }),
    );
  });

  it('counts lines, not what stands in them', () => {
    let lines = 0;
    const ignore = (): void => undefined;
    const reader = streamReader(ignore, ignore, () => {
      lines += 1;
    });
    reader.feed(`output and${RECORD}1 made\n\n${RECORD}2 right\nnot whole`);
    expect(lines).toBe(3);
  });
});
