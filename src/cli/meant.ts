import { Problem } from '../model/problem.ts';
import { ask, confirm, isAnswerable } from './ask.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';

/** How a command that puts a whole cluster at risk is told that it is meant. */
export interface MeantFlags {
  /** The cluster's name, as a promise. */
  readonly cluster?: string;
  readonly yes: boolean;
}

/** What a command asks before it does so. */
export interface Meaning {
  readonly command: string;
  /** What it would do, where nobody is there to type the name. */
  readonly unsure: string;
  /** What is at stake. */
  readonly why: string;
  /** Why the name is asked for. */
  readonly wrong: string;
  readonly question: (cluster: string) => string;
}

type Flags = MeantFlags & CommonFlags;

/** Of the one that takes the cluster away. */
export const RESET: Meaning = {
  command: 'reset',
  unsure: 'reset destroys the cluster, and nobody is here to type its name',
  why: 'all data in the cluster would be lost',
  wrong: 'the name is asked for so that the wrong cluster is never taken away',
  question: (cluster) => `Take ${cluster} away, with all its data?`,
};

/** Of the one that begins etcd anew. */
export const RECOVER: Meaning = {
  command: 'recover',
  unsure: 'recover throws away what all control planes but one have, and nobody is here to type the name',
  why: 'what only the others had agreed on would be lost',
  wrong: 'the name is asked for so that the wrong cluster is never begun anew',
  question: (cluster) => `Begin etcd of ${cluster} anew out of this?`,
};

/**
 * Before any host is asked: whether it could be meant at all.
 * @throws Problem (exit 2) when another name was given, or nobody is there to type one.
 */
export function checkMeant(context: Context, flags: Flags, cluster: string, meaning: Meaning): void {
  const { cluster: promised, yes } = flags;
  const { command, unsure, why, wrong } = meaning;
  if (promised !== undefined && promised !== cluster) {
    throw new Problem({
      code: `${command}/name`,
      summary: `this is the cluster ${cluster}, not ${promised}`,
      why: wrong,
      try: 'look at -C and -f, and at the name',
      exit: 2,
    });
  }
  if ((promised !== undefined && yes) || isAnswerable(context, flags)) return;
  throw new Problem({
    code: `${command}/unsure`,
    summary: unsure,
    why: yes ? '--yes alone is not enough' : why,
    try: `landfall ${command} --cluster ${cluster} --yes`,
    exit: 2,
  });
}

/**
 * Whether it is really meant: the cluster's name has been typed, here or as a flag, and a yes beside the flag.
 * @throws Problem (exit 2) when another name was given, or nobody is there to type one.
 */
export async function isMeant(
  context: Context,
  flags: Flags,
  cluster: string,
  meaning: Meaning,
): Promise<boolean> {
  checkMeant(context, flags, cluster, meaning);
  const { cluster: promised, yes } = flags;
  if (promised === undefined)
    return (await ask(context, flags, 'Type the cluster’s name to go on: ')) === cluster;
  const otherwise = `landfall ${meaning.command} --cluster ${cluster} --yes`;
  return yes || confirm(context, flags, meaning.question(cluster), otherwise);
}
