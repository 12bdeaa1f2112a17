import type { ExitCode } from '../model/problem.ts';
import { OPERATOR, type Work } from '../plan/work.ts';
import { count, listed, span } from '../report/words.ts';
import { planReset, reset as resetAll } from '../run/reset.ts';
import { carryOut } from './carry-out.ts';
import { choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import { checkMeant, isMeant, RESET } from './meant.ts';
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
  checkMeant(context, flags, cluster.name, RESET);
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const all = await during(context, flags, `reading ${count(cluster.nodes.length, 'host')}`, () =>
      planReset({ site }),
    );
    const meant = ({ host }: Work): boolean =>
      nodes.length === 0 || nodes.includes(host) || host === OPERATOR;
    const plan = { ...all, works: all.works.filter(meant), guards: all.guards.filter(meant) };
    const { works } = plan;
    talk(context, flags, announcement(cluster.name, works));
    if (!(await isMeant(context, flags, cluster.name, RESET))) {
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
      run: (options, say) =>
        resetAll(
          {
            ...options,
            site,
            onWayBack: () => followBack(loaded, Object.values(plan.facts), say),
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
