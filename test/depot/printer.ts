import { advance, duration, noProgress, statusLine } from './progress.ts';
import type { FillEvent } from './schedule.ts';

/** What a printer writes to. */
export interface Screen {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Shows how a depot is being filled. */
export interface Printer {
  readonly on: (event: FillEvent) => void;
  /** Clears the live line; nothing is shown afterwards. */
  readonly end: () => void;
}

/**
 * Gives a printer: finished things one line each; on a terminal a live line below them, elsewhere a line every half minute.
 *
 * @param now a clock in milliseconds
 */
export function printer(screen: Screen, now: () => number = () => performance.now()): Printer {
  const live = screen.isTTY === true;
  const started = now();
  const elapsed = (): number => (now() - started) / 1000;
  let progress = noProgress;
  const clear = (): void => {
    if (live) screen.write('\r\u001b[2K');
  };
  const say = (text: string): void => {
    clear();
    screen.write(`${text}\n`);
  };
  const status = (): void => {
    if (progress.running.size === 0) return;
    const line = `  ${statusLine(progress, elapsed())}`;
    if (!live) return say(line);
    clear();
    screen.write(line.slice(0, (screen.columns ?? 80) - 1));
  };
  const timer = setInterval(status, live ? 250 : 30_000);
  timer.unref();
  return {
    on(event) {
      progress = advance(progress, event);
      if (event.type === 'note') say(`  ${event.text}`);
      if (event.type === 'planned' && event.missing.length > 0) {
        const work = event.missing.reduce((sum, { seconds }) => sum + seconds, 0);
        say(
          `${event.missing.length} to make, ${event.present} already there: about ${duration(work)} on two cores`,
        );
      }
      if (event.type === 'made') say(`  ✓ ${event.recipe.title.padEnd(34)} ${duration(event.seconds)}`);
    },
    end() {
      clearInterval(timer);
      clear();
    },
  };
}
