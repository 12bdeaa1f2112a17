import type { ProblemParts } from '../model/problem.ts';
import type { StepId } from '../steps/step.ts';

/** The format of the event stream; the minor grows by additions only, and readers ignore fields they do not know. */
export const EVENT_FORMAT = '1.0';

/** How a step stands during a run. */
export type StepState =
  /** It reads as wanted; nothing was made. */
  | 'right'
  /** It reads otherwise and is being made. */
  | 'making'
  /** It was made and now reads as wanted. */
  | 'made'
  /** Made (or, a check, read), not right yet, being read again until it is or its time is over. */
  | 'waiting'
  /** Its make failed. */
  | 'failed'
  /** Made without an error, and still not as wanted after its time. */
  | 'unproven'
  /** A check that does not hold. */
  | 'wrong'
  /** Not tried, because a step before it failed. */
  | 'skipped';

/** Everything that is told of a run, in order: the lines of events.jsonl, of --json, and what every view is drawn from. */
export type RunEvent =
  | { readonly is: 'version'; readonly format: string; readonly landfall: string }
  | {
      readonly is: 'run';
      /** UTC, ISO 8601; so are all `at`. */
      readonly at: string;
      readonly run: string;
      readonly command: string;
      readonly cluster: string;
      readonly phases: readonly {
        readonly id: string;
        readonly title: string;
        readonly hosts: readonly string[];
      }[];
    }
  | {
      readonly is: 'phase';
      readonly at: string;
      readonly phase: string;
      readonly title: string;
      readonly hosts: readonly string[];
    }
  | {
      readonly is: 'step';
      readonly at: string;
      readonly phase: string;
      readonly host: string;
      readonly step: StepId;
      readonly title: string;
      readonly state: StepState;
      /** Milliseconds since the step began. */
      readonly ms?: number;
      /** What its reading printed, when that is not what was wanted. */
      readonly reading?: string;
      readonly want?: string;
      /** What is waited for, and the limit in seconds. */
      readonly awaits?: string;
      readonly within?: number;
      /** The exit status of a failed make. */
      readonly status?: number;
    }
  /** A line a step's own programs printed. */
  | {
      readonly is: 'output';
      readonly at: string;
      readonly phase: string;
      readonly host: string;
      readonly step: StepId;
      readonly text: string;
    }
  | {
      readonly is: 'phase-end';
      readonly at: string;
      readonly phase: string;
      readonly made: number;
      readonly right: number;
      readonly failed: number;
      /** Steps that have come to no end: not tried, or cut short by a wish to stop or by a host that went away. */
      readonly left: number;
      readonly ms: number;
    }
  /** Something worth a line: a connection lost and found, an earlier run being followed, a host that rebooted. */
  | {
      readonly is: 'notice';
      readonly at: string;
      readonly code: string;
      readonly host?: string;
      readonly text: string;
    }
  | { readonly is: 'problem'; readonly at: string; readonly problem: ProblemParts }
  | {
      readonly is: 'end';
      readonly at: string;
      readonly exit: number;
      readonly made: number;
      readonly ms: number;
    };

/** Takes an event as it happens. */
export type OnEvent = (event: RunEvent) => void;
