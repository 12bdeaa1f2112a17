import { withoutNode } from '../config/edit-nodes.ts';
import type { Loaded } from '../config/load.ts';
import type { Node } from '../model/cluster.ts';
import type { ExitCode } from '../model/problem.ts';
import { listed } from '../report/words.ts';
import { choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import { checkMeant, leaving } from './leaving.ts';
import { edited, writeEdited } from './node-file.ts';
import { DRAIN_LIMIT, type LeaveFlags } from './node-flags.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { talk } from './talk.ts';

/** The nodes of these names. @throws Problem `node/unknown` (exit 2) for one that is not there. */
export async function nodesOf(loaded: Loaded, names: readonly string[]): Promise<readonly Node[]> {
  await choiceOf({ only: [], node: names }, loaded.cluster);
  return loaded.cluster.nodes.filter(({ name }) => names.includes(name));
}

/** Takes nodes out of the cluster one after another, and out of cluster.yaml. */
export const nodeRemove: Action<LeaveFlags> = async (context, flags, names) => {
  const loaded = await load(context, flags);
  const nodes = await nodesOf(loaded, names);
  checkMeant(context, flags, names, 'node remove');
  const byHand = `take ${listed(names, 6)} out of nodes: by hand`;
  const without = (text: string, gone: readonly Node[]): string | undefined =>
    gone.reduce<string | undefined>((now, { name }) => now && withoutNode(now, name), text);
  // What the file says in the end must be right: an even number of control planes is refused here, with its reason.
  const next = edited(loaded, (text) => without(text, nodes), byHand);
  const exit = await withSite(loaded, async (site): Promise<ExitCode | undefined> => {
    for (const [i, node] of nodes.entries()) {
      const gone = nodes.slice(0, i + 1);
      const cluster = {
        ...loaded.cluster,
        nodes: loaded.cluster.nodes.filter((one) => !nodes.slice(0, i).includes(one)),
      };
      const rest = { ...cluster, nodes: cluster.nodes.filter((one) => !gone.includes(one)) };
      const record = gone.length === nodes.length ? next.loaded.cluster : rest;
      const wish = { node, rest, record, despite: flags.despite, limit: flags.drainLimit ?? DRAIN_LIMIT };
      const ended = await leaving(context, flags, 'node remove', {
        loaded,
        site: { ...site, cluster },
        wish,
        ...(i === 0 ? { basis: loaded.cluster } : {}),
      });
      if (ended !== undefined) return ended;
    }
    return undefined;
  });
  if (exit !== undefined) return exit;
  if (await writeEdited(context, flags, loaded, next, byHand))
    talk(
      context,
      flags,
      `${listed(names, 6)} is out of ${loaded.file}. What follows for the others: landfall plan`,
    );
  return 0;
};
