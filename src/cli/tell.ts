import { type ExitCode, Problem, type ProblemParts, Problems } from '../model/problem.ts';
import { documentText } from '../report/json.ts';
import { type Crowd, fileFooter, problemText } from '../report/problem.ts';
import type { Context } from './context.ts';
import { fileTrouble } from './file-trouble.ts';
import type { CommonFlags } from './flags.ts';
import { lookOf } from './sight.ts';
import { Disconnected } from '../ssh/host.ts';

type TellFlags = Pick<CommonFlags, 'color' | 'json' | 'verbose'>;

/** A problem's own fields, without what an Error brings along. */
export function partsOf(problem: ProblemParts): ProblemParts {
  const { code, summary, where, host, saw, why, try: remedy, more, exit } = problem;
  return {
    code,
    summary,
    ...(where === undefined ? {} : { where }),
    ...(host === undefined ? {} : { host }),
    ...(saw === undefined ? {} : { saw }),
    ...(why === undefined ? {} : { why }),
    ...(remedy === undefined ? {} : { try: remedy }),
    ...(more === undefined ? {} : { more }),
    ...(exit === undefined ? {} : { exit }),
  };
}

/** The gravest first: a bug, a refusal, a host that cannot be reached, a wrong file, a failed step. */
const GRAVITY: readonly ExitCode[] = [70, 143, 130, 5, 4, 2, 1, 3, 0];

/** What several problems end the process with. */
export function exitOf(problems: readonly ProblemParts[]): ExitCode {
  const codes = problems.map((p) => p.exit ?? 1);
  return GRAVITY.find((code) => codes.includes(code)) ?? 1;
}

/** Problems on standard error, and with --json as a document on standard output. */
export function tellProblems(
  context: Context,
  flags: TellFlags,
  problems: readonly ProblemParts[],
  more: { readonly crowds?: readonly Crowd[]; readonly footer?: string } = {},
): ExitCode {
  const { stderr, stdout } = context.process;
  const footer = more.footer ?? fileFooter(problems);
  const options = { ...more, ...(footer === undefined ? {} : { footer }) };
  stderr.write(problemText(problems, lookOf(context, stderr, flags), options));
  const exit = exitOf(problems);
  if (flags.json) stdout.write(documentText({ format: '1.0', exit, problems: problems.map(partsOf) }));
  return exit;
}

function bug(error: unknown): { problem: ProblemParts; stack: string } {
  const said = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? said) : said;
  return {
    problem: {
      code: 'landfall/bug',
      summary: `this is a bug of Landfall: ${said.split('\n')[0] ?? ''}`,
      try: 'report it with the lines above and what `landfall --version` says; running the command again is safe',
      exit: 70,
    },
    stack,
  };
}

/** A connection that broke where nothing waits for the host: before anything was begun on it, or after it. */
function lost({ host, message }: Disconnected): Problem {
  return new Problem({ code: 'ssh/lost', host, summary: message, try: 'run the command again', exit: 4 });
}

/** Tells whatever was thrown: problems as they are, anything else as a bug with its stack. Gives what to end with. */
export function tell(context: Context, flags: TellFlags, error: unknown): ExitCode {
  if (error instanceof Problems) return tellProblems(context, flags, error.problems);
  if (error instanceof Problem) {
    if (flags.verbose && error.cause instanceof Error && error.cause.stack !== undefined)
      context.process.stderr.write(`${error.cause.stack}\n`);
    return tellProblems(context, flags, [error]);
  }
  if (error instanceof Disconnected) return tell(context, flags, lost(error));
  const trouble = fileTrouble(error);
  if (trouble !== undefined) return tell(context, flags, trouble);
  const { problem, stack } = bug(error);
  context.process.stderr.write(`${stack}\n`);
  return tellProblems(context, flags, [problem]);
}
