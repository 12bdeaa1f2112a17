import type { ChannelGone } from './channel.ts';
import type { Connection, Line } from './connection.ts';

/** A line with whether a script runs on it. */
export interface Seat {
  readonly line: Line;
  readonly connection: Connection;
  readonly busy: boolean;
  /** Whether it was given up because no shell answered in time. */
  readonly late: boolean;
}

/** The lines to one host. */
export interface Pool {
  /**
   * A line for one script: an idle one, a further one over the connection there is, or the first of a new connection.
   * @throws NobodyThere when another script's attempt to connect, which was waited for, failed.
   */
  readonly take: (signal?: AbortSignal) => Promise<Seat>;
  /** Gives a line back after its script has ended, however it has. */
  readonly leave: (seat: Seat) => void;
  /** Lets idle lines end, ends busy ones, and waits until none is left. */
  readonly close: () => Promise<void>;
}

/** Somebody else's attempt to connect failed while we waited for it. */
export class NobodyThere extends Error {
  readonly gone: ChannelGone;
  readonly seat: Seat;
  constructor(gone: ChannelGone, seat: Seat) {
    super(gone.message);
    this.name = 'NobodyThere';
    this.gone = gone;
    this.seat = seat;
  }
}

/** Waits for a promise no longer than until the signal. @throws the signal's reason. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** How long lines have to end by themselves when the pool is closed, in milliseconds. */
const PATIENCE = 3000;

/**
 * Makes a pool. @param open begins a new connection; @param loginSeconds how long a line has until its shell answers.
 */
export function linePool(open: () => Connection, loginSeconds: number): Pool {
  type Mutable = { -readonly [K in keyof Seat]: Seat[K] };
  const seats = new Set<Mutable>();
  /** Of every connection there ever was. */
  const firsts: Mutable[] = [];
  let current: Mutable | undefined;
  let closed = false;

  const add = (line: Line, connection: Connection): Mutable => {
    const seat: Mutable = { line, connection, busy: true, late: false };
    const { channel } = line;
    seats.add(seat);
    const timer = setTimeout(() => {
      seat.late = true;
      channel.kill('SIGKILL');
    }, loginSeconds * 1000);
    const calm = (): void => clearTimeout(timer);
    channel.begun.then(calm, calm);
    void channel.ended.then(() => {
      seats.delete(seat);
      tidy();
    });
    return seat;
  };

  const begin = (): Mutable => {
    const connection = open();
    const seat = add(connection.first, connection);
    firsts.push(seat);
    return seat;
  };

  /** Ends lines that are of no more use; the process that holds a connection lives while others still talk over it. */
  const tidy = (): void => {
    for (const seat of seats) {
      const isFirst = seat.line === seat.connection.first;
      if (!isFirst && !seat.busy && !(seat.line.channel.usable() && seat.connection === current?.connection))
        seat.line.channel.kill();
    }
    for (const first of firsts) {
      const used = [...seats].some((seat) => seat.busy && seat.connection === first.connection);
      if (!used && !first.line.channel.usable()) first.line.channel.kill();
    }
  };

  const take = async (signal?: AbortSignal): Promise<Seat> => {
    for (;;) {
      signal?.throwIfAborted();
      if (closed) throw new Error('this connection was closed by us');
      if (current?.line.channel.usable() !== true) {
        current = begin();
        return current;
      }
      const idle = [...seats].find(
        (seat) => !seat.busy && seat.connection === current?.connection && seat.line.channel.usable(),
      );
      if (idle !== undefined) {
        idle.busy = true;
        return idle;
      }
      const first = current;
      try {
        await unlessAborted(first.line.channel.begun, signal);
      } catch (error) {
        signal?.throwIfAborted();
        // It was given up by the one who began it: that says nothing of the host.
        if (first.line.channel.wasAborted()) continue;
        throw new NobodyThere(error as ChannelGone, first);
      }
      if (first.line.channel.usable()) return add(first.connection.another(), first.connection);
    }
  };

  return {
    take,
    leave: (seat) => {
      (seat as Mutable).busy = false;
      tidy();
    },
    close: async () => {
      closed = true;
      const all = [...seats];
      for (const { line, busy } of all) {
        if (busy) line.channel.kill();
        else line.channel.end();
      }
      const late = setTimeout(() => {
        for (const { line } of all) line.channel.kill('SIGKILL');
      }, PATIENCE);
      await Promise.all(all.map(({ line }) => line.channel.ended));
      clearTimeout(late);
      for (const { connection } of firsts) connection.forget();
    },
  };
}
