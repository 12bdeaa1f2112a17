import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { makeFolder } from '../../files/folder.ts';
import { startDetached } from '../detached.ts';
import { namespacePath, namesOf } from '../names.ts';
import { cacheDir, depotDir } from '../place.ts';
import { findProcesses, killAll, pidFrom } from '../processes.ts';
import { type Lab, subnet } from '../spec.ts';
import { authority, serverCertificate } from './authority.ts';
import { DEPOT_NAMES } from './names.ts';
import type { ServeConfig } from './serve.ts';
import { type Upstream, upstreamReachable } from './upstream.ts';

/** How a lab's depot gets what hosts ask for. */
export interface DepotSource {
  readonly folder: string;
  /** The folder is there and complete. */
  readonly filled: boolean;
  /** What the folder lacks is asked of upstream. */
  readonly passesThrough: boolean;
}

const files = (dir: string) => ({
  config: join(dir, 'depot.json'),
  pid: join(dir, 'depot.pid'),
  log: join(dir, 'depot.log'),
  faults: join(dir, 'faults.json'),
});

/** Looks where hosts' packages and images are to come from: a filled depot's folder, upstream, or both. */
export async function depotSource(limit = 3_000): Promise<DepotSource> {
  const folder = depotDir();
  return {
    folder,
    filled: existsSync(join(folder, 'depot.json')),
    passesThrough: await upstreamReachable(limit),
  };
}

/**
 * Starts the lab's depot, detached: it outlives this process. Does nothing when it runs as it would be started now; starts it
 * anew when anything has changed. Throws `lab/depot` with its last words when it does not come up.
 */
export async function startDepot(
  lab: Lab,
  source: DepotSource,
  names: readonly string[],
  upstream: Upstream = {},
): Promise<void> {
  const { config, pid, log, faults } = files(lab.dir);
  const address = subnet(lab.network).depot;
  const credential = await serverCertificate(
    join(lab.dir, 'tls'),
    await authority(),
    [...new Set([...DEPOT_NAMES, ...names])],
    [address],
  );
  const wanted: ServeConfig = {
    folder: source.folder,
    ...(source.passesThrough ? { upstream: { cache: join(cacheDir(), 'upstream'), ...upstream } } : {}),
    faults,
    pidFile: pid,
    namespace: namespacePath(namesOf(lab.name).depot),
    address,
    certificate: credential.certificate,
    key: credential.key,
    names: Object.fromEntries([
      ...[...DEPOT_NAMES, ...names].map((name) => [name, address]),
      ...lab.hosts.map((host) => [host.name, host.address]),
    ]),
  };
  const text = `${JSON.stringify(wanted, null, 2)}\n`;
  const running = await depotPid(lab);
  if (running !== undefined && (await readFile(config, 'utf8').catch(() => '')) === text) return;
  await stopDepot(lab);
  makeFolder(lab.dir);
  await writeFile(config, text);
  await startDetached({
    command: [execPath, ...entry(), config],
    log,
    isUp: async () => (await depotPid(lab)) !== undefined,
    limit: 20_000,
    failure: { code: 'lab/depot', summary: 'the depot does not come up' },
  });
}

/** This program's own way to run `serve`: compiled, or as TypeScript through tsx. */
function entry(): readonly string[] {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return [fileURLToPath(new URL('./serve.js', here))];
  const tsx = pathToFileURL(createRequire(here).resolve('tsx')).href;
  return ['--import', tsx, fileURLToPath(new URL('./serve.ts', here))];
}

/** The process id of a lab's depot, when it runs. */
export function depotPid(lab: Pick<Lab, 'dir'>): Promise<number | undefined> {
  const { config, pid } = files(lab.dir);
  return pidFrom(pid, config);
}

/** Ends a lab's depot; none running is no error. */
export async function stopDepot(lab: Pick<Lab, 'dir'>): Promise<void> {
  const { config, pid } = files(lab.dir);
  await killAll(() => findProcesses({ commandHas: [config], namespaces: [] }));
  await rm(pid, { force: true });
}
