import type { Facts } from '../model/facts.ts';
import { Problem } from '../model/problem.ts';
import type { Seen } from '../model/surroundings.ts';
import { heard } from '../run/heard.ts';
import { Disconnected } from '../ssh/host.ts';
import { openSsh } from '../ssh/open-ssh.ts';
import { hopsTo, resolveWay, type Way } from '../ssh/resolve.ts';
import type { Target } from '../ssh/target.ts';
import { examineTrust, isHeardOf, type Trust } from '../ssh/trust.ts';
import { factsScript, parseFacts } from '../steps/facts.ts';
import { parseSurroundings, surroundingsScript } from '../steps/surroundings.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { lookOf } from './sight.ts';
import { during } from './talk.ts';
import { agreedTo, settle, trustText } from './trusting.ts';

/** What came of looking at a host for the first time. */
export type Met = {
  /** The key that was agreed to, for cluster.yaml; absent when this machine knew the host already. */
  readonly hostKey?: string;
} & (
  | { readonly is: 'read'; readonly facts: Facts; readonly around: readonly Seen[]; readonly way: Way }
  | { readonly is: 'unread'; readonly problem: Problem }
  /** Nobody was to ask it. */
  | { readonly is: 'unasked' }
);

/** The key to pin of those a host shows: the types ssh itself likes best. */
function pinnedOf({ shown }: Trust): string | undefined {
  const best = [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'ssh-rsa',
  ];
  return best.flatMap((type) => shown.filter((key) => key.type === type))[0]?.text;
}

function untrusted({ address }: Target, remedy: string): Problem {
  return new Problem({
    code: 'ssh/host-key-unknown',
    summary: `${address} is not known to this machine`,
    why: 'without its key known beforehand, anybody on the way could pose as it',
    try: remedy,
    exit: 4,
  });
}

/**
 * Sees to it that every host on the way is who it should be, as `hosts trust` does. Gives the key to pin of a target that was new;
 * jump hosts have no place in cluster.yaml and are written into known_hosts.
 * @param asks whether somebody can be asked; without anybody no host that is new is even called.
 */
async function introduce(
  context: Context,
  flags: CommonFlags,
  target: Target,
  asks: boolean,
): Promise<string | undefined> {
  const { stderr } = context.process;
  for (const hop of await hopsTo(target)) {
    if (!asks && !(await isHeardOf(hop)))
      throw untrusted(
        hop,
        'landfall init, where it can ask, shows its fingerprints; so does landfall hosts trust',
      );
    const trust = await during(context, flags, `asking ${hop.address} for its keys`, () => examineTrust(hop));
    if (trust.state === 'known') continue;
    if (!asks) throw trust.problem ?? untrusted(hop, 'landfall hosts trust');
    const look = lookOf(context, stderr, flags);
    stderr.write(look.spell(`\n${trustText(trust, look)}`));
    const agreed = trust.state === 'new' && (await agreedTo(context, flags, trust));
    const key = hop === target && agreed ? pinnedOf(trust) : undefined;
    if (key !== undefined) return key;
    if (!(await settle(context, flags, trust, agreed)))
      throw untrusted(hop, 'compare its fingerprints at its console, then name it again');
  }
  return undefined;
}

/** Reads a host in one trip: what it is, and which networks are around it. */
async function read(target: Target): Promise<{ readonly facts: Facts; readonly around: readonly Seen[] }> {
  const host = openSsh(target);
  try {
    const [said, around] = await Promise.all([
      heard(host, factsScript(), 'what it is'),
      heard(host, surroundingsScript(), 'which networks are around it'),
    ]);
    const facts = parseFacts(said);
    return { facts, around: parseSurroundings(around, facts) };
  } finally {
    await host.close();
  }
}

/** Meets a host that is no node yet: whether it is who it should be, what it is, what is around it. Nothing is changed there. */
export async function meet(
  context: Context,
  flags: CommonFlags,
  target: Target,
  asks: boolean,
): Promise<Met> {
  let pinned: { readonly hostKey?: string } = {};
  try {
    const hostKey = await introduce(context, flags, target, asks);
    pinned = hostKey === undefined ? {} : { hostKey };
    const known = { ...target, ...pinned };
    const [way, found] = await Promise.all([
      resolveWay(known),
      during(context, flags, `reading ${target.address}`, () => read(known)),
    ]);
    return { is: 'read', ...found, way, ...pinned };
  } catch (error) {
    return { is: 'unread', problem: asProblem(error), ...pinned };
  }
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof Disconnected)) throw error;
  return new Problem({ code: 'ssh/lost', summary: error.message, try: 'run it again', exit: 4 });
}
