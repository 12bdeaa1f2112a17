import { join } from 'node:path';
import { loadCluster } from '../src/config/load.ts';
import { layOut } from '../src/plan/work.ts';
import { compile } from '../src/shell/compile.ts';
import { factsScript, parseFacts } from '../src/steps/facts.ts';
import { PHASES } from '../src/steps/phases.ts';

/**
 * The two scripts a plan sends to the host of a one-node cluster: facts and readings.
 * @param dir the folder of a cluster.yaml with its landfall.lock.
 * @param ask runs a script on the host and gives what it printed.
 */
export async function readingScripts(
  dir: string,
  ask: (script: string) => Promise<string>,
): Promise<readonly string[]> {
  const { cluster, lock } = loadCluster(join(dir, 'cluster.yaml'));
  const node = cluster.nodes[0];
  if (lock === undefined || node === undefined) throw new Error(`${dir} holds no cluster that was created`);
  const facts = { [node.name]: parseFacts(await ask(factsScript())) };
  const works = layOut(PHASES, { cluster, lock, facts }, 'always');
  const readings = compile(
    works.flatMap((w) => w.steps),
    { mode: 'read', title: 'readings' },
  );
  return [factsScript(), readings];
}
