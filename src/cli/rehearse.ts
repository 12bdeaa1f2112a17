import { type Cluster, controlPlanes } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
import { compare, settle } from '../plan/compare.ts';
import { layOut } from '../plan/work.ts';
import { compile, RECORD } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import { PHASES } from '../steps/phases.ts';
import { supposedFacts } from './list.ts';

/** What a host might answer whose first step differs and whose second is right. */
const ANSWER = `${RECORD}1 differs ${btoa('?')} ${btoa('?')}\n${RECORD}2 right\n`;

/**
 * Makes a plan of the first host as one supposes it, without asking it, and throws it away. V8 compiles a function when it is first
 * used: done while the hosts are being connected to, nobody waits for that when their facts have come.
 */
export function rehearse(cluster: Cluster, lock: Lock): void {
  const node = controlPlanes(cluster)[0];
  if (node === undefined) return;
  const facts = supposedFacts(node);
  const works = layOut(PHASES, { cluster, lock, facts: { [node.name]: facts } }, 'always');
  compile(
    works.flatMap(({ steps }) => steps),
    { mode: 'read', title: '' },
  );
  settle([compare(works, parseRecords(ANSWER))]);
}
