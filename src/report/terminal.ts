import type { RunEvent } from '../run/event.ts';
import type { Look } from './look.ts';
import { finishedLine, liveLines } from './progress.ts';
import { NOTHING_TOLD, reduce, type RunProgress } from './state.ts';
import type { View, ViewOptions } from './view.ts';
import { printable, width } from './width.ts';

/** A window as it is now; it may change while one looks. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The shortest time between two drawings, in milliseconds: ten a second are enough for eyes and for slow lines. */
const REDRAW = 100;

/** How often the clock moves when nothing happens, in milliseconds. */
const TICK = 1000;

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Lines that stay when an event has been told: a phase that is over, a notice, with `verbose` each line of output. */
export function lasting(event: RunEvent, state: RunProgress, look: Look, verbose: boolean): string[] {
  const { paint, signs } = look;
  if (event.is === 'phase-end') {
    const phase = state.phases.find((p) => p.id === event.phase);
    return phase === undefined ? [] : [finishedLine(phase, state, look)];
  }
  if (event.is === 'notice') {
    const host = event.host === undefined ? '' : `${event.host}: `;
    return [`  ${paint.unknown(signs.dot)} ${host}${printable(event.text)}`];
  }
  if (event.is === 'output' && verbose) {
    return [paint.faint(`    ${event.host} ${event.step} ${signs.bar} ${printable(event.text)}`)];
  }
  if (event.is === 'step' && verbose && event.state !== 'waiting') {
    return [`    ${event.host} ${event.step} ${event.state}: ${printable(event.title)}`];
  }
  return [];
}

/**
 * The live view of a terminal: finished phases stay as one line each, below them what is going on, redrawn at most ten
 * times a second and never higher than the window.
 */
export function terminalView(look: Look, options: ViewOptions & { readonly size: () => TerminalSize }): View {
  const { write, clock, size } = options;
  let state = NOTHING_TOLD;
  let drawn: readonly string[] = [];
  let pending: string[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isOpen = true;
  /** Something was told since the last drawing. */
  let isStale = false;

  /** How many rows the last drawing takes now: lines wrap when the window has become narrower. */
  const height = (columns: number): number =>
    drawn.reduce((rows, line) => rows + Math.max(1, Math.ceil(width(line) / Math.max(1, columns))), 0);

  const draw = (): void => {
    const window = size();
    const next = isOpen ? liveLines(state, clock(), window, look) : [];
    isStale = false;
    drawnAt = clock();
    if (pending.length === 0 && next.join('\n') === drawn.join('\n')) return;
    const up = height(window.columns);
    const text = [...pending, ...next].map((line) => `${line}${CLEAR_LINE}\n`).join('');
    const home = up === 0 ? '' : `\r\u001b[${Math.min(up, Math.max(1, window.rows - 1))}A`;
    write(`${home}${text}${up > 0 ? CLEAR_BELOW : ''}`);
    drawn = next;
    pending = [];
  };

  write(HIDE);
  draw();
  const endTick = options.every(TICK, draw);
  // Events that came too soon after the last drawing are shown by this one.
  const endCatchUp = options.every(REDRAW, () => {
    if (isStale) draw();
  });

  return {
    state: () => state,
    onEvent: (event) => {
      state = reduce(state, event);
      pending.push(...lasting(event, state, look, options.verbose ?? false).map(look.spell));
      isStale = true;
      if (clock() - drawnAt >= REDRAW) draw();
    },
    say: (text) => {
      pending.push(
        ...look
          .spell(text)
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `  ${line}`),
      );
      draw();
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      endTick();
      endCatchUp();
      draw();
      write(SHOW);
    },
  };
}
