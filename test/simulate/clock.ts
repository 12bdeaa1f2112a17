/** Time that passes only when nothing is left to be done at its present moment. */
export interface Clock {
  /** Milliseconds since the beginning. */
  readonly now: () => number;
  /** Does something so many milliseconds from now; gives what calls it off. */
  readonly after: (ms: number, work: () => void) => () => void;
  readonly sleep: (ms: number) => Promise<void>;
  /** Comes to the next moment at which something is due; false when nothing is. */
  readonly advance: () => boolean;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly work: () => void;
  off: boolean;
}

const BEGINNING = Date.UTC(2026, 0, 1);

/** A clock at its beginning. */
export function newClock(): Clock {
  const queue: Due[] = [];
  let now = 0;
  let order = 0;
  const after = (ms: number, work: () => void): (() => void) => {
    const due: Due = { at: now + Math.max(0, ms), order: order++, work, off: false };
    let at = queue.length;
    while (at > 0 && (queue[at - 1] as Due).at > due.at) at -= 1;
    queue.splice(at, 0, due);
    return () => {
      due.off = true;
    };
  };
  return {
    now: () => now,
    after,
    sleep: (ms) =>
      new Promise((done) => {
        after(ms, done);
      }),
    advance: () => {
      for (let due = queue.shift(); due !== undefined; due = queue.shift()) {
        if (due.off) continue;
        now = due.at;
        due.work();
        return true;
      }
      return false;
    },
  };
}

/** Has the engine wait by this clock while something is done: its timers and its sense of time are the clock's. */
export async function underClock<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now };
  const set = (call: () => void, ms = 0): (() => void) => clock.after(ms, call);
  globalThis.setTimeout = set as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((off?: () => void) => off?.()) as unknown as typeof clearTimeout;
  Date.now = () => BEGINNING + clock.now();
  try {
    return await work();
  } finally {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    Date.now = real.now;
  }
}

const settled = (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done);
  });

/**
 * Lets time pass until a work is done.
 * @param check called at each moment: what it throws ends it.
 * @throws Error when nothing more is due and the work is not done.
 */
export async function drive<T>(clock: Clock, work: Promise<T>, check: () => void): Promise<T> {
  let isDone = false;
  const over = (): void => {
    isDone = true;
  };
  work.then(over, over);
  for (;;) {
    await settled();
    check();
    if (isDone) return work;
    if (!clock.advance()) throw new Error('nothing is due any more, and the command has not ended');
  }
}
