import { join } from 'node:path';
import { loadCluster } from '../src/config/load.ts';
import { layOut } from '../src/plan/work.ts';
import { compile } from '../src/shell/compile.ts';
import { factsScript, parseFacts } from '../src/steps/facts.ts';
import { PHASES } from '../src/steps/phases.ts';

/**
 * The two scripts a plan sends to each host of a cluster, by the host's name: facts and readings.
 * @param dir the folder of a cluster.yaml with its landfall.lock.
 * @param ask runs a script on a host and gives what it printed.
 */
export async function readingScripts(
  dir: string,
  ask: (host: string, script: string) => Promise<string>,
): Promise<Readonly<Record<string, readonly [facts: string, readings: string]>>> {
  const { cluster, lock } = loadCluster(join(dir, 'cluster.yaml'));
  if (lock === undefined) throw new Error(`${dir} holds no cluster that was created`);
  const hosts = cluster.nodes.map(({ name }) => name);
  const answers = hosts.map(async (host) => [host, parseFacts(await ask(host, factsScript()))] as const);
  const facts = Object.fromEntries(await Promise.all(answers));
  const works = layOut(PHASES, { cluster, lock, facts }, 'always');
  const readings = (host: string): string =>
    compile(
      works.filter((work) => work.host === host).flatMap((work) => work.steps),
      { mode: 'read', title: 'readings' },
    );
  return Object.fromEntries(hosts.map((host) => [host, [factsScript(), readings(host)]]));
}
