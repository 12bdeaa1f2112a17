/**
 * What the lab is doing, as data: one value when a piece of work begins, any number while it goes on, one when it ends.
 * `ms` is how long it took, `done` and `total` how far it is (both absent where the total is not known).
 */
export interface LabEvent {
  readonly is: 'lab';
  /** Stable name of the piece of work, e.g. `image/base` or `host/cp-0`. */
  readonly what: string;
  readonly state: 'begins' | 'goes-on' | 'ends';
  /** A line for people, e.g. `the host image of Debian 12 (about 25 s, once)`. */
  readonly text: string;
  readonly ms?: number;
  readonly done?: number;
  readonly total?: number;
}

/** Takes each {@link LabEvent} as it happens; must not throw. */
export type OnLabEvent = (event: LabEvent) => void;

/**
 * Runs one piece of work between a `begins` and an `ends` event.
 * Gives what the work gives; when the work throws, no `ends` event follows and the error passes through.
 */
export async function reported<T>(
  on: OnLabEvent,
  what: string,
  text: string,
  work: (progress: (text: string, done?: number, total?: number) => void) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  on({ is: 'lab', what, state: 'begins', text });
  const result = await work((line, done, total) =>
    on({
      is: 'lab',
      what,
      state: 'goes-on',
      text: line,
      ms: Math.round(performance.now() - start),
      ...(done === undefined ? {} : { done }),
      ...(total === undefined ? {} : { total }),
    }),
  );
  on({ is: 'lab', what, state: 'ends', text, ms: Math.round(performance.now() - start) });
  return result;
}
