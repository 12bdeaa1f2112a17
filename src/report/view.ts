import type { RunEvent } from '../run/event.ts';
import type { RunProgress } from './state.ts';

/** Takes text to be shown, as it is. */
export type Write = (text: string) => void;

/** Begins to call a function every so many milliseconds; gives what ends that. */
export type Every = (ms: number, call: () => void) => () => void;

/** Something a run is watched through. */
export interface View {
  readonly onEvent: (event: RunEvent) => void;
  /** What has been told so far. */
  readonly state: () => RunProgress;
  /** Puts something above what is live, as a line that stays. */
  readonly say: (text: string) => void;
  /** Takes away what is live and gives the terminal back as it was; safe to call twice. */
  readonly close: () => void;
}

/** What every view is given. */
export interface ViewOptions {
  readonly write: Write;
  readonly every: Every;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Also shows what the steps' own programs print. */
  readonly verbose?: boolean;
}
