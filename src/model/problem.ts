/**
 * What the process ends with; each number tells the caller what to do next.
 * 0 done or nothing to do · 1 a step, check or gate failed · 2 wrong use or invalid file · 3 there are changes
 * (`plan --exit-code`) · 4 a host cannot be reached or refused us · 5 refused: lock, stale plan, quorum, skew ·
 * 70 a bug · 130 / 143 interrupted / terminated.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 70 | 130 | 143;

/** A place in a text file, for showing the line and underlining the words meant. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters are meant; 1 when absent. */
  readonly length?: number;
  /** The whole line, without its end, so that it can be shown. */
  readonly text?: string;
  /** What is said behind the underline. */
  readonly label?: string;
}

/** The parts of a {@link Problem}: data first, text last. */
export interface ProblemParts {
  /** Stable, `area/what`: `network/overlap`, `ssh/unreachable`. */
  readonly code: string;
  /** One sentence without a full stop: what happened. */
  readonly summary: string;
  /** Where: a place in a file. */
  readonly where?: Place;
  /** The host it happened on. */
  readonly host?: string;
  /** What was seen: the lines of a program's own output that tell. */
  readonly saw?: string;
  /** Why it matters, or what it means. */
  readonly why?: string;
  /** What to do about it: a command or a line to write. */
  readonly try?: string;
  /** Where to read on: `landfall explain …`, a run to look at. */
  readonly more?: string;
  /** What the process should end with when nothing worse happened; 1 when absent. */
  readonly exit?: ExitCode;
}

/** Something that went wrong and can be told to the user: never a bug of ours, so never shown with a stack. */
export class Problem extends Error implements ProblemParts {
  readonly code: string;
  readonly summary: string;
  readonly where?: Place;
  readonly host?: string;
  readonly saw?: string;
  readonly why?: string;
  readonly try?: string;
  readonly more?: string;
  readonly exit: ExitCode;

  constructor(parts: ProblemParts, options?: ErrorOptions) {
    super(parts.summary, options);
    this.name = 'Problem';
    this.code = parts.code;
    this.summary = parts.summary;
    if (parts.where !== undefined) this.where = parts.where;
    if (parts.host !== undefined) this.host = parts.host;
    if (parts.saw !== undefined) this.saw = parts.saw;
    if (parts.why !== undefined) this.why = parts.why;
    if (parts.try !== undefined) this.try = parts.try;
    if (parts.more !== undefined) this.more = parts.more;
    this.exit = parts.exit ?? 1;
  }
}

/** Several problems found at once, in the order they should be read. */
export class Problems extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => p.summary).join('; '));
    this.name = 'Problems';
    this.problems = problems;
  }
}
