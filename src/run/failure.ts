import { Problem } from '../model/problem.ts';
import type { Clue, Step } from '../steps/step.ts';
import type { StepState } from './event.ts';

/** What is known of a step that did not come right. */
export interface Failure {
  readonly host: string;
  readonly step: Step;
  readonly state: Extract<StepState, 'failed' | 'unproven' | 'wrong'>;
  readonly reading: string;
  /** What the reading complained about on standard error. */
  readonly note: string;
  /** The step's own output, its last lines. */
  readonly output: readonly string[];
  readonly status?: number;
  readonly run: string;
}

/** The first clue whose pattern is found in a line of the failure's output or note, or of its reading as far as that is not as wanted. */
export function clueOf({ step, output, note, reading }: Failure): Clue | undefined {
  const wanted = new Set(step.want.split('\n'));
  const amiss = reading.split('\n').filter((line) => !wanted.has(line));
  const lines = [...output, ...note.split('\n'), ...amiss];
  return step.clues?.find((clue) => lines.some((line) => clue.match.test(line)));
}

const SHOWN_LINES = 8;

function saw(failure: Failure, clue: Clue | undefined): string {
  const output = failure.output.filter((line) => line.trim() !== '');
  const telling = clue === undefined ? [] : output.filter((line) => clue.match.test(line));
  const lines = telling.length > 0 ? telling : failure.state === 'failed' && output.length > 0 ? output : [];
  if (lines.length > 0) return lines.slice(-SHOWN_LINES).join('\n');
  const reading = failure.reading === '' ? '(nothing)' : failure.reading;
  return [reading, failure.note.trim()]
    .filter((text) => text !== '')
    .join('\n')
    .split('\n')
    .slice(-SHOWN_LINES)
    .join('\n');
}

function summary({ step, state, host, status }: Failure): string {
  const what = step.title.charAt(0).toLowerCase() + step.title.slice(1);
  if (state === 'wrong') return `a check does not hold on ${host}: ${what}`;
  if (state === 'unproven') {
    const time = step.within === undefined ? '' : ` within ${step.within} s`;
    return `it was made on ${host}, yet does not read as wanted${time}: ${what}`;
  }
  return `this failed on ${host} (exit status ${status ?? '?'}): ${what}`;
}

/** Tells a failure as a problem: what happened, what was seen, what it means, what to do. */
export function problemOf(failure: Failure): Problem {
  const clue = clueOf(failure);
  const seen = saw(failure, clue);
  const wanted =
    failure.state === 'failed'
      ? ''
      : `\nwanted: ${failure.step.want === '' ? '(nothing)' : failure.step.want}`;
  return new Problem({
    code: failure.step.id,
    host: failure.host,
    summary: summary(failure),
    saw: `${seen}${wanted}`,
    why:
      clue === undefined
        ? failure.step.why
        : `${clue.means}${clue.diagnosis === undefined ? '' : ` (${clue.diagnosis})`}`,
    try:
      clue?.try ??
      `mend it by hand or ask landfall explain ${failure.step.id}, then landfall apply: it goes on from here`,
    more: `landfall explain ${failure.step.id} · the run: landfall runs show ${failure.run}`,
    exit: 1,
  });
}
