import { existsSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type OnLabEvent, reported } from './event.ts';
import { attempt } from './exec.ts';
import { hostDir, loopPid } from './host.ts';
import { readMachine } from './machine.ts';
import { namesOf } from './names.ts';
import { labNamespaces, networkDown } from './network.ts';
import { labDir } from './place.ts';
import { findProcesses, killAll, until } from './processes.ts';
import type { LabHost } from './spec.ts';

/**
 * Recognises what a killed lab left: hosts that run though nobody watches over them, and namespaces of a lab that has no
 * file. Ends and removes exactly that; a lab that is up and well is not touched.
 */
export async function sweepStrays(name: string, hosts: readonly LabHost[], on: OnLabEvent): Promise<void> {
  const names = namesOf(name);
  const dir = labDir(name);
  if (hosts.length === 0) {
    if ((await labNamespaces(name)).length > 0)
      await reported(on, 'sweep', `clearing away a lab ${name} that was killed`, () => sweepAll(name, hosts));
    return;
  }
  for (const host of hosts) {
    if ((await loopPid({ dir }, host.name)) !== undefined) continue;
    const find = () =>
      findProcesses({
        commandHas: [hostDir({ dir }, host.name)],
        namespaces: [names.host(host.name)],
        cgroup: `${names.cgroup}/${host.name}`,
      });
    if ((await find()).length === 0) continue;
    await reported(on, 'sweep', `${host.name} was left behind by a lab that was killed: ending it`, () =>
      killAll(find),
    );
  }
}

/** Ends every process of the lab and removes its namespaces and cgroups, whatever state it is in. Gives how many processes were ended. */
export async function sweepAll(name: string, hosts: readonly LabHost[]): Promise<number> {
  const names = namesOf(name);
  const dir = labDir(name);
  const loops = hosts.map((host) => hostDir({ dir }, host.name));
  const namespaces = await labNamespaces(name);
  // The loops first: one that saw its host end would boot it again. The depot and the forwarder are known by their files
  // alone: they are in the machine's own network.
  const files = ['host.sh', 'depot.json', 'forward.json', 'relay.pl'].map((name) => join(dir, name));
  const watchers = () => findProcesses({ commandHas: [...loops, ...files], namespaces: [] });
  let ended = await killAll(watchers);
  ended += await killAll(() => findProcesses({ commandHas: loops, namespaces, cgroup: names.cgroup }));
  await networkDown(name);
  await cgroupsDown(names.cgroup);
  const named = namespaces.map((one) => one.slice(names.host('').length));
  for (const host of new Set([...hosts.map((one) => one.name), ...named]))
    await rmdir(join('/run/systemd/nspawn/propagate', names.machine(host))).catch(() => undefined);
  return ended;
}

/**
 * Removes a cgroup and those below it from every hierarchy; `landfall` itself when no other lab is below it. A process
 * that has ended stays in its cgroup until it has been waited for, so this may take a moment.
 */
async function cgroupsDown(path: string): Promise<void> {
  const tops = new Set([...readMachine().controllers.map(({ mount }) => mount), '/sys/fs/cgroup']);
  for (const top of tops) {
    const dir = join(top, path);
    await until(async () => {
      if (!existsSync(dir)) return true;
      await attempt(['find', dir, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']);
      return existsSync(dir) ? undefined : true;
    }, 10_000);
    const above = join(top, 'landfall');
    const others = (await readdir(above, { withFileTypes: true }).catch(() => [])).some((one) =>
      one.isDirectory(),
    );
    if (!others) await rmdir(above).catch(() => undefined);
  }
}
