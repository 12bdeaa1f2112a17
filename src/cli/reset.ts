import { type ExitCode, Problem } from '../model/problem.ts';
import { OPERATOR, type Work } from '../plan/work.ts';
import { count, listed, span } from '../report/words.ts';
import { planReset, reset as resetAll } from '../run/reset.ts';
import { ask, confirm, isAnswerable } from './ask.ts';
import { carryOut } from './carry-out.ts';
import { choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { program } from './place.ts';
import { lookOf } from './sight.ts';
import { withSite } from './site.ts';
import { followBack } from './ssh-port.ts';
import { load } from './source.ts';
import { during, talk } from './talk.ts';

/** What reset takes. */
export interface ResetFlags {
  readonly node: readonly string[];
  readonly cluster?: string;
  readonly yes: boolean;
  readonly patience?: number;
}

type Flags = ResetFlags & CommonFlags;

function unsure(cluster: string, yes: boolean): Problem {
  return new Problem({
    code: 'reset/unsure',
    summary: 'reset destroys the cluster, and nobody is here to type its name',
    why: yes ? '--yes alone is not enough' : 'all data in the cluster would be lost',
    try: `landfall reset --cluster ${cluster} --yes`,
    exit: 2,
  });
}

/**
 * Before any host is asked: whether it could be meant at all.
 * @throws Problem (exit 2) when another name was given, or nobody is there to type one.
 */
function checkMeant(context: Context, flags: Flags, cluster: string): void {
  const { cluster: promised, yes } = flags;
  if (promised !== undefined && promised !== cluster) {
    throw new Problem({
      code: 'reset/name',
      summary: `this is the cluster ${cluster}, not ${promised}`,
      why: 'the name is asked for so that the wrong cluster is never taken away',
      try: 'look at -C and -f, and at the name',
      exit: 2,
    });
  }
  if (!(promised !== undefined && yes) && !isAnswerable(context, flags)) throw unsure(cluster, yes);
}

/**
 * Whether it is really meant: the cluster's name has been typed, here or as a flag, and a yes beside the flag.
 * @throws Problem (exit 2) when another name was given, or nobody is there to type one.
 */
export async function isMeant(context: Context, flags: Flags, cluster: string): Promise<boolean> {
  checkMeant(context, flags, cluster);
  const { cluster: promised, yes } = flags;
  if (promised === undefined)
    return (await ask(context, flags, 'Type the cluster’s name to go on: ')) === cluster;
  const otherwise = `landfall reset --cluster ${cluster} --yes`;
  return yes || confirm(context, flags, `Take ${cluster} away, with all its data?`, otherwise);
}

function hostsOf(works: readonly Work[]): readonly string[] {
  return [...new Set(works.map((work) => work.host).filter((host) => host !== OPERATOR))];
}

function announcement(cluster: string, works: readonly Work[]): string {
  const steps = works.reduce((n, work) => n + work.steps.length, 0);
  const hosts = listed(hostsOf(works), 6);
  return `This destroys the cluster ${cluster} and all data in it: ${count(steps, 'step')} ${steps === 1 ? 'is' : 'are'} taken back on ${hosts}.`;
}

/** Takes the cluster away and leaves the hosts as they were. */
export const reset: Action<ResetFlags> = async (context, flags) => {
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  const { nodes = [] } = await choiceOf({ only: [], node: flags.node }, cluster);
  checkMeant(context, flags, cluster.name);
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const all = await during(context, flags, `reading ${count(cluster.nodes.length, 'host')}`, () =>
      planReset({ site }),
    );
    const meant = ({ host }: Work): boolean =>
      nodes.length === 0 || nodes.includes(host) || host === OPERATOR;
    const plan = { ...all, works: all.works.filter(meant), guards: all.guards.filter(meant) };
    const { works } = plan;
    talk(context, flags, announcement(cluster.name, works));
    if (!(await isMeant(context, flags, cluster.name))) {
      talk(context, flags, 'Nothing was changed.');
      return 2;
    }
    const lock = loaded.lock ?? undefined;
    return carryOut(context, flags, {
      command: 'reset',
      loaded,
      ...(lock === undefined ? {} : { lock }),
      partial: nodes.length > 0,
      ...(flags.patience === undefined ? {} : { patience: flags.patience }),
      run: (options) =>
        resetAll(
          {
            ...options,
            site,
            onWayBack: () => followBack(context, flags, loaded, Object.values(plan.facts)),
          },
          plan,
        ),
      farewell: (state) => {
        const look = lookOf(context, context.process.stdout, flags);
        const took = span(state.end?.ms ?? 0);
        return look.spell(
          `${cluster.name} is gone from ${listed(hostsOf(works), 6)}: ${count(state.end?.made ?? 0, 'step')} taken back in ${took}.\nMake it again:   ${look.paint.command(`${program(flags)} apply`)}\n`,
        );
      },
    });
  });
};
