import type { Look } from './look.ts';
import type { HostProgress, PhaseProgress, RunProgress } from './state.ts';
import { clock, count, span } from './words.ts';
import { fit, pad, padLeft, printable, width } from './width.ts';

/** Hosts shown by name under a phase: beyond these they are counted. */
const SLOWEST = 3;

/** How long a step goes on before its own time is shown, in milliseconds. */
const PATIENCE = 3000;

/** How wide the column of phase titles is. */
export function titleColumn(state: RunProgress): number {
  return Math.min(40, Math.max(18, ...state.phases.map((p) => width(p.title))));
}

/** `12 made`, `3 right`, `3 made, 1 failed, 4 not tried`, and of a phase that was cut short `3 made, 5 not done`. */
export function outcome(phase: PhaseProgress): string {
  const parts = [
    ...(phase.made > 0 ? [`${phase.made} made`] : []),
    ...(phase.failed > 0 ? [`${phase.failed} failed`] : []),
    ...(phase.skipped > 0 ? [`${phase.skipped} not tried`] : []),
    ...(phase.left > phase.skipped ? [`${phase.left - phase.skipped} not done`] : []),
  ];
  return parts.length === 0 ? `${phase.right} right` : parts.join(', ');
}

/** How a phase that is over stands: `✓` right, `✗` with a failure, `~` with something left to do. */
export function signOf(phase: PhaseProgress, { paint, signs }: Look): string {
  if (phase.failed > 0) return paint.wrong(signs.wrong);
  return phase.left > 0 ? paint.differs(signs.differs) : paint.right(signs.right);
}

/** The line that stays of a phase that is over: `✓ Packages   6 made   0:21`. */
export function finishedLine(phase: PhaseProgress, state: RunProgress, look: Look): string {
  const { paint } = look;
  const told = outcome(phase);
  const words = phase.failed > 0 ? paint.wrong(told) : told;
  return `  ${signOf(phase, look)} ${pad(phase.title, titleColumn(state))} ${padLeft(words, 10)} ${padLeft(clock(phase.ms), 6)}`;
}

/** The first line of a text, made safe to show. */
function firstLine(text: string | undefined): string {
  return printable((text ?? '').trim().split('\n')[0] ?? '');
}

/**
 * What a host is doing: `waiting for the API server, 6 s of 4 min: connection refused`, `Install the packages, 12 s`. Of one that is lost
 * nobody knows.
 */
export function doing(host: HostProgress, now: number): string {
  if (host.lost !== undefined)
    return `lost ${span(Math.max(1000, seconds(now - host.lost)))} ago, looking for it`;
  const at = host.at;
  if (at === undefined) return 'starting';
  const passed = now - at.since;
  switch (at.state) {
    case 'waiting': {
      const reading = firstLine(at.reading);
      const why = reading === '' ? '' : `: ${fit(reading, 60)}`;
      const limit = at.within === undefined ? '' : ` of ${span(at.within * 1000)}`;
      // The limit before the reason: of a line that is cut the end is lost.
      return `waiting for ${at.awaits ?? firstLine(at.title)}, ${span(Math.max(1000, seconds(passed)))}${limit}${why}`;
    }
    case 'making':
      return passed < PATIENCE ? firstLine(at.title) : `${firstLine(at.title)}, ${span(seconds(passed))}`;
    case 'failed':
    case 'unproven':
    case 'wrong':
      return `${at.step} ${at.state === 'wrong' ? 'does not hold' : at.state}: ${firstLine(at.title)}`;
    case 'skipped':
      return 'stopped';
    default:
      return passed < PATIENCE ? firstLine(at.title) : `after ${firstLine(at.title)}`;
  }
}

/** Whole seconds, so that a running figure does not flicker between `9.5 s` and `10 s`. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function isLost(host: HostProgress): boolean {
  return host.lost !== undefined;
}

function isAtWork(host: HostProgress): boolean {
  return !isLost(host) && (host.at?.state === 'making' || host.at?.state === 'waiting');
}

function hasFailed(host: HostProgress): boolean {
  return host.at?.state === 'failed' || host.at?.state === 'unproven' || host.at?.state === 'wrong';
}

/** The last line of what the step in progress has printed. */
export function saying(host: HostProgress): string {
  return isAtWork(host) ? firstLine(host.tail.at(-1)) : '';
}

