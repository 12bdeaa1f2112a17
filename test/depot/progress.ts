import type { FillEvent } from './schedule.ts';
import type { Recipe } from './recipe.ts';

/** How far the filling is. Times are in seconds. */
export interface Progress {
  readonly total: number;
  readonly done: readonly Recipe[];
  readonly running: ReadonlyMap<Recipe, { readonly fraction: number; readonly at: string }>;
  readonly waiting: readonly Recipe[];
}

/** Nothing known yet. */
export const noProgress: Progress = { total: 0, done: [], running: new Map(), waiting: [] };

/** Gives the progress after an event. */
export function advance(progress: Progress, event: FillEvent): Progress {
  switch (event.type) {
    case 'planned':
      return { ...noProgress, total: event.missing.length, waiting: event.missing };
    case 'started':
      return {
        ...progress,
        waiting: progress.waiting.filter((recipe) => recipe !== event.recipe),
        running: new Map(progress.running).set(event.recipe, { fraction: 0, at: '' }),
      };
    case 'far':
      return {
        ...progress,
        running: new Map(progress.running).set(event.recipe, {
          fraction: event.fraction,
          at: event.at ?? '',
        }),
      };
    case 'made': {
      const running = new Map(progress.running);
      running.delete(event.recipe);
      return { ...progress, running, done: [...progress.done, event.recipe] };
    }
    case 'note':
      return progress;
  }
}

/**
 * Says how many seconds are left: the known durations of what is not done, scaled by how this machine has done so far.
 *
 * @param elapsed seconds since the start
 */
export function secondsLeft(progress: Progress, elapsed: number): number {
  const sum = (recipes: readonly Recipe[]): number =>
    recipes.reduce((total, recipe) => total + recipe.seconds, 0);
  let done = sum(progress.done);
  let left = sum(progress.waiting);
  for (const [recipe, { fraction }] of progress.running) {
    done += recipe.seconds * fraction;
    left += recipe.seconds * (1 - fraction);
  }
  // The first minute says little about the machine: it is weighed as one that went as measured.
  const scale = (elapsed + 60) / (done + 60);
  return left * Math.min(10, Math.max(0.02, scale));
}

/** Writes a duration as people say it: `45 s`, `2 min 10 s`, `12 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  return minutes >= 10 || rest === 0 ? `${Math.round(whole / 60)} min` : `${minutes} min ${rest} s`;
}

/** One line that says what is being made, how far it is and how long it will take. */
export function statusLine(progress: Progress, elapsed: number): string {
  const running = [...progress.running].map(([recipe, { fraction }]) =>
    fraction > 0 ? `${recipe.title} ${Math.floor(fraction * 100)} %` : recipe.title,
  );
  const count = `${progress.done.length} of ${progress.total}`;
  return `${count} made, about ${duration(secondsLeft(progress, elapsed))} left · ${running.join(' · ')}`;
}
