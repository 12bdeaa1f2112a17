import { COLOURED, COLOURLESS, wantsColour } from '../report/colour.ts';
import { type Look, look, speaksUtf8 } from '../report/look.ts';
import type { Context, OutStream } from './context.ts';
import type { CommonFlags } from './flags.ts';

/** Columns of output that does not go to a terminal. */
const FILE_COLUMNS = 110;

/** The look of a stream: its width, whether colours and UTF-8 may be used. */
export function lookOf(context: Context, stream: OutStream, flags: Pick<CommonFlags, 'color'>): Look {
  const { env, offset, now } = context.process;
  return look({
    columns: stream.columns ?? FILE_COLUMNS,
    paint: wantsColour(flags.color, env, stream.isTTY === true) ? COLOURED : COLOURLESS,
    // The Linux console speaks UTF-8 but has no such signs in its font.
    utf8: speaksUtf8(env) && env['TERM'] !== 'linux',
    offset,
    now: now(),
  });
}

/** Whether a stream is a terminal that understands how to be drawn on. */
export function isDrawable(context: Context, stream: OutStream): boolean {
  return stream.isTTY === true && context.process.env['TERM'] !== 'dumb';
}
