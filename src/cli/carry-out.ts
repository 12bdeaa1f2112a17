import type { Loaded } from '../config/load.ts';
import type { Lock } from '../model/lock.ts';
import type { ExitCode } from '../model/problem.ts';
import type { Plan } from '../plan/plan.ts';
import { doneText, failedFooter, type ProofLine, proofLines } from '../report/done.ts';
import { problemText } from '../report/problem.ts';
import type { RunProgress } from '../report/state.ts';
import { newRun, record } from '../run/history.ts';
import type { Outcome } from '../run/progress.ts';
import type { RunOptions } from '../run/take.ts';
import { PHASES } from '../steps/phases.ts';
import { ownVersion } from './version.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { listOf } from './list.ts';
import { crowds, members, partsOfCluster } from './members.ts';
import { program } from './place.ts';
import { lookOf } from './sight.ts';
import { stopping } from './stop.ts';
import { type Say, talk } from './talk.ts';
import { silentView, viewOf } from './watch.ts';

/** A run that changes hosts, as it is written down, watched and ended. */
export interface Undertaking {
  readonly command: string;
  readonly loaded: Loaded;
  /** Absent for a reset of what was never resolved. */
  readonly lock?: Lock;
  readonly plan?: Plan;
  /** It is about a part of the list. */
  readonly partial: boolean;
  /** `say` is for what is to be read while the run is watched. */
  readonly run: (options: Omit<RunOptions, 'site'>, say: Say) => Promise<Outcome>;
  /** Seconds a lost host is waited for; ten minutes when absent. */
  readonly patience?: number;
  /** Nothing of it is shown but what is wrong. */
  readonly isSilent?: boolean;
  /** What is said at the end when all went well, in place of what there is now. */
  readonly farewell?: (state: RunProgress) => string;
}

/** How long a lost host is waited for, in seconds, when nothing else is said: a server takes minutes to boot. */
const PATIENCE = 600;

/** What was proven, from what was told of the steps of the phases that prove. */
export function proofOf(state: RunProgress, loaded: Loaded, lock: Lock): readonly ProofLine[] {
  const proving = new Set(PHASES.filter((p) => p.when === 'changed').map((p) => p.id));
  const results = state.phases.filter((p) => proving.has(p.id)).flatMap((p) => p.results);
  if (results.length === 0) return [];
  const list = listOf(loaded.cluster, lock);
  return proofLines(results, Object.fromEntries(list.map(({ step }) => [step.id, step.want])));
}

function farewell(undertaking: Undertaking, lock: Lock, flags: CommonFlags, state: RunProgress) {
  const { loaded, partial } = undertaking;
  return {
    cluster: loaded.cluster.name,
    members: `${members(loaded.cluster)} Ready`,
    parts: partsOfCluster(loaded.cluster, lock),
    made: state.end?.made ?? 0,
    ms: state.end?.ms ?? 0,
    partial,
    proof: proofOf(state, loaded, lock),
    program: program(flags),
  };
}

/** Carries a run out: writes it down, shows it, lets it be stopped, and says how it ended. Gives what to end with. */
export async function carryOut(
  context: Context,
  flags: CommonFlags,
  undertaking: Undertaking,
): Promise<ExitCode> {
  const { process } = context;
  const { command, loaded, plan } = undertaking;
  const run = newRun(new Date(process.now()));
  const written = record(loaded.cluster.name, run, plan, { ...process.env }, (error) =>
    view.say(`the record of this run ends here: ${error instanceof Error ? error.message : String(error)}`),
  );
  const view = undertaking.isSilent === true ? silentView() : viewOf(context, flags);
  const stop = stopping(context, `${program(flags)} ${command}`, view.say, view.close);
  let outcome: Outcome;
  try {
    outcome = await undertaking.run(
      {
        run,
        command,
        version: ownVersion(),
        stop: stop.signals,
        patience: undertaking.patience ?? PATIENCE,
        detached: true,
        on: (event) => {
          written.write(event);
          view.onEvent(event);
        },
      },
      // Where events are for programs, words are for whoever reads beside them.
      flags.json ? (text) => talk(context, flags, text) : view.say,
    );
  } finally {
    view.close();
    stop.done();
    written.close();
  }
  const exit = stop.exit() ?? outcome.exit;
  if (!flags.json || undertaking.isSilent === true) tellEnd(context, flags, undertaking, view.state(), exit);
  return exit;
}

function tellEnd(
  context: Context,
  flags: CommonFlags,
  undertaking: Undertaking,
  state: RunProgress,
  exit: ExitCode,
): void {
  const { stderr, stdout } = context.process;
  const err = lookOf(context, stderr, flags);
  if (state.problems.length > 0) {
    const more = { crowds: crowds(undertaking.loaded.cluster), footer: failedFooter(state) };
    stderr.write(`\n${problemText(state.problems, err, more)}`);
  } else if (exit !== 0) {
    stderr.write(err.spell(`\nStopped. ${failedFooter(state).trim()}\n`));
  } else if (!flags.quiet) {
    const out = lookOf(context, stdout, flags);
    const { lock } = undertaking;
    const last = lock === undefined ? '' : doneText(farewell(undertaking, lock, flags, state), out);
    const text = undertaking.farewell?.(state) ?? last;
    if (text !== '') stdout.write(`\n${text}`);
  }
}
