import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import { makeFolder } from '../files/folder.ts';
import { Problem } from '../model/problem.ts';
import { operatorKey, writeAccess } from './access.ts';
import { readNetworkFaults, setNetworkFaults } from './cut.ts';
import { authority } from './depot/authority.ts';
import { type DepotSource, depotSource, startDepot } from './depot/daemon.ts';
import { folderNames, hostsFile } from './depot/names.ts';
import { type OnLabEvent, reported } from './event.ts';
import { startForwarder } from './forward.ts';
import { awaitLogin, makeHost, startHost } from './host.ts';
import { depotKey, goldenDisk } from './image.ts';
import { type HostKind, kindText } from './kind.ts';
import { type LabFile, labNames, labOf, readLabFile, writeLabFile } from './lab.ts';
import { locked } from './lock.ts';
import { ensureTools, type Machine, readMachine, requireRoot } from './machine.ts';
import { networkUp } from './network.ts';
import { depotDir, labDir, RUN_DIR } from './place.ts';
import { claimedLabs, claimMachine } from './settings.ts';
import { checkName, DEFAULT_LAB, type Lab, type LabSpec, placeHosts, subnet } from './spec.ts';
import { sweepStrays } from './sweep.ts';

/** Size of a host's disk in GiB when none is given. The file is sparse. */
const DISK_GIB = 16;

/**
 * Brings a lab up: makes what is missing of it, starts what stands still, leaves alone what runs. A lab that exists keeps
 * its hosts; those asked for are added. Gives the lab once every host asked for has been logged in to.
 * Throws `lab/root`, `lab/tools`, `lab/busy`, `lab/elsewhere`, `lab/forward`, `lab/boot` and whatever building an image may throw.
 */
export async function labUp(spec: LabSpec, on: OnLabEvent): Promise<Lab> {
  const machine = readMachine();
  requireRoot(machine);
  await ensureTools(false);
  const name = checkName('lab', spec.name ?? DEFAULT_LAB);
  return locked(join(RUN_DIR, `${name}.lock`), `landfall lab up ${name}`, () =>
    bringUp(name, spec, machine, on),
  );
}

async function bringUp(name: string, spec: LabSpec, machine: Machine, on: OnLabEvent): Promise<Lab> {
  const elsewhere = (await claimedLabs()).get(name);
  if (elsewhere !== undefined && elsewhere !== labDir(name) && existsSync(elsewhere))
    throw new Problem({
      code: 'lab/elsewhere',
      summary: `a lab called ${name} is already up, with its folder in ${elsewhere}`,
      why: 'names of network namespaces are the whole machine’s',
      try: 'give this one another name',
      exit: 5,
    });
  const before = await readLabFile(name);
  await sweepStrays(name, before?.hosts ?? [], on);
  const network = before?.network ?? spec.network ?? (await freeNetwork());
  const named = spec.hosts ?? (before?.hosts ?? [{ name: 'cp-0' }]).map(({ name }) => ({ name }));
  const asked = named.map((host) => ({ ...spec.kind, ...host }));
  const placed = placeHosts(asked, network, before?.hosts);
  const kept = (before?.hosts ?? []).filter((host) => !placed.some((one) => one.name === host.name));
  const file: LabFile = {
    format: 1,
    name,
    network,
    diskGiB: before?.diskGiB ?? spec.diskGiB ?? DISK_GIB,
    names: spec.names ?? before?.names ?? [],
    hosts: [...kept, ...placed],
  };
  const lab = labOf(file);
  makeFolder(lab.dir, 0o700);
  writeLabFile(file);
  await claimMachine(name, lab.dir);

  const source = await depotSource();
  const led = [...new Set([...file.names, ...(await folderNames(source.folder))])].sort();
  const { disk } = spec;
  const golden = disk === undefined ? await goldenDisks(file, machine, on) : () => disk;
  await networkUp(name, network);
  await reported(on, 'depot', depotText(source), () => startDepot(lab, source, led));
  await setNetworkFaults(lab, await readNetworkFaults(lab));
  const key = await operatorKey(name, lab.dir);
  const depot = subnet(network).depot;
  for (const host of file.hosts)
    await makeHost(lab, host, golden(host), hostsFile(host, file.hosts, depot, led), key);
  await writeAccess(name, lab.dir, file.hosts);
  await startForwarder(lab);
  // More at once take longer each: a booting host keeps a core busy for about a second.
  await pMap(
    placed,
    (host) =>
      reported(on, `host/${host.name}`, `${host.name} (${host.address}) boots`, async () => {
        await startHost(lab, host);
        await awaitLogin(lab, host);
      }),
    { concurrency: Math.max(2, machine.cpus) },
  );
  return lab;
}

function depotText({ folder, filled, passesThrough }: DepotSource): string {
  if (filled)
    return `the depot serves ${folder}${passesThrough ? ', and passes on to upstream what is not in it' : ''}`;
  if (passesThrough) return 'the depot passes everything on to upstream';
  return 'the depot is empty and upstream cannot be reached: hosts boot, but can install nothing';
}

async function goldenDisks(
  file: LabFile,
  machine: Machine,
  on: OnLabEvent,
): Promise<(host: HostKind) => string> {
  const ca = await readFile((await authority()).certificate, 'utf8');
  const key = await depotKey(depotDir());
  const disks = new Map<string, string>();
  for (const host of file.hosts) {
    if (disks.has(kindText(host))) continue;
    const inputs = { machine, kind: host, diskGiB: file.diskGiB, authority: ca };
    disks.set(
      kindText(host),
      await goldenDisk(key === undefined ? inputs : { ...inputs, depotKey: key }, on),
    );
  }
  return (host) => disks.get(kindText(host)) ?? '';
}

/** The lowest network number no lab of this machine uses. */
async function freeNetwork(): Promise<number> {
  const used = new Set<number>();
  for (const name of await labNames()) used.add((await readLabFile(name))?.network ?? -1);
  for (const dir of (await claimedLabs()).values()) {
    const text = await readFile(join(dir, 'lab.json'), 'utf8').catch(() => '{}');
    used.add((JSON.parse(text) as Partial<LabFile>).network ?? -1);
  }
  let network = 0;
  while (used.has(network)) network += 1;
  return network;
}
