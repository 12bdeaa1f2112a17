import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { isDrawable, lookOf } from './sight.ts';
import { fit } from '../report/width.ts';

/** Takes a line that is to be read; where something is live, it comes above that. */
export type Say = (text: string) => void;

/** Says something on standard error, unless --quiet. */
export function talk(context: Context, flags: Pick<CommonFlags, 'quiet' | 'color'>, text: string): void {
  if (flags.quiet) return;
  const { stderr } = context.process;
  stderr.write(lookOf(context, stderr, flags).spell(`${text}\n`));
}

/**
 * Says what is being done while it is, and takes the line away again; nothing where there is no terminal. At once, so that
 * nobody wonders whether the key was pressed.
 */
export async function during<T>(
  context: Context,
  flags: Pick<CommonFlags, 'quiet' | 'color' | 'json'>,
  text: string,
  work: () => Promise<T>,
): Promise<T> {
  const { stderr } = context.process;
  if (flags.quiet || flags.json || !isDrawable(context, stderr)) return work();
  const look = lookOf(context, stderr, flags);
  const line = look.spell(`  ${look.signs.running} ${text} ${look.signs.ellipsis}`);
  stderr.write(look.paint.faint(fit(line, (stderr.columns ?? 80) - 1, look.signs.ellipsis)));
  try {
    return await work();
  } finally {
    stderr.write('\r\u001b[K');
  }
}
