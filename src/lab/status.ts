import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readDepotFaults } from './break.ts';
import { depotIsRefusing, linkIsDown, readNetworkFaults } from './cut.ts';
import { depotPid } from './depot/daemon.ts';
import { diskIsFull } from './disk.ts';
import { type Forwarding, forwarding } from './forward.ts';
import { bootCount, hostDir, initPid, loopPid } from './host.ts';
import { requireLab } from './lab.ts';
import { readMachine } from './machine.ts';
import { namespacePath, namesOf } from './names.ts';
import type { Lab, LabHost } from './spec.ts';

/** What a lab is like right now. */
export interface LabStatus {
  readonly lab: Lab;
  /** `up`: its network, its depot, its forwarding and all its hosts are; `down`: none of them; else `partly`. */
  readonly state: 'up' | 'partly' | 'down';
  readonly hosts: readonly LabHostStatus[];
  readonly depot: { readonly up: boolean; readonly folder?: string; readonly passesThrough: boolean };
  readonly forwarding: Forwarding;
  /** The faults in force, as `landfall lab break` takes them. */
  readonly faults: readonly string[];
}

/** What one host is like right now. */
export interface LabHostStatus extends LabHost {
  readonly state: 'up' | 'down';
  /** How often it has booted since it was last started. */
  readonly boots: number;
  /** Bytes of memory its processes and their file cache take; absent where that cannot be told. */
  readonly memory?: number;
  /** Bytes its disk takes on this machine's disk. */
  readonly disk: number;
  /** The process id, on this machine, of its first process. */
  readonly init?: number;
}

/** Looks at a lab; changes nothing. Throws `lab/none`. */
export async function labStatus(name: string): Promise<LabStatus> {
  const lab = await requireLab(name);
  const hosts = await Promise.all(lab.hosts.map((host) => hostStatus(lab, host)));
  const network = existsSync(namespacePath(namesOf(name).bridge));
  const depot = await depotStatus(lab);
  const forwards = await forwarding(lab);
  const parts = [network, depot.up, forwards.up, ...hosts.map((host) => host.state === 'up')];
  return {
    lab,
    state: parts.every(Boolean) ? 'up' : parts.some(Boolean) ? 'partly' : 'down',
    hosts,
    depot,
    forwarding: forwards,
    faults: await faultsInForce(lab, hosts),
  };
}

async function hostStatus(lab: Lab, host: LabHost): Promise<LabHostStatus> {
  const loop = await loopPid(lab, host.name);
  const init = await initPid(lab, host.name);
  const disk = await stat(join(hostDir(lab, host.name), 'disk.img')).catch(() => undefined);
  const memory = loop === undefined ? undefined : await memoryOf(`${namesOf(lab.name).cgroup}/${host.name}`);
  return {
    ...host,
    state: loop === undefined ? 'down' : 'up',
    boots: loop === undefined ? 0 : await bootCount(lab, host.name),
    ...(memory === undefined ? {} : { memory }),
    disk: (disk?.blocks ?? 0) * 512,
    ...(init === undefined ? {} : { init }),
  };
}

async function memoryOf(cgroup: string): Promise<number | undefined> {
  const v1 = readMachine().controllers.find(({ name }) => name === 'memory')?.mount;
  const file =
    v1 === undefined ? `/sys/fs/cgroup/${cgroup}/memory.current` : `${v1}/${cgroup}/memory.usage_in_bytes`;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

async function depotStatus(lab: Lab): Promise<LabStatus['depot']> {
  const text = await readFile(join(lab.dir, 'depot.json'), 'utf8').catch(() => '{}');
  const config = JSON.parse(text) as { folder?: string; upstream?: object };
  const up = (await depotPid(lab)) !== undefined;
  return {
    up,
    ...(config.folder !== undefined && existsSync(config.folder) ? { folder: config.folder } : {}),
    passesThrough: config.upstream !== undefined,
  };
}

async function faultsInForce(lab: Lab, hosts: readonly LabHostStatus[]): Promise<readonly string[]> {
  const network = await readNetworkFaults(lab);
  const depot = await readDepotFaults(lab);
  const full = await Promise.all(
    hosts.map(async ({ name }) => ((await diskIsFull(lab, name)) ? [name] : [])),
  );
  return [
    ...hosts.filter(({ name }) => linkIsDown(lab, name)).map(({ name }) => `link-down ${name}`),
    ...network.partitions.map(([a, b]) => `partition ${a} ${b}`),
    ...Object.entries(network.loss).map(([host, percent]) => `loss ${host} ${percent}`),
    ...full.flat().map((name) => `disk-full ${name}`),
    ...((await depotIsRefusing(lab)) ? ['depot-down'] : []),
    ...Object.entries(depot).flatMap(([kind, patterns]) =>
      patterns.map((one: string) => `depot-${kind} ${one}`),
    ),
  ];
}
