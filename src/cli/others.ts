import { standingOf } from '../model/applied.ts';
import type { Cluster } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import { specText } from '../model/spec-text.ts';
import type { Plan } from '../plan/plan.ts';
import { type Others, othersSeen, othersText, standingText } from '../report/others.ts';
import { isNewHere, keepKnown, knowsOf, specDigest } from '../run/known.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { lookOf } from './sight.ts';

/** What others have applied that the file in hand may not know of. */
export interface Found extends Others {
  /** Whether somebody's change would be taken back by whoever does not know of it. */
  readonly isUnknown: boolean;
}

/**
 * Judges the file in hand by what was applied last; undefined when nothing is to be said. A file that is the same is kept as known.
 * @param cluster what the file in hand says, as it was before a command has edited it.
 */
export function othersOf(
  context: Context,
  cluster: Cluster,
  { applied }: Pick<Plan, 'applied'>,
): Found | undefined {
  if (applied === undefined) return undefined;
  const env = { ...context.process.env };
  const { name } = cluster;
  const digest = specDigest(cluster);
  const knows = knowsOf(name, applied.last, env);
  const standing = standingOf(applied, digest, knows);
  if (standing === 'same') keepKnown(name, applied.last, env);
  if (standing === 'same' || standing === 'newer') return undefined;
  // Who has never known anything of a cluster, as a machine that is made for each run, cannot have missed what came since.
  const isUnknown = !knows && (standing === 'older' || !isNewHere(name, env));
  return { cluster: name, standing, applied, text: specText(cluster), digest, isUnknown };
}

/** Says at the head of a plan what others have applied: on standard output, or where that is for programs on standard error. */
export function tellOthers(
  context: Context,
  flags: Pick<CommonFlags, 'color' | 'json'>,
  others: Found,
  stream: 'stdout' | 'stderr' = 'stdout',
): void {
  const out = context.process[flags.json ? 'stderr' : stream];
  out.write(`${othersText(others, lookOf(context, out, flags))}\n`);
}

/** The refusal to take back what somebody has applied and whoever asks does not know of. @param otherwise the command that says it is meant. */
export function unaware(context: Context, others: Found, otherwise: string): Problem {
  const { process } = context;
  return new Problem({
    code: others.standing === 'older' ? 'record/older' : 'record/apart',
    summary: standingText(others),
    saw: othersSeen(others, { offset: process.offset, now: process.now() }),
    why: 'applied now it would take back what somebody else has brought, and nobody would notice',
    try: `get the newest cluster.yaml, and put into it what you want; or, when just this is meant: ${otherwise}`,
    exit: 5,
  });
}
