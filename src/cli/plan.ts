import { writeFile } from 'node:fs/promises';
import { moveOf } from '../plan/move.ts';
import { isEmpty } from '../plan/plan.ts';
import { documentText } from '../report/json.ts';
import { planText } from '../report/plan.ts';
import { count } from '../report/words.ts';
import { quorumLost } from '../run/quorum-lost.ts';
import { survey } from '../run/survey.ts';
import { type ChoiceFlags, choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import { members } from './members.ts';
import { othersOf, tellOthers } from './others.ts';
import { moveText } from './moving.ts';
import { path, program } from './place.ts';
import { lookOf } from './sight.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { during, talk } from './talk.ts';

/** What plan takes. */
export interface PlanFlags extends ChoiceFlags {
  readonly full: boolean;
  readonly out?: string;
  readonly exitCode: boolean;
}

/** Shows what apply would make; changes nothing anywhere. */
export const plan: Action<PlanFlags> = async (context, flags) => {
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  const choice = await choiceOf(flags, cluster);
  return withSite(loaded, async (site) => {
    const found = await during(context, flags, `reading ${count(cluster.nodes.length, 'host')}`, () =>
      survey(site, choice),
    );
    const lost = quorumLost(cluster, found);
    if (lost !== undefined) throw lost;
    const others = othersOf(context, cluster, found.plan);
    if (others !== undefined) tellOthers(context, flags, others);
    const { stdout } = context.process;
    if (flags.out !== undefined) {
      await writeFile(path(context, flags, flags.out), documentText(found.plan), { mode: 0o600 });
    }
    if (flags.json) stdout.write(documentText(found.plan));
    else {
      const called = program(flags);
      stdout.write(
        planText(found.plan, lookOf(context, stdout, flags), {
          full: flags.full,
          members: members(cluster),
          program: called,
        }),
      );
      const move = moveOf(cluster, found.plan);
      if (move !== undefined)
        talk(context, flags, `${moveText(move)} It is made by:   ${called} apply --move-endpoint ${move.to}`);
      if (flags.out !== undefined)
        talk(context, flags, `Saved. Have exactly this made:   ${called} apply ${flags.out}`);
    }
    if (found.away.length > 0) return 4;
    return flags.exitCode && !isEmpty(found.plan) ? 3 : 0;
  });
};
