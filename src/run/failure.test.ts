import { describe, expect, it } from 'vitest';
import { sh } from '../shell/sh.ts';
import type { Step } from '../steps/step.ts';
import { clueOf, type Failure, problemOf } from './failure.ts';

const step: Step = {
  id: 'a/b',
  title: 'Run the cluster',
  why: 'It is wanted.',
  read: sh`true`,
  want: 'name: harbour\nversion: 1\n',
  clues: [
    { match: /^name: /, means: 'another name', try: 'rename it' },
    { match: /^version: /, means: 'another version', try: 'upgrade it', diagnosis: 'H30' },
    { match: /^refused$/, means: 'nobody listens', try: 'start it' },
  ],
};
const failure = (more: Partial<Failure>): Failure => ({
  host: 'cp-0',
  step,
  state: 'wrong',
  reading: '',
  note: '',
  output: [],
  run: 'r',
  ...more,
});

describe('the clue of a failure', () => {
  it.each([
    [{ reading: 'name: harbour\nversion: 2' }, 'another version'],
    [{ reading: 'name: marina\nversion: 2' }, 'another name'],
    [{ reading: 'name: harbour\nversion: 1\nmore' }, undefined],
    [{ note: 'dialing\nrefused' }, 'nobody listens'],
    [{ output: ['it was', 'refused'] }, 'nobody listens'],
    [{ output: ['it was refused'] }, undefined],
  ])('%j is found line by line, in what is not as wanted', (more, means) => {
    expect(clueOf(failure(more))?.means).toBe(means);
  });

  it('is what the problem says; without one the step speaks for itself', () => {
    const known = problemOf(failure({ reading: 'name: harbour\nversion: 2' }));
    expect([known.code, known.why, known.try, known.exit]).toEqual([
      'a/b',
      'another version (H30)',
      'upgrade it',
      1,
    ]);
    expect(problemOf(failure({ reading: 'else' })).why).toBe('It is wanted.');
  });
});
