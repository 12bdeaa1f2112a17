import type { RunEvent } from '../run/event.ts';
import { differenceLines } from './difference.ts';
import type { Look } from './look.ts';
import { doing, notable, outcome, saying, signOf } from './progress.ts';
import { type Failure, NOTHING_TOLD, reduce, type RunProgress } from './state.ts';
import type { View, ViewOptions } from './view.ts';
import { clock as clockText, count } from './words.ts';
import { printable } from './width.ts';

/** How often something is said while nothing ends, in milliseconds: a silent CI job is a dead one. */
const HEARTBEAT = 30_000;

const STATES: Readonly<Record<Failure['state'], string>> = {
  failed: 'failed',
  unproven: 'was made, and still does not read as wanted',
  wrong: 'does not hold',
};

/** A failed step with the end of its own output and what it read instead. */
export function failureText(failure: Failure, look: Look): string {
  const { paint, signs } = look;
  const status = failure.status === undefined ? '' : ` with status ${failure.status}`;
  const lines = [
    `${paint.wrong(signs.wrong)} ${failure.step} on ${failure.host} ${STATES[failure.state]}${status}: ${printable(failure.title)}`,
    ...failure.tail.map((line) => `    ${paint.faint(signs.bar)} ${printable(line)}`),
    ...(failure.reading === undefined || failure.want === undefined
      ? []
      : differenceLines(failure.reading, failure.want, look, 12).map((line) => `    ${line}`)),
  ];
  return `${lines.join('\n')}\n`;
}

/** What is going on now, in one line. */
function heartbeat(state: RunProgress, now: number, look: Look): string {
  return state.phases
    .filter((p) => p.stands === 'going')
    .map((phase) => {
      const shown = notable(phase).slice(0, 3);
      const hosts = shown.length === 0 ? Object.values(phase.byHost).slice(0, 1) : shown;
      const what = hosts
        .map((h) => `${h.host} ${[doing(h, now), saying(h)].filter((text) => text !== '').join(': ')}`)
        .join('; ');
      return `${look.signs.running} ${phase.title}, ${clockText(now - phase.since)} so far: ${what}\n`;
    })
    .join('');
}

function told(event: RunEvent, state: RunProgress, look: Look, verbose: boolean): string {
  const { signs } = look;
  switch (event.is) {
    case 'run':
      return `${event.cluster}: ${event.command}, ${count(event.phases.length, 'phase')}, run ${event.run}\n`;
    case 'phase-end': {
      const phase = state.phases.find((p) => p.id === event.phase);
      if (phase === undefined) return '';
      const hosts = phase.hosts.length > 1 ? ` on ${phase.hosts.length} hosts` : '';
      return `${signOf(phase, look)} ${phase.title}${hosts}: ${outcome(phase)}, ${clockText(phase.ms)}\n`;
    }
    case 'step': {
      const failure = state.phases
        .find((p) => p.id === event.phase)
        ?.failures.find((f) => f.host === event.host && f.step === event.step);
      if (failure !== undefined && event.state === failure.state) return failureText(failure, look);
      return verbose ? `    ${event.host} ${event.step} ${event.state}: ${printable(event.title)}\n` : '';
    }
    case 'output':
      return verbose ? `    ${event.host} ${event.step} ${signs.bar} ${printable(event.text)}\n` : '';
    case 'notice':
      return `${signs.dot} ${event.host === undefined ? '' : `${event.host}: `}${printable(event.text)}\n`;
    default:
      return '';
  }
}

/** The view for everything that is not a terminal: a line when a phase ends, failures at once and whole, a sign of life each 30 s. */
export function plainView(look: Look, options: ViewOptions): View {
  const { write, clock } = options;
  let state = NOTHING_TOLD;
  let saidAt = clock();
  const say = (text: string): void => {
    if (text === '') return;
    write(look.spell(text));
    saidAt = clock();
  };
  const stop = options.every(1000, () => {
    if (clock() - saidAt >= HEARTBEAT) say(heartbeat(state, clock(), look));
  });
  return {
    state: () => state,
    onEvent: (event) => {
      state = reduce(state, event);
      say(told(event, state, look, options.verbose ?? false));
    },
    say: (text) => say(text.endsWith('\n') ? text : `${text}\n`),
    close: stop,
  };
}
