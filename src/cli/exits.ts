import type { ExitCode } from '../model/problem.ts';

/** What each exit code says, to whoever reads it in a script. */
export const EXITS: Readonly<Record<ExitCode, string>> = {
  0: 'done, or nothing to do',
  1: 'a step or a check failed',
  2: 'wrong use, or a file that is not valid',
  3: 'there are changes (`plan --exit-code`)',
  4: 'a host cannot be reached, or does not let us in',
  5: 'refused: somebody else works there, a plan is stale, a version cannot be led to',
  70: 'a bug of Landfall',
  130: 'interrupted (Ctrl-C)',
  143: 'ended by SIGTERM or SIGHUP',
};
