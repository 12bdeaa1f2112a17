import type { RunEvent } from '../run/event.ts';
import { difference, hunks, summary } from './difference.ts';
import { cell, code, prose } from './markup.ts';
import { outcome } from './progress.ts';
import { NOTHING_TOLD, notBegun, reduce, type RunProgress } from './state.ts';
import { count, span } from './words.ts';
import { printable } from './width.ts';

/** A difference of more lines than this is told by its size. */
const LONG = 60;

type StepEvent = Extract<RunEvent, { is: 'step' }>;

function change(event: StepEvent): string {
  const head = `- \`${event.step}\` on ${event.host}: ${prose(event.title)}`;
  if (event.reading === undefined || event.want === undefined) return head;
  const lines = hunks(difference(printable(event.reading), printable(event.want)), 2);
  if (lines.length > LONG) return `${head} (${summary(event.reading, event.want)})`;
  const text = lines.map((l) => (l === undefined ? '@@' : `${l.sign}${l.text}`)).join('\n');
  return `${head}\n\n${code(text, 'diff').replace(/^/gm, '  ')}\n`;
}

function table(state: RunProgress): string {
  const open = notBegun(state);
  const rows = state.phases.map((p) => {
    const took = p.stands === 'over' ? span(p.ms) : p.stands === 'going' ? 'cut short' : '';
    const result = open.includes(p) ? 'not begun' : p.stands === 'to come' ? 'nothing to do' : outcome(p);
    return `| ${p.failed > 0 ? '✗' : p.stands === 'over' ? '✓' : ''} | ${cell(p.title)} | ${p.hosts.length} | ${result} | ${took} |`;
  });
  return ['| | phase | hosts | result | took |', '|---|---|---|---|---|', ...rows].join('\n');
}

/**
 * A run as a page to keep or send: how it went, what was changed, what went wrong.
 * @param events of the whole run, in order; one that was cut short tells as much as it has.
 */
export function runReport(events: readonly RunEvent[]): string {
  const state = events.reduce(reduce, NOTHING_TOLD);
  const begin = events.find((e) => e.is === 'run');
  const making = new Map<string, StepEvent>();
  const made: StepEvent[] = [];
  for (const event of events) {
    if (event.is !== 'step') continue;
    const key = `${event.host}\u0000${event.step}`;
    if (event.state === 'making') making.set(key, event);
    if (event.state === 'made') made.push({ ...event, ...seen(making.get(key)) });
  }
  const end = state.end;
  const ended =
    end === undefined
      ? 'It was cut short, or still goes on.'
      : `It ended ${end.exit === 0 ? 'well' : `with ${end.exit}`} after ${span(end.ms)}; ${count(end.made, 'step')} made.`;
  const problems = state.problems.map((p) =>
    [
      `### ${p.code}${p.host === undefined ? '' : ` on ${p.host}`}`,
      `${prose(p.summary)}.`,
      ...(p.saw === undefined ? [] : [code(printable(p.saw), 'text')]),
      ...(p.why === undefined ? [] : [prose(sentence(p.why))]),
      ...(p.try === undefined ? [] : [`**Try:** ${prose(p.try)}`]),
    ].join('\n\n'),
  );
  const notices = state.notices.map((n) => `- ${n.at} ${n.host ?? ''} ${prose(printable(n.text))}`);
  return `${[
    `# ${state.cluster}: ${state.command}`,
    `Run \`${state.run}\`, begun ${begin?.at ?? ''}. ${ended}`,
    table(state),
    ...(made.length === 0 ? [] : ['## What was made', made.map(change).join('\n')]),
    ...(problems.length === 0 ? [] : ['## What went wrong', ...problems]),
    ...(notices.length === 0 ? [] : ['## Worth knowing', notices.join('\n')]),
  ].join('\n\n')}\n`;
}

function seen(event: StepEvent | undefined): Partial<Pick<StepEvent, 'reading' | 'want'>> {
  return {
    ...(event?.reading === undefined ? {} : { reading: event.reading }),
    ...(event?.want === undefined ? {} : { want: event.want }),
  };
}

/** Words as a sentence of their own. */
function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? '' : '.';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
