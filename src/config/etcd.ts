import type { Problem } from '../model/problem.ts';
import { type Draft, valueAt } from './draft.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const HEARTBEAT: Path = ['etcd', 'heartbeat'];
const ELECTION: Path = ['etcd', 'election'];

/** Checks that etcd would start with its two times: it refuses to wait for less than five signs of life. */
export function checkEtcd(draft: Draft): readonly Problem[] {
  const heartbeat = valueAt(draft, HEARTBEAT) ?? 100;
  const election = valueAt(draft, ELECTION) ?? 1000;
  if (typeof heartbeat !== 'number' || typeof election !== 'number' || election >= 5 * heartbeat) return [];
  const written = valueAt(draft, ELECTION) === undefined ? HEARTBEAT : ELECTION;
  return [
    valueProblem(draft.page, written, {
      code: 'etcd/election',
      summary: `etcd would elect another leader after ${election} ms, with a sign of life every ${heartbeat} ms`,
      why: 'etcd does not start when it is to wait for less than five of them: one lost packet would be taken for a death',
      try: `election: ${10 * heartbeat}`,
    }),
  ];
}
