import type { LabEvent } from '../lab/event.ts';
import { clock, span } from '../report/words.ts';
import { fit, pad, printable } from '../report/width.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { isDrawable, lookOf } from './sight.ts';

/** How often something is said while nothing ends and there is no terminal, in milliseconds. */
const HEARTBEAT = 30_000;

/** Watches a lab being made: what is going on, how far it is, how long it takes. */
export interface LabView {
  readonly on: (event: LabEvent) => void;
  readonly close: () => void;
}

interface Going {
  readonly text: string;
  readonly since: number;
  readonly said: string;
  readonly done?: number;
  readonly total?: number;
}

function far({ done, total }: Going): string {
  if (done === undefined || total === undefined || total === 0) return '';
  return ` ${Math.floor((100 * done) / total)} %`;
}

/** A view of a lab's work: JSON lines, live lines on a terminal, plain lines elsewhere. */
export function labView(context: Context, flags: CommonFlags): LabView {
  const { stdout, stderr, now, every } = context.process;
  if (flags.json) return { on: (e) => void stdout.write(`${JSON.stringify(e)}\n`), close: () => undefined };
  if (flags.quiet) return { on: () => undefined, close: () => undefined };
  const look = lookOf(context, stderr, flags);
  const { paint, signs } = look;
  const going = new Map<string, Going>();
  const isLive = isDrawable(context, stderr);
  let drawn = 0;
  let saidAt = now();

  const lines = (): string[] =>
    [...going.values()].map((g) =>
      fit(
        look.spell(
          `  ${paint.differs(signs.running)} ${pad(g.text, 48)} ${clock(now() - g.since)}${far(g)}  ${paint.faint(printable(g.said))}`,
        ),
        (stderr.columns ?? 80) - 1,
        signs.ellipsis,
      ),
    );
  const draw = (stays: readonly string[] = []): void => {
    const live = isLive ? lines().slice(0, Math.max(0, (stderr.rows ?? 24) - 2)) : [];
    const home = drawn === 0 ? '' : `\r\u001b[${drawn}A`;
    const text = [...stays.map(look.spell), ...live]
      .map((line) => `${line}${isLive ? '\u001b[K' : ''}\n`)
      .join('');
    stderr.write(`${home}${text}${drawn > 0 ? '\u001b[J' : ''}`);
    drawn = live.length;
    if (stays.length > 0) saidAt = now();
  };
  const stop = every(isLive ? 250 : 1000, () => {
    if (isLive && (going.size > 0 || drawn > 0)) draw();
    if (!isLive && going.size > 0 && now() - saidAt >= HEARTBEAT)
      draw(
        [...going.values()].map(
          (g) => `${signs.running} ${g.text}, ${clock(now() - g.since)} so far${far(g)}`,
        ),
      );
  });

  return {
    on: (event) => {
      const { what, state, text, ms, done, total } = event;
      const before = going.get(what);
      if (state === 'ends') {
        going.delete(what);
        const took = ms === undefined ? '' : ` ${paint.faint(span(ms))}`;
        draw([`${isLive ? '  ' : ''}${paint.right(signs.right)} ${pad(text, 48)}${took}`]);
        return;
      }
      going.set(what, {
        text: before?.text ?? text,
        since: before?.since ?? now(),
        said: state === 'goes-on' ? text : '',
        ...(done === undefined ? {} : { done }),
        ...(total === undefined ? {} : { total }),
      });
      if (flags.verbose && state === 'goes-on') draw([`    ${printable(text)}`]);
      else if (state === 'begins' && isLive) draw();
    },
    close: () => {
      stop();
      going.clear();
      if (drawn > 0) draw();
    },
  };
}
