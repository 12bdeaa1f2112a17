import { Problem } from '../model/problem.ts';
import { documentText, eventLine } from '../report/json.ts';
import { runReport } from '../report/markdown.ts';
import { plainView } from '../report/plain.ts';
import { problemText } from '../report/problem.ts';
import { lastRunText } from '../report/status.ts';
import { failedFooter } from '../report/done.ts';
import { listRuns, readEvents, type RunSummary } from '../run/history.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { lookOf } from './sight.ts';
import { clusterName } from './source.ts';

/** What the commands about runs take. */
export interface RunsFlags {
  readonly cluster?: string;
}

type Flags = RunsFlags & CommonFlags;

async function all(
  context: Context,
  flags: Flags,
): Promise<{ cluster: string; runs: readonly RunSummary[] }> {
  const cluster = flags.cluster ?? (await clusterName(context, flags));
  return { cluster, runs: await listRuns(cluster, { ...context.process.env }) };
}

/** The run meant: the last one, or the one whose name begins so. @throws Problem when there is none, or several. */
async function meant(context: Context, flags: Flags, name: string | undefined) {
  const { cluster, runs } = await all(context, flags);
  const found = name === undefined ? runs.slice(-1) : runs.filter((r) => r.run.startsWith(name));
  const exact = found.find((r) => r.run === name) ?? found[0];
  if (exact === undefined || (found.length > 1 && exact.run !== name)) {
    throw new Problem({
      code: 'runs/none',
      summary:
        exact === undefined
          ? `${cluster} has no run${name === undefined ? ' yet' : ` whose name begins with ${JSON.stringify(name)}`}`
          : `${found.length} runs of ${cluster} begin with ${JSON.stringify(name)}`,
      try: runs.length === 0 ? 'landfall apply' : 'landfall runs list',
      exit: 2,
    });
  }
  return readEvents(cluster, exact.run, { ...context.process.env });
}

/** Lists the runs of a cluster, the newest last. */
export const runsList: Action<RunsFlags> = async (context, flags) => {
  const { cluster, runs } = await all(context, flags);
  const { stdout } = context.process;
  if (flags.json) {
    stdout.write(documentText({ format: '1.0', cluster, runs }));
    return 0;
  }
  const look = lookOf(context, stdout, flags);
  if (runs.length === 0) stdout.write(`${cluster} has no runs yet.\n`);
  for (const run of runs) stdout.write(look.spell(`${lastRunText(run, look)}\n`));
  return 0;
};

/** Shows a run once more, as one without a terminal would have seen it. */
export const runsShow: Action<RunsFlags> = async (context, flags, [name]) => {
  const events = await meant(context, flags, name);
  const { stdout } = context.process;
  if (flags.json) {
    for (const event of events) stdout.write(eventLine(event));
    return 0;
  }
  const look = lookOf(context, stdout, flags);
  const view = plainView(look, {
    write: stdout.write,
    clock: () => 0,
    every: () => () => undefined,
    verbose: flags.verbose,
  });
  for (const event of events) view.onEvent(event);
  const state = view.state();
  if (state.problems.length > 0)
    stdout.write(`\n${problemText(state.problems, look, { footer: failedFooter(state) })}`);
  return 0;
};

/** Prints a run as Markdown. */
export const runsReport: Action<RunsFlags> = async (context, flags, [name]) => {
  context.process.stdout.write(runReport(await meant(context, flags, name)));
  return 0;
};
