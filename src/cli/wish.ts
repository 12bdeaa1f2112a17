import type { Loaded } from '../config/load.ts';
import { Problem } from '../model/problem.ts';
import type { Plan } from '../plan/plan.ts';
import type { Choice } from '../plan/work.ts';
import { type ChoiceFlags, choiceOf, isPartial } from './choice.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { path } from './place.ts';

/** What is to be applied: a part of the list, perhaps exactly as a saved plan says. */
export interface Wish {
  readonly choice: Choice;
  readonly saved?: Plan;
  /** Refuses when what is read now is not what the saved plan was made of. */
  readonly check?: (now: Plan) => void;
}

/**
 * What is meant, as far as it can be known before any host is asked.
 * @param file a saved plan.
 * @throws Problem or Problems (exit 2, 5) for names nothing has, and for a plan that cannot be read or is of another file.
 */
export async function wishOf(
  context: Context,
  flags: ChoiceFlags & CommonFlags,
  loaded: Loaded,
  file: string | undefined,
): Promise<Wish> {
  const choice = await choiceOf(flags, loaded.cluster);
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
