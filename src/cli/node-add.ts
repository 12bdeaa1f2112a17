import { type NewNode, withNode } from '../config/edit-nodes.ts';
import { Problem } from '../model/problem.ts';
import type { Role } from '../model/cluster.ts';
import { needSomebody } from './ask.ts';
import type { Action } from './command.ts';
import { edited, writeEdited } from './node-file.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';

/** What node add takes. */
export interface NodeAddFlags {
  readonly address: string;
  readonly role: Role;
  readonly internalAddress?: string;
  readonly label: readonly string[];
  readonly taint: readonly string[];
  readonly yes: boolean;
  readonly olderFile: boolean;
  readonly patience?: number;
}

/** Puts a node into cluster.yaml and makes the hosts what it says then. */
export const nodeAdd: Action<NodeAddFlags> = async (context, flags, [name = '']) => {
  const loaded = await load(context, flags);
  if (loaded.cluster.nodes.some((node) => node.name === name)) {
    throw new Problem({
      code: 'node/known',
      summary: `there is a node called ${name} already`,
      try: 'landfall apply has it join, if it has not; landfall node replace puts another host in its place',
      exit: 2,
    });
  }
  if (!flags.yes) needSomebody(context, flags, `the same command with --yes`);
  const { address, role, internalAddress, label, taint } = flags;
  const labels = Object.fromEntries(
    label.map((one) => [one.split('=')[0] ?? '', one.includes('=') ? one.slice(one.indexOf('=') + 1) : '']),
  );
  const node: NewNode = {
    name,
    role,
    address,
    labels,
    taints: taint,
    ...(internalAddress === undefined ? {} : { internalAddress }),
  };
  const byHand = `write ${name} under nodes: by hand, then landfall apply`;
  const next = edited(loaded, (text) => withNode(text, node), byHand);
  if (!(await writeEdited(context, flags, loaded, next, byHand))) return 1;
  return withSite(next.loaded, async (site) => {
    const { applying } = await import('./applying.ts');
    const asked = { ...flags, only: [], node: [], prove: false, noProof: false };
    return applying(context, asked, {
      loaded: next.loaded,
      site,
      wish: { choice: {} },
      basis: loaded.cluster,
    });
  });
};
