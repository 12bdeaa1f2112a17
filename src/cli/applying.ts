import type { Loaded } from '../config/load.ts';
import { writeLock } from '../config/lock-text.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ExitCode } from '../model/problem.ts';
import { moveOf } from '../plan/move.ts';
import { isEmpty, type Plan } from '../plan/plan.ts';
import { eventLine } from '../report/json.ts';
import { planText } from '../report/plan.ts';
import { count } from '../report/words.ts';
import { apply as applyTo } from '../run/apply.ts';
import { EVENT_FORMAT } from '../run/event.ts';
import { quorumLost } from '../run/quorum-lost.ts';
import { type Site, survey, type Survey } from '../run/survey.ts';
import { APPLY_UNASKED, type ApplyFlags } from './apply.ts';
import { confirm } from './ask.ts';
import { carryOut } from './carry-out.ts';
import { isPartial } from './choice.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { members } from './members.ts';
import { isMoveMeant, unmoved } from './moving.ts';
import { type Found, othersOf, tellOthers, unaware } from './others.ts';
import { program } from './place.ts';
import { lookOf } from './sight.ts';
import { followPort, knowUnderNewPort } from './ssh-port.ts';
import { during, talk } from './talk.ts';
import { ownVersion } from './version.ts';
import type { Wish } from './wish.ts';

type Flags = ApplyFlags & CommonFlags;

/** The command that says that an older file is meant. */
const MEANT = 'landfall apply --older-file --yes';

/** Shows the plan on standard error, before somebody is asked. */
function showPlan(context: Context, flags: Flags, plan: Plan, nodes: string): void {
  const { stderr } = context.process;
  if (!flags.json)
    stderr.write(planText(plan, lookOf(context, stderr, flags), { members: nodes, program: program(flags) }));
  stderr.write('\n');
}

/** Asks whether a plan that is shown is meant. */
async function agreed(
  context: Context,
  flags: Flags,
  { plan }: Survey,
  others: Found | undefined,
): Promise<boolean> {
  const hosts = count(plan.hosts.length, 'host');
  const question =
    others === undefined
      ? `Make it so on ${hosts}?`
      : `Take back what ${others.applied.last.by} has applied, and make it so on ${hosts}?`;
  return confirm(context, flags, question, APPLY_UNASKED);
}

/** What a run would tell that has nothing to do. */
function nothingToDo(cluster: string, { at, ms }: Plan): string {
  return [
    { is: 'version' as const, format: EVENT_FORMAT, landfall: ownVersion() },
    { is: 'run' as const, at, run: '', command: 'apply', cluster, phases: [] },
    { is: 'end' as const, at, exit: 0, made: 0, ms },
  ]
    .map(eventLine)
    .join('');
}

/** What apply works with once its hosts are called. */
interface Undertaken {
  readonly loaded: Loaded;
  readonly site: Site;
  readonly wish: Wish;
  /** What the file said before the command edited it; absent when it did not. */
  readonly basis?: Cluster;
}

/** Looks at every host, shows what differs, asks, and has it made. Gives what to end with. */
export async function applying(
  context: Context,
  flags: Flags,
  { loaded, site, wish, basis }: Undertaken,
): Promise<ExitCode> {
  const { cluster } = loaded;
  const { stdout } = context.process;
  const ground = wish.saved === undefined ? site : { ...site, lock: wish.saved.lock };
  const before = await during(context, flags, `reading ${count(cluster.nodes.length, 'host')}`, () =>
    survey(ground, wish.choice),
  );
  const lost = quorumLost(cluster, before);
  if (lost !== undefined) throw lost;
  wish.check?.(before.plan);
  const others = othersOf(context, basis ?? cluster, before.plan);
  if (others !== undefined) tellOthers(context, flags, others, 'stderr');
  if (isEmpty(before.plan) && !flags.prove) {
    // A lock that was read and fits need not be written.
    if (before.plan.lock !== loaded.lock) writeLock(loaded.lockFile, before.plan.lock);
    if (flags.json) stdout.write(nothingToDo(cluster.name, before.plan));
    else if (!flags.quiet) stdout.write(planText(before.plan, lookOf(context, stdout, flags)));
    if (before.away.length > 0) return 4;
    await followPort(loaded, before.plan, (text) => talk(context, flags, text));
    return 0;
  }
  const isAsked = wish.saved === undefined && !flags.yes;
  if (others?.isUnknown === true && !flags.olderFile && !isAsked) throw unaware(context, others, MEANT);
  // A saved plan was looked at when it was saved.
  if (isAsked) showPlan(context, flags, before.plan, members(cluster));
  const move = moveOf(cluster, before.plan);
  if (move !== undefined && !(await isMoveMeant(context, flags, move))) {
    talk(context, flags, 'Nothing was changed.');
    return 2;
  }
  const isTyped = move !== undefined && flags.moveEndpoint === undefined && others === undefined;
  if (isAsked && !isTyped && !(await agreed(context, flags, before, others))) return 0;
  const exit = await carryOut(context, flags, {
    command: 'apply',
    loaded,
    lock: before.plan.lock,
    plan: before.plan,
    partial: wish.saved === undefined && isPartial(wish.choice),
    ...(flags.patience === undefined ? {} : { patience: flags.patience }),
    run: async (options, say) => {
      await knowUnderNewPort(loaded);
      const applied = await applyTo({
        ...options,
        site: ground,
        survey: before,
        choice: wish.choice,
        proof: proofOf(flags, wish),
        onBegin: (again) => {
          wish.check?.(again.plan);
          const now = othersOf(context, basis ?? cluster, again.plan);
          const isNews = now?.applied.last.digest !== before.plan.applied?.last.digest;
          if (now?.isUnknown === true && isNews) throw unaware(context, now, MEANT);
          const late = moveOf(cluster, again.plan);
          if (late !== undefined && move === undefined && flags.moveEndpoint !== late.to) throw unmoved(late);
          writeLock(loaded.lockFile, again.plan.lock);
        },
      });
      const { after, images } = applied;
      if (after !== undefined && images !== undefined)
        writeLock(loaded.lockFile, { ...after.plan.lock, images });
      if (after !== undefined) await followPort(loaded, after.plan, say);
      return applied;
    },
  });
  if (exit === 0 && move !== undefined)
    talk(
      context,
      flags,
      `The endpoint is ${move.to} now. Fetch the kubeconfigs that name ${move.from} anew:   ${program(flags)} kubeconfig --merge`,
    );
  return exit;
}

function proofOf(flags: Flags, wish: Wish): 'changed' | 'always' | 'never' {
  if (flags.prove) return 'always';
  const isPart = wish.saved === undefined && isPartial(wish.choice);
  return flags.noProof || isPart ? 'never' : 'changed';
}
