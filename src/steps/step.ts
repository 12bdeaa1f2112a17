import type { Slot } from '../model/slot.ts';
import type { Shell } from '../shell/sh.ts';

/** `subject/what`: stable; used by --only, the docs, the history and `explain`. */
export type StepId = `${string}/${string}`;

/** What making a step puts at risk while it is made: a service's restart, the whole node, or data. */
export type Disturbs = 'service' | 'node' | 'data';

export type { Slot } from '../model/slot.ts';

/** A secret of the operator's own. */
export interface Secret {
  readonly slot: Slot;
  /** What it is, for who does the step by hand: a phrase that can stand behind "is". */
  readonly is: string;
}

/** A text in a failed step's output, what it means, and what to do. */
export interface Clue {
  /** Matched against the step's own output and reading, line by line, case-insensitive where the pattern says so. */
  readonly match: RegExp;
  /** What it means, in one sentence. */
  readonly means: string;
  /** What to do: a command, or a thing to change. */
  readonly try: string;
  /** The diagnosis it belongs to: `H14`. */
  readonly diagnosis?: string;
}

/**
 * A reading too expensive to repeat (kubectl, apt-cache, crictl): run at most once per script however many steps ask for
 * it with `$(probe NAME)`, and forgotten whenever a step has been made.
 */
export interface Probe {
  /** A shell name: letters, digits, underscores. */
  readonly name: string;
  readonly run: Shell;
  /** What another probe must have printed: when it did not, this one is not run and prints nothing. */
  readonly needs?: { readonly probe: Probe; readonly said: string };
  /** Another probe that asks more at once, and the filter that takes from it what `run` prints: a script does that instead. */
  readonly partOf?: { readonly probe: Probe; readonly filter: Shell };
}

/** One thing that must be true of a host: why, how to look, what to see, how to bring it about. */
export interface Step {
  readonly id: StepId;
  /** An imperative: 'Let the kernel forward packets'. */
  readonly title: string;
  /** What breaks without it, in one or two sentences. */
  readonly why: string;
  /** Where to read on: addresses, or man pages. */
  readonly see?: readonly string[];
  /** Read-only; prints the present state as text. Trailing newlines do not count. */
  readonly read: Shell;
  /** Exactly what `read` prints when all is well, without the trailing newline. */
  readonly want: string;
  /** Brings that about; safe to run twice and after being cut short anywhere. Without it the step is a check. */
  readonly make?: Shell;
  /** Takes it back, for reset and for taking a node out; safe to run twice. */
  readonly undo?: Shell;
  /** The reading means something only once these steps hold; until then it is planned as unknown. */
  readonly after?: readonly StepId[];
  readonly disturbs?: Disturbs;
  /** Seconds the reading may take to become right after `make` (or, for a check, at all); 0 when absent. */
  readonly within?: number;
  /** What is being waited for, shown during `within`: 'the API server'. */
  readonly awaits?: string;
  /**
   * What `make` prints when it fails only because somebody was too busy to answer, an extended regular expression: it is then made
   * again, for up to the seconds of `within`.
   */
  readonly again?: string;
  /** The probes `read` uses as `$(probe NAME)`. */
  readonly probes?: readonly Probe[];
  /** A probe whose text is handed over beside the reading where steps are only read: what is worth knowing, right or not. */
  readonly tells?: Probe;
  /** Late values that `make` or `read` hand over with `give NAME VALUE`. */
  readonly gives?: readonly Slot[];
  /** Late values of earlier steps that `read` or `make` use as `$(slot NAME)`. */
  readonly takes?: readonly Slot[];
  /** What only the operator can give, and `read` or `make` use as `$(slot NAME)`: secrets that are kept elsewhere, and who he is. */
  readonly secrets?: readonly Secret[];
  /** The files `make` writes: noted before anything is made, so that `undo` can put them back. */
  readonly writes?: readonly string[];
  /** Reading text is secret-free but long: shown as "new, 74 lines" unless asked for in full. */
  readonly long?: boolean;
  readonly clues?: readonly Clue[];
}