/** The hosts worth a line of their own: failed ones first, then those longest at their step. */
export function notable(phase: PhaseProgress): readonly HostProgress[] {
  const all = Object.values(phase.byHost);
  const began = (h: HostProgress): number => h.at?.began ?? 0;
  const failed = all.filter((h) => phase.failures.some((f) => f.host === h.host) || hasFailed(h));
  const open = all
    .filter((h) => (isAtWork(h) || isLost(h)) && !failed.includes(h))
    .sort((a, b) => began(a) - began(b));
  return [...failed.slice(0, SLOWEST), ...open.slice(0, SLOWEST)];
}

/** The lines of one phase that is going on. */
export function goingLines(phase: PhaseProgress, state: RunProgress, now: number, look: Look): string[] {
  const { paint, signs } = look;
  const head = `  ${paint.differs(signs.running)} ${pad(phase.title, titleColumn(state))}`;
  const time = padLeft(clock(now - phase.since), 6);
  const only = phase.hosts.length === 1 ? phase.hosts[0] : undefined;
  if (only !== undefined) {
    const host = phase.byHost[only] ?? { host: only, tail: [] };
    const made = padLeft(phase.made === 0 ? '' : `${phase.made} made`, 10);
    const said = saying(host);
    const name = only === 'here' ? '' : `${only}  `;
    return [
      `${head} ${made} ${time}   ${name}${doing(host, now)}`,
      ...(said === '' ? [] : [paint.faint(`      ${said}`)]),
    ];
  }
  const hosts = Object.values(phase.byHost);
  const lost = hosts.filter(isLost).length;
  const atWork = hosts.filter(isAtWork).length;
  const failed = new Set(phase.failures.map((f) => f.host)).size;
  const counts = [
    `${atWork} of ${count(phase.hosts.length, 'host')} at work`,
    ...(phase.made === 0 ? [] : [`${phase.made} made`]),
    ...(failed === 0 ? [] : [paint.wrong(`${failed} failed`)]),
    ...(lost === 0 ? [] : [paint.wrong(`${lost} lost`)]),
  ].join(', ');
  const shown = notable(phase);
  const column = Math.max(...shown.map((h) => width(h.host)), 0);
  return [
    `${head} ${padLeft('', 10)} ${time}   ${counts}`,
    ...shown.map((h) => {
      const text = doing(h, now);
      const sign = phase.failures.some((f) => f.host === h.host) ? `${paint.wrong(signs.wrong)} ` : '  ';
      return `      ${sign}${pad(h.host, column)}  ${text}`;
    }),
  ];
}

/** How long nothing is told before that is explained, in milliseconds: between two phases it is no news. */
const SILENCE = 400;

/** What is done while no phase is going on: the hosts are taken hold of before the first, and read again after the last. */
function betweenLines(state: RunProgress, now: number, look: Look): string[] {
  if (state.end !== undefined) return [];
  const line = (text: string): string =>
    look.paint.faint(`  ${look.signs.running} ${text} ${look.signs.ellipsis}`);
  if (state.run === '') return [line('taking hold of the hosts')];
  return now - state.last < SILENCE ? [] : [line(`reading the hosts again, ${clock(now - state.last)}`)];
}

/** What is going on, for a window: each line cut to its width, never more lines than its rows less two. */
export function liveLines(
  state: RunProgress,
  now: number,
  window: { readonly columns: number; readonly rows: number },
  look: Look,
): string[] {
  const going = state.phases.filter((p) => p.stands === 'going');
  const lines =
    going.length === 0
      ? betweenLines(state, now, look)
      : going.flatMap((phase) => goingLines(phase, state, now, look));
  const most = Math.max(0, window.rows - 2);
  const spelled = lines.slice(0, most).map((line) => look.spell(line));
  return spelled.map((line) => fit(line, Math.max(1, window.columns - 1), look.signs.ellipsis));
}
