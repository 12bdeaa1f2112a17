import type { Facts } from '../model/facts.ts';
import { layOut, type Work } from '../plan/work.ts';
import type { Phase } from '../steps/phase.ts';
import { begin, carryPhases, end, type Outcome, told } from './progress.ts';
import { readFacts } from './survey.ts';
import { followAll, type RunOptions, takeAll } from './take.ts';

/** The one phase of a reset: every undo of a host, last made first. */
function backwards(phases: readonly Phase[], works: readonly Work[]): readonly Work[] {
  const phase: Phase = {
    id: 'reset',
    title: 'Take everything back',
    why: 'Each step’s undo, in reverse order, leaves the host as it was before the first of them was made.',
    stage: 'nodes',
    on: (cluster) => cluster.nodes,
    when: 'always',
    steps: () => [],
  };
  const hosts = [...new Set(works.map((w) => w.host))];
  return hosts.map((host) => ({
    phase,
    host,
    steps: works
      .filter((w) => w.host === host && phases.includes(w.phase))
      .flatMap((w) => w.steps)
      .filter((s) => s.undo !== undefined)
      .toReversed(),
  }));
}

/**
 * The work of a reset, for showing before it is done.
 * @throws Problem or Problems when a host cannot be asked for its facts.
 */
export async function planReset(options: Pick<RunOptions, 'site'>): Promise<readonly Work[]> {
  const { site } = options;
  const facts = await readFacts(site);
  const first = site.cluster.nodes[0];
  const lock = site.resolve(site.cluster, facts[first?.name ?? ''] as Facts, site.lock);
  return backwards(site.phases, layOut(site.phases, { cluster: site.cluster, lock, facts }, 'always'));
}

/**
 * Takes a cluster back from its hosts: the undos of all steps in reverse order. A piece that fails does not keep the others
 * from being taken back; it is in the outcome.
 * @throws Problem `run/held` (exit 5) before anything is begun.
 */
export async function reset(options: RunOptions, works: readonly Work[]): Promise<Outcome> {
  const holds = await takeAll(options);
  try {
    await followAll(holds, options);
    const running = begin(options, works, holds);
    await told(running, () => carryPhases(running, [works], 'undo'));
    return end(running);
  } finally {
    await Promise.all(holds.map((h) => h.release()));
  }
}
