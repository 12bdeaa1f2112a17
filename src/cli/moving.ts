import { type Cluster, endpointOf } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import type { Move } from '../plan/move.ts';
import { ask, isAnswerable } from './ask.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { talk } from './talk.ts';

/** How it is told that another endpoint is meant. */
export interface MoveFlags {
  /** The new endpoint, as a promise. */
  readonly moveEndpoint?: string;
}

type Flags = MoveFlags & CommonFlags;

/** What a move means for people, for the end of a plan. */
export function moveText({ from, to }: Move): string {
  return `This moves the endpoint of the cluster from ${from} to ${to}. Every kubeconfig in anybody’s hands names the old one: it goes on working for as long as that leads to the cluster and its name is in the certificates, and must be fetched anew.`;
}

/** The command that says that it is meant. */
const meant = (to: string): string => `landfall apply --move-endpoint ${to} --yes`;

/**
 * Before any host is asked: whether the promise could be meant.
 * @throws Problem `endpoint/name` (exit 2) when it names another endpoint than cluster.yaml.
 */
export function checkPromise({ moveEndpoint: promised }: MoveFlags, cluster: Cluster): void {
  const to = endpointOf(cluster);
  if (promised === undefined || promised === to) return;
  throw new Problem({
    code: 'endpoint/name',
    summary: `the endpoint in cluster.yaml is ${to}, not ${promised}`,
    why: 'it is asked for so that a cluster is never moved to a name that was not meant',
    try: `look at -C and -f, and at endpoint: in cluster.yaml; or: ${meant(to)}`,
    exit: 2,
  });
}

/** The refusal to move what nobody has agreed to move. */
export function unmoved({ from, to }: Move, isYes = false): Problem {
  return new Problem({
    code: 'endpoint/unsure',
    summary: `this moves the endpoint from ${from} to ${to}, and nobody is here to type it`,
    why: isYes
      ? '--yes alone is not enough: every kubeconfig in anybody’s hands names the old one'
      : 'every kubeconfig in anybody’s hands names the old one',
    try: meant(to),
    exit: 2,
  });
}

/**
 * Whether the move is really meant: the new endpoint was promised, or has been typed.
 * @throws Problem `endpoint/unsure` (exit 2) when it was not, and nobody is there to type it.
 */
export async function isMoveMeant(
  context: Context,
  flags: Flags & { readonly yes: boolean },
  move: Move,
): Promise<boolean> {
  if (flags.moveEndpoint === move.to) return true;
  if (!isAnswerable(context, flags)) throw unmoved(move, flags.yes);
  talk(context, { ...flags, quiet: false }, moveText(move));
  return (await ask(context, flags, 'Type the new endpoint to go on: ')) === move.to;
}
