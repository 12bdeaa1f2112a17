import type { Every } from '../report/view.ts';

/** A stream that text is written to. */
export interface OutStream {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Where answers come from. */
export interface InStream {
  readonly isTTY?: boolean;
  /** All of it, for `-f -`. */
  readonly text: () => Promise<string>;
  /** One line, without its newline; undefined at the end. */
  readonly line: () => Promise<string | undefined>;
}

/** The signals that a command may be ended by. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Everything a command may touch of the process it runs in. Commands take it as `this.process`, so that tests run them
 * with streams of their own.
 */
export interface CliProcess {
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly stdin: InStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  exitCode?: number | string | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly every: Every;
  /** Minutes east of UTC, for telling moments. */
  readonly offset: number;
  /** Has a function called at each such signal; gives what takes it back. */
  readonly onSignal: (signal: StopSignal, call: () => void) => () => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

/** What every command is called with as `this`. */
export interface Context {
  readonly process: CliProcess;
}
