import { withAddress } from '../config/edit-nodes.ts';
import type { Loaded } from '../config/load.ts';
import type { ExitCode } from '../model/problem.ts';
import { meetAny } from '../run/survey.ts';
import type { Action } from './command.ts';
import { checkMeant, leaving } from './leaving.ts';
import { edited, writeEdited } from './node-file.ts';
import { DRAIN_LIMIT, type LeaveFlags } from './node-flags.ts';
import { nodesOf } from './node-remove.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { during } from './talk.ts';

/** What node replace takes. */
export interface NodeReplaceFlags extends LeaveFlags {
  readonly address?: string;
}

/** @throws the problem that keeps us from the new host: without it nothing is begun. */
async function checkAnswers(loaded: Loaded, name: string): Promise<void> {
  const { nodes } = loaded.cluster;
  const own = { ...loaded, cluster: { ...loaded.cluster, nodes: nodes.filter((one) => one.name === name) } };
  const { away } = await withSite(own, (site) => meetAny(site));
  if (away[0] !== undefined) throw away[0];
}

/** Has the old host leave, dead or alive, and the new one join under its name. */
export const nodeReplace: Action<NodeReplaceFlags> = async (context, flags, names) => {
  const old = await load(context, flags);
  const [node] = await nodesOf(old, names);
  if (node === undefined) throw new Error('a node was named and is not there');
  const { name } = node;
  checkMeant(context, flags, [name], 'node replace');
  const { address } = flags;
  const byHand = `write address: ${address ?? node.address} for ${name} by hand, then landfall apply`;
  const isMoved = address !== undefined && address !== node.address;
  const next = isMoved ? edited(old, (text) => withAddress(text, name, address), byHand) : undefined;
  const loaded = next?.loaded ?? old;
  await during(context, flags, `looking for the new ${name}`, () => checkAnswers(loaded, name));
  const rest = { ...old.cluster, nodes: old.cluster.nodes.filter((one) => one !== node) };
  const wish = { node, rest, despite: flags.despite, limit: flags.drainLimit ?? DRAIN_LIMIT };
  const exit = await withSite(old, (site) =>
    leaving(context, flags, 'node replace', { loaded: old, site, wish, basis: old.cluster }),
  );
  if (exit !== undefined) return exit;
  if (next !== undefined && !(await writeEdited(context, flags, old, next, byHand))) return 1;
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const { applying } = await import('./applying.ts');
    // What was to be said of an older file was said before the old host left.
    const asked = { ...flags, yes: true, olderFile: true, only: [], node: [], prove: false, noProof: false };
    return applying(context, asked, { loaded, site, wish: { choice: {} }, basis: old.cluster });
  });
};
