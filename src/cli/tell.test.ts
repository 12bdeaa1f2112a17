import { describe, expect, test } from 'vitest';
import { fake } from '../../test/cli/fake.ts';
import { type ExitCode, Problem, Problems } from '../model/problem.ts';
import { Disconnected } from '../ssh/host.ts';
import { confirm } from './ask.ts';
import type { CommonFlags } from './flags.ts';
import { tell } from './tell.ts';

const FLAGS = { color: 'never', json: false, verbose: false, noInput: false, quiet: false } as CommonFlags;

function told(error: unknown, flags: Partial<CommonFlags> = {}) {
  const it = fake();
  const exit = tell({ process: it.process }, { ...FLAGS, ...flags }, error);
  return { exit, out: it.out(), err: it.err() };
}

const problem = (exit: ExitCode): Problem => new Problem({ code: `a/${exit}`, summary: 'it is so', exit });

describe('what is thrown', () => {
  test('a problem is told without a stack and ends as it says', () => {
    const { exit, err, out } = told(problem(4));
    expect([exit, out]).toEqual([4, '']);
    expect(err).toBe('error[a/4]: it is so\n');
  });

  test('several end with the gravest', () => {
    expect(told(new Problems([problem(1), problem(4), problem(2)])).exit).toBe(4);
    expect(told(new Problems([problem(2), problem(5)])).exit).toBe(5);
  });

  test('a connection that broke is no bug of ours', () => {
    const { exit, err } = told(new Disconnected('cp-1', 'timed out'));
    expect(exit).toBe(4);
    expect(err).toContain('error[ssh/lost]: the connection to cp-1 was lost: timed out');
  });

  test('with --json there is a document, and nothing of an Error in it', () => {
    const { out } = told(problem(5), { json: true });
    expect(JSON.parse(out)).toEqual({
      format: '1.0',
      exit: 5,
      problems: [{ code: 'a/5', summary: 'it is so', exit: 5 }],
    });
  });

  test('anything else is a bug of ours: its stack, and 70', () => {
    for (const thrown of [new TypeError('x is not a function'), 'a string', undefined]) {
      const { exit, err } = told(thrown);
      expect(exit).toBe(70);
      expect(err).toContain('this is a bug of Landfall');
    }
    expect(told(new TypeError('x')).err).toContain('tell.test.ts');
  });
});

describe('asking', () => {
  test('only a yes is a yes', async () => {
    for (const [answer, meant] of [
      ['y', true],
      ['YES', true],
      ['', false],
      ['no', false],
      ['yellow', false],
    ] as const) {
      const it = fake({ typed: [answer] });
      expect(await confirm({ process: it.process }, FLAGS, 'Really?', '--yes')).toBe(meant);
    }
  });

  test('nobody is asked where nobody is', async () => {
    for (const [options, flags] of [
      [{}, FLAGS],
      [{ typed: ['y'] }, { ...FLAGS, noInput: true }],
      [{ typed: ['y'] }, { ...FLAGS, json: true }],
    ] as const) {
      const it = fake(options);
      await expect(confirm({ process: it.process }, flags, 'Really?', '--yes')).rejects.toMatchObject({
        exit: 2,
        try: '--yes',
      });
    }
  });
});
