import type { RunEvent } from '../run/event.ts';
import { jsonView } from '../report/json.ts';
import { plainView } from '../report/plain.ts';
import { NOTHING_TOLD, reduce } from '../report/state.ts';
import { terminalView } from '../report/terminal.ts';
import type { View } from '../report/view.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { isDrawable, lookOf } from './sight.ts';

/** A view that shows nothing and remembers. */
export function silentView(): View {
  let state = NOTHING_TOLD;
  return {
    state: () => state,
    onEvent: (event: RunEvent) => {
      state = reduce(state, event);
    },
    say: () => undefined,
    close: () => undefined,
  };
}

/** The view a run is watched through: for programs, for nobody, for a terminal, or for everything else. */
export function viewOf(context: Context, flags: CommonFlags): View {
  const { stdout, stderr, now, every } = context.process;
  if (flags.json) return jsonView((text) => stdout.write(text));
  if (flags.quiet) return silentView();
  const look = lookOf(context, stderr, flags);
  const options = {
    write: (text: string) => void stderr.write(text),
    every,
    clock: now,
    verbose: flags.verbose,
  };
  if (!isDrawable(context, stderr)) return plainView(look, options);
  const size = () => ({ columns: stderr.columns ?? 80, rows: stderr.rows ?? 24 });
  return terminalView(look, { ...options, size });
}
