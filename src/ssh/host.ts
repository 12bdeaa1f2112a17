import type { OnData } from './spawned.ts';

/** What a script left behind. */
export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a script is run. */
export interface RunOptions {
  /** Ends the local side; the script on the host then ends at its next write. */
  readonly signal?: AbortSignal;
  /** Standard output as it comes, in place of `stdout`. */
  readonly onData?: OnData;
}

/**
 * The only way to a machine, whatever is behind it: OpenSSH, this machine itself, a recording, or a simulation.
 * A script is a POSIX shell text given on standard input of `sh -s` run as root: never an argument, so nothing of it is in `ps`.
 */
export interface Host {
  readonly name: string;
  /** As people know it: an address, or `this machine`. */
  readonly address: string;
  /**
   * Runs a script to its end.
   * @throws Problem `ssh/…` (exit 4) when the host cannot be reached, refuses us, or root cannot be had.
   * @throws Disconnected when the connection was lost while the script ran.
   */
  readonly run: (script: string, options?: RunOptions) => Promise<Output>;
  /** Begins to connect, so that the first `run` waits less. What goes wrong is told by that `run`. */
  readonly open?: () => void;
  /** How often `run` crossed the network. */
  readonly trips: () => number;
  readonly close: () => Promise<void>;
}

/** The connection was lost while a script ran; whether the script went on is not known. */
export class Disconnected extends Error {
  readonly host: string;
  constructor(host: string, detail: string) {
    super(`the connection to ${host} was lost: ${detail}`);
    this.name = 'Disconnected';
    this.host = host;
  }
}
