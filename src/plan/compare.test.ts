import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScriptRecord } from '../shell/parse.ts';
import { sh } from '../shell/sh.ts';
import type { Phase } from '../steps/phase.ts';
import type { Step, StepId } from '../steps/step.ts';
import { compare, settle } from './compare.ts';
import type { Finding, Forecast } from './plan.ts';
import type { Work } from './work.ts';

const step = (id: StepId, more: Partial<Step> = {}): Step => ({
  id,
  title: id,
  why: 'w',
  read: sh`true`,
  want: 'yes\n',
  make: sh`true`,
  ...more,
});

function work(...steps: readonly Step[]): Work {
  const phase: Phase = {
    id: 'p',
    title: 'P',
    why: 'w',
    stage: 'nodes',
    on: (c) => c.nodes,
    when: 'always',
    steps: () => steps,
  };
  return { phase, host: 'cp-0', steps };
}

function check(id: StepId): Step {
  const { make: _, ...rest } = step(id);
  return rest;
}

describe('compare', () => {
  it('numbers steps through all of a host’s work', () => {
    const records: ScriptRecord[] = [
      { is: 'right', step: 1 },
      { is: 'differs', step: 2, reading: 'no', note: 'hm' },
      { is: 'differs', step: 3, reading: '', note: '' },
    ];
    const findings = compare([work(step('a/1'), step('a/2')), work(check('b/1'), step('b/2'))], records);
    expect(findings.map((f) => [f.step, f.forecast, f.reading])).toEqual([
      ['a/1', 'right', 'yes'],
      ['a/2', 'make', 'no'],
      ['b/1', 'wrong', ''],
      ['b/2', 'unknown', ''],
    ]);
    expect(findings[1]?.note).toBe('hm');
  });

  it('does not forecast what a step would do whose reading got no answer; a check of the same does not hold', () => {
    const note = 'Unable to connect to the server: net/http: request canceled (Client.Timeout exceeded) EOF';
    const records: ScriptRecord[] = [1, 2].map((n) => ({ is: 'differs', step: n, reading: '', note }));
    const [made, checked] = compare([work(step('a/1', { disturbs: 'service' }), check('a/2'))], records);
    expect([made?.forecast, checked?.forecast]).toEqual(['unknown', 'wrong']);
  });
});

describe('settle', () => {
  const finding = (id: StepId, forecast: Forecast, until?: readonly StepId[]): Finding => ({
    phase: 'p',
    step: id,
    title: id,
    forecast,
    reading: '',
    want: '',
    ...(until === undefined ? {} : { until }),
  });

  it('does not know what comes after something that is not right yet, through any number of links', () => {
    const [settled = []] = settle([
      [
        finding('a/a', 'make'),
        finding('a/b', 'right', ['a/a']),
        finding('a/c', 'right', ['a/b']),
        finding('a/d', 'right'),
      ],
    ]);
    expect(settled.map((f) => f.forecast)).toEqual(['make', 'unknown', 'unknown', 'right']);
    expect(settled[1]?.until).toEqual(['a/a']);
    expect(settled[3]?.until).toBeUndefined();
  });

  it('knows everything when all before it is right', () => {
    const [settled = []] = settle([[finding('a/a', 'right'), finding('a/b', 'make', ['a/a'])]]);
    expect(settled.map((f) => f.forecast)).toEqual(['right', 'make']);
  });

  it('asks the host itself, and all others only for what is not its own', () => {
    const [one = [], other = []] = settle([
      [finding('a/a', 'right'), finding('a/b', 'make', ['a/a']), finding('a/c', 'right', ['b/a'])],
      [finding('a/a', 'make'), finding('a/b', 'right', ['a/a']), finding('b/a', 'right', ['a/b'])],
      [finding('a/a', 'right'), finding('a/b', 'right', ['a/a']), finding('b/a', 'right', ['a/b'])],
    ]);
    expect(one.map((f) => f.forecast)).toEqual(['right', 'make', 'unknown']);
    expect(other.map((f) => f.forecast)).toEqual(['make', 'unknown', 'unknown']);
  });

  it('never forecasts right or make for what has an open step before it, and changes nothing when settled twice', () => {
    const ids = ['s/0', 's/1', 's/2', 's/3', 's/4'] as const;
    const some = fc.tuple(
      ...ids.map((id, i) =>
        fc.record({
          id: fc.constant(id),
          forecast: fc.constantFrom<Forecast>('right', 'make', 'wrong'),
          until: fc.subarray([...ids.slice(0, i)]),
        }),
      ),
    );
    fc.assert(
      fc.property(some, (list) => {
        const [settled = []] = settle([list.map((f) => finding(f.id, f.forecast, f.until))]);
        for (const [i, f] of settled.entries()) {
          const open = list[i]?.until.some((id) => settled.find((s) => s.step === id)?.forecast !== 'right');
          expect(f.forecast === 'unknown').toBe(open);
        }
        expect(settle([settled])).toEqual([settled]);
      }),
    );
  });
});
