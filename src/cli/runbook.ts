import { writeFile } from 'node:fs/promises';
import type { Loaded } from '../config/load.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import { layOut, type Work } from '../plan/work.ts';
import { type RunbookPhase, runbookText } from '../report/runbook.ts';
import { readFacts } from '../run/survey.ts';
import { PHASES } from '../steps/phases.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { supposedFacts, supposedLock } from './list.ts';
import { partsOfCluster } from './members.ts';
import { path } from './place.ts';
import { load } from './source.ts';
import { withSite } from './site.ts';
import { during, talk } from './talk.ts';

/** What runbook takes. */
export interface RunbookFlags {
  readonly out?: string;
  readonly offline: boolean;
}

/** All a runbook is made from. */
export interface RunbookGround {
  readonly cluster: Loaded['cluster'];
  readonly lock: Lock;
  readonly facts: Readonly<Record<string, Facts>>;
}

/** The runbook of a cluster whose hosts are known. */
export function runbookOf(ground: RunbookGround): string {
  const { cluster, lock } = ground;
  const phases = PHASES.flatMap((phase): readonly RunbookPhase[] => {
    const works: readonly Work[] = layOut([phase], ground, phase.when);
    return works.length === 0 ? [] : [{ phase, hosts: works.map(({ host, steps }) => ({ host, steps })) }];
  });
  return runbookText({
    cluster: cluster.name,
    parts: partsOfCluster(cluster, lock),
    nodes: cluster.nodes,
    phases,
  });
}

async function asked(context: Context, flags: CommonFlags): Promise<RunbookGround> {
  const loaded = await load(context, flags);
  return withSite(loaded, (site) =>
    during(context, flags, 'reading the hosts', async () => {
      const facts = await readFacts(site);
      const lock = site.resolve(loaded.cluster, facts, loaded.lock);
      return { cluster: loaded.cluster, lock, facts };
    }),
  );
}

async function supposed(context: Context, flags: CommonFlags): Promise<RunbookGround> {
  const { cluster, lock } = await load(context, flags);
  const facts = Object.fromEntries(cluster.nodes.map((node) => [node.name, supposedFacts(node)]));
  return { cluster, lock: lock ?? supposedLock(cluster), facts };
}

/** Prints how to do all of it by hand. */
export const runbook: Action<RunbookFlags> = async (context, flags) => {
  const ground = flags.offline ? await supposed(context, flags) : await asked(context, flags);
  const text = runbookOf(ground);
  if (flags.out === undefined) context.process.stdout.write(text);
  else {
    await writeFile(path(context, flags, flags.out), text);
    talk(context, flags, `Wrote ${flags.out}.`);
  }
  return 0;
};
