import type { Loaded } from '../config/load.ts';
import type { Cluster } from '../model/cluster.ts';
import { type ExitCode, Problem, Problems } from '../model/problem.ts';
import { type Ballot, holds } from '../model/quorum.ts';
import { count, listed, span } from '../report/words.ts';
import { leave, type LeavePlan, planLeave, type Wish } from '../run/leave.ts';
import { isSeenAlive, refusals } from '../run/leave-refusals.ts';
import type { Site } from '../run/survey.ts';
import { ask, isAnswerable } from './ask.ts';
import { carryOut } from './carry-out.ts';
import type { Context } from './context.ts';
import type { LeavingFlags } from './node-flags.ts';
import { othersOf, tellOthers, unaware } from './others.ts';
import { lookOf } from './sight.ts';
import { during, talk } from './talk.ts';

/** Milliseconds the cluster is given to notice that a host has just died: it calls a node lost after less than a minute. */
const NOTICED = 75_000;

const votes = ({ voting, well, needed }: Ballot): string =>
  `${voting} voting, ${well} well, ${needed} needed`;

const STATE = {
  member: (pods: number, limit: number) =>
    pods === 0
      ? 'none that would have to move'
      : `${count(pods, 'pod')} ${pods === 1 ? 'moves' : 'move'} to other nodes, within ${span(limit * 1000)}`,
  stranger: () =>
    'the host is no member any more: its pods start elsewhere once the cluster has forgotten it',
  away: () => 'the host does not answer: its pods start elsewhere once the cluster has forgotten it',
} as const;

/** What leaving means, as it is shown before anything is done. */
function forecastText(plan: LeavePlan): string {
  const { node, state, pods, limit, concerns, removal, undos, seat, away } = plan;
  const steps = undos.reduce((n, work) => n + work.steps.length, 0);
  const rows: readonly (readonly [string, string])[] = [
    ...(removal === undefined
      ? []
      : [
          ['etcd', votes(removal.before)] as const,
          [
            '',
            removal.leaving.length === 0
              ? `${node.name} is no member of it`
              : `without ${node.name}: ${votes(removal.after)}${holds(removal.after) ? '' : ', too few'}`,
          ] as const,
        ]),
    ['pods', STATE[state](pods.length, limit)],
    ...concerns.map(
      ({ kind, what, owner, by }) =>
        [
          kind,
          [
            what,
            ...(owner === undefined ? [] : [`of ${owner}`]),
            ...(by.length === 0 ? [] : [`(${by.join(', ')})`]),
          ].join(' '),
        ] as const,
    ),
    [
      'host',
      state === 'away'
        ? 'nothing is taken back on it: it must not come back with what lies on its disk'
        : `${count(steps, 'step')} ${steps === 1 ? 'is' : 'are'} taken back, as reset does`,
    ],
    ...away.map(({ host, summary }) => ['left out', `${host ?? ''}: ${summary}`] as const),
  ];
  return [
    `${node.name} leaves the cluster; asked on ${seat.name}:`,
    ...rows.map(([label, text]) => `  ${label.padEnd(10)}${text}`),
  ].join('\n');
}

/** Reads what leaving means, and again while the cluster has not noticed yet that a host has died. */
async function foresee(context: Context, flags: LeavingFlags, site: Site, wish: Wish): Promise<LeavePlan> {
  const end = Date.now() + NOTICED;
  const name = wish.node.name;
  return during(context, flags, `reading what it means that ${name} leaves`, async () => {
    for (;;) {
      const plan = await planLeave(site, wish);
      if (!isSeenAlive(plan) || Date.now() > end) return plan;
    }
  });
}

/**
 * Before any host is asked: whether it could be meant at all.
 * @throws Problem (exit 2) when another name was given, or nobody is there to type one.
 */
export function checkMeant(
  context: Context,
  flags: LeavingFlags,
  names: readonly string[],
  command: string,
): void {
  const { yes } = flags;
  const isSame = yes.length === names.length && names.every((name) => yes.includes(name));
  if (isSame || (yes.length === 0 && isAnswerable(context, flags))) return;
  throw new Problem({
    code: 'leave/unsure',
    summary:
      yes.length === 0
        ? `this takes ${listed(names, 4)} out of the cluster, and nobody is here to type the name`
        : `${listed(names, 4)} was meant, and ${listed(yes, 4)} was said yes to`,
    why: 'what runs there moves, and its host is cleared; the name is asked for so that the wrong one never is',
    try: `landfall ${command} ${names.join(' ')} ${names.map((name) => `--yes ${name}`).join(' ')}`,
    exit: 2,
  });
}

/** A node that is about to leave. */
interface Departure {
  readonly loaded: Loaded;
  readonly site: Site;
  readonly wish: Wish;
  /** What the file in hand says, where it is to be judged by what was applied last. */
  readonly basis?: Cluster;
}

/**
 * Shows what it means for one node to leave, has its name typed, and does it. Gives what to end with; undefined when it has left.
 * @throws Problem or Problems (exit 5) when it cannot be done as things are.
 */
export async function leaving(
  context: Context,
  flags: LeavingFlags,
  command: string,
  { loaded, site, wish, basis }: Departure,
): Promise<ExitCode | undefined> {
  const plan = await foresee(context, flags, site, wish);
  const applied = basis === undefined ? undefined : othersOf(context, basis, plan);
  if (applied !== undefined) tellOthers(context, flags, applied, 'stderr');
  talk(context, flags, forecastText(plan));
  const [first, ...others] = refusals(plan);
  if (first !== undefined) throw others.length === 0 ? first : new Problems([first, ...others]);
  const { name } = wish.node;
  if (applied?.isUnknown === true && !flags.olderFile && flags.yes.includes(name))
    throw unaware(context, applied, `landfall ${command} ${name} --older-file --yes ${name}`);
  if (!flags.yes.includes(name) && (await ask(context, flags, 'Type the node’s name to go on: ')) !== name) {
    talk(context, flags, 'Nothing was changed.');
    return 2;
  }
  const lock = loaded.lock ?? undefined;
  const exit = await carryOut(context, flags, {
    command: `${command} ${name}`,
    loaded,
    ...(lock === undefined ? {} : { lock }),
    partial: true,
    ...(flags.patience === undefined ? {} : { patience: flags.patience }),
    run: (options) => leave({ ...options, site }, plan),
    farewell: (state) =>
      lookOf(context, context.process.stdout, flags).spell(
        `${name} has left ${loaded.cluster.name}: ${count(state.end?.made ?? 0, 'step')} in ${span(state.end?.ms ?? 0)}.\n`,
      ),
  });
  return exit === 0 ? undefined : exit;
}
