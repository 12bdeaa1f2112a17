import type { Loaded } from '../config/load.ts';
import { writeLock } from '../config/lock.ts';
import { type ExitCode, Problem } from '../model/problem.ts';
import { isEmpty, type Plan } from '../plan/plan.ts';
import type { Choice } from '../plan/work.ts';
import { eventLine } from '../report/json.ts';
import { planText } from '../report/plan.ts';
import { count } from '../report/words.ts';
import { apply as applyTo } from '../run/apply.ts';
import { EVENT_FORMAT } from '../run/event.ts';
import { survey, type Survey } from '../run/survey.ts';
import { ownVersion } from './version.ts';
import { confirm, needSomebody } from './ask.ts';
import { type ChoiceFlags, choiceOf, isPartial } from './choice.ts';
import type { Action } from './command.ts';
import { carryOut } from './carry-out.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { members } from './members.ts';
import { path, program } from './place.ts';
import { lookOf } from './sight.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { during } from './talk.ts';

/** What apply takes. */
export interface ApplyFlags extends ChoiceFlags {
  readonly yes: boolean;
  readonly prove: boolean;
  readonly noProof: boolean;
  readonly patience?: number;
}

type Flags = ApplyFlags & CommonFlags;

const OTHERWISE = 'landfall apply --yes';

/** What is to be applied: a part of the list, perhaps exactly as a saved plan says. */
interface Wish {
  readonly choice: Choice;
  readonly saved?: Plan;
  /** Refuses when what is read now is not what the saved plan was made of. */
  readonly check?: (now: Plan) => void;
}

async function wishOf(
  context: Context,
  flags: Flags,
  loaded: Loaded,
  file: string | undefined,
): Promise<Wish> {
  const choice = choiceOf(flags, loaded.cluster);
  if (file === undefined) return { choice };
  if (isPartial(choice)) {
    throw new Problem({
      code: 'plan/part',
      summary: 'a saved plan is made whole: --only and --node do not go with it',
      why: 'what was looked at and agreed to is the whole of it',
      try: 'landfall plan --out FILE with the same --only and --node, then landfall apply FILE',
      exit: 2,
    });
  }
  const { checkReadings, checkSource, choiceOfPlan, readPlan } = await import('./plan-file.ts');
  const saved = await readPlan(path(context, flags, file));
  checkSource(saved, loaded.cluster.name, loaded.source);
  return { choice: choiceOfPlan(saved), saved, check: (now) => checkReadings(saved, now) };
}

/** Shows the plan on standard error and asks; a saved plan was looked at when it was saved. */
async function agreed(context: Context, flags: Flags, { plan }: Survey, nodes: string): Promise<boolean> {
  if (flags.yes) return true;
  const { stderr } = context.process;
  if (!flags.json)
    stderr.write(planText(plan, lookOf(context, stderr, flags), { members: nodes, program: program(flags) }));
  stderr.write('\n');
  return confirm(context, flags, `Make it so on ${count(plan.hosts.length, 'host')}?`, OTHERWISE);
}

/** What a run would tell that has nothing to do. */
async function nothingToDo(cluster: string, { at, ms }: Plan): Promise<string> {
  return [
    { is: 'version' as const, format: EVENT_FORMAT, landfall: await ownVersion() },
    { is: 'run' as const, at, run: '', command: 'apply', cluster, phases: [] },
    { is: 'end' as const, at, exit: 0, made: 0, ms },
  ]
    .map(eventLine)
    .join('');
}

/** Makes the hosts what cluster.yaml says. */
export const apply: Action<ApplyFlags> = async (context, flags, [file]) => {
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  const wish = await wishOf(context, flags, loaded, file);
  if (file === undefined && !flags.yes) needSomebody(context, flags, OTHERWISE);
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const { stdout } = context.process;
    const ground = wish.saved === undefined ? site : { ...site, lock: wish.saved.lock };
    const before = await during(context, flags, `reading ${count(cluster.nodes.length, 'host')}`, () =>
      survey(ground, wish.choice),
    );
    wish.check?.(before.plan);
    if (isEmpty(before.plan) && !flags.prove) {
      writeLock(loaded.lockFile, before.plan.lock);
      if (flags.json) stdout.write(await nothingToDo(cluster.name, before.plan));
      else if (!flags.quiet) stdout.write(planText(before.plan, lookOf(context, stdout, flags)));
      return 0;
    }
    if (wish.saved === undefined && !(await agreed(context, flags, before, members(cluster)))) return 0;
    return carryOut(context, flags, {
      command: 'apply',
      loaded,
      lock: before.plan.lock,
      plan: before.plan,
      partial: wish.saved === undefined && isPartial(wish.choice),
      ...(flags.patience === undefined ? {} : { patience: flags.patience }),
      run: async (options) => {
        const applied = await applyTo({
          ...options,
          site: ground,
          survey: before,
          choice: wish.choice,
          proof: proofOf(flags, wish),
          onBegin: (again) => {
            wish.check?.(again.plan);
            writeLock(loaded.lockFile, again.plan.lock);
          },
        });
        const { after, images } = applied;
        if (after !== undefined && images !== undefined)
          writeLock(loaded.lockFile, { ...after.plan.lock, images });
        return applied;
      },
    });
  });
};

function proofOf(flags: Flags, wish: Wish): 'changed' | 'always' | 'never' {
  if (flags.prove) return 'always';
  const isPart = wish.saved === undefined && isPartial(wish.choice);
  return flags.noProof || isPart ? 'never' : 'changed';
}
