import type { Loaded } from '../config/load.ts';
import type { ExitCode } from '../model/problem.ts';
import { isEmpty } from '../plan/plan.ts';
import { type ProofLine, proofText } from '../report/done.ts';
import { documentText } from '../report/json.ts';
import { type LastRun, statusDocument, statusText } from '../report/status.ts';
import { count } from '../report/words.ts';
import { controlPlanes } from '../model/cluster.ts';
import { askAllPairs } from '../run/pairs.ts';
import { apply as applyTo } from '../run/apply.ts';
import { listRuns } from '../run/history.ts';
import { meetStrangers } from '../run/strangers.ts';
import { type Site, survey, type Survey } from '../run/survey.ts';
import { PHASES } from '../steps/phases.ts';
import { carryOut, proofOf } from './carry-out.ts';
import { type ChoiceFlags, choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { members } from './members.ts';
import { program } from './place.ts';
import { lookOf } from './sight.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { during, talk } from './talk.ts';

/** What status takes. */
export interface StatusFlags extends ChoiceFlags {
  readonly full: boolean;
  readonly prove: boolean;
  readonly pairs: boolean;
}

/** Runs the proof alone: only a cluster that is as wanted can be proven, so nothing is made on the way. */
async function prove(
  context: Context,
  flags: CommonFlags,
  loaded: Loaded,
  site: Site,
  found: Survey,
): Promise<{ exit: ExitCode; proof: readonly ProofLine[] }> {
  let proof: readonly ProofLine[] = [];
  const exit = await carryOut(context, flags, {
    command: 'status --prove',
    loaded,
    lock: found.plan.lock,
    partial: true,
    isSilent: flags.json,
    run: (options) => applyTo({ ...options, site, survey: found, choice: {}, proof: 'always' }),
    farewell: (state) => {
      proof = proofOf(state, loaded, found.plan.lock);
      return flags.json ? '' : proofText(proof, lookOf(context, context.process.stdout, flags)).join('\n');
    },
  });
  return { exit, proof };
}

/** Shows how the hosts read now. */
export const status: Action<StatusFlags> = async (context, flags) => {
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  const choice = await choiceOf(flags, cluster);
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const found = await during(context, flags, `reading ${count(cluster.nodes.length, 'host')}`, () =>
      survey(site, choice),
    );
    const runs = await listRuns(cluster.name, { ...context.process.env });
    const last: LastRun | undefined = runs.at(-1);
    const { stdout } = context.process;
    const mode = cluster.firewall?.mode ?? 'none';
    const met =
      mode === 'none'
        ? undefined
        : await meetStrangers(
            site,
            found.plan.hosts.map(({ host }) => host),
          );
    const answers = flags.pairs
      ? await during(context, flags, 'having the nodes ask each other', () => askAllPairs(site, found))
      : undefined;
    const planes = controlPlanes(cluster).map(({ name }) => name);
    if (!flags.json) {
      stdout.write(
        statusText(found.plan, lookOf(context, stdout, flags), {
          phases: PHASES,
          members: members(cluster),
          full: flags.full,
          program: program(flags),
          ...(met === undefined ? {} : { firewall: { mode, strangers: met } }),
          ...(answers === undefined ? {} : { pairs: { answers, planes } }),
          ...(last === undefined ? {} : { last }),
        }),
      );
    }
    const isProvable = flags.prove && isEmpty(found.plan);
    const proven = isProvable ? await prove(context, flags, loaded, site, found) : undefined;
    if (flags.json) {
      stdout.write(
        documentText(
          statusDocument(found.plan, {
            ...(last === undefined ? {} : { lastRun: last }),
            ...(met === undefined ? {} : { strangers: met }),
            ...(answers === undefined ? {} : { pairs: answers }),
            ...(proven === undefined ? {} : { proof: proven.proof }),
          }),
        ),
      );
    } else if (flags.prove && !isProvable) {
      talk(context, flags, 'Not proven: what differs has to be made first.');
    }
    if (flags.prove && !isProvable) return 1;
    return found.away.length > 0 ? 4 : (proven?.exit ?? 0);
  });
};
