import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../model/problem.ts';
import { type OnLabEvent, reported } from './event.ts';
import { attempt } from './exec.ts';
import { labNames, readLabFile } from './lab.ts';
import { locked } from './lock.ts';
import { readMachine, requireRoot } from './machine.ts';
import { labNamespaces } from './network.ts';
import { labDir, RUN_DIR } from './place.ts';
import { until } from './processes.ts';
import { claimedLabs, releaseMachine } from './settings.ts';
import { checkName } from './spec.ts';
import { sweepAll } from './sweep.ts';

/**
 * Takes a lab down, in whatever state it is: ends its processes, removes its namespaces and cgroups, waits until no loop
 * device holds its disks, restores the machine's settings when it was the last, and deletes its folder (with `keep`: leaves the
 * folder, so that `lab up` starts the same hosts again). Throws `lab/none` when there is nothing of that name.
 */
export async function labDown(name: string, on: OnLabEvent, keep = false): Promise<void> {
  requireRoot(readMachine());
  checkName('lab', name);
  await locked(join(RUN_DIR, `${name}.lock`), `landfall lab down ${name}`, async () => {
    const dir = labDir(name);
    if (!existsSync(dir) && !(await claimedLabs()).has(name) && (await labNamespaces(name)).length === 0) {
      const others = await labNames();
      throw new Problem({
        code: 'lab/none',
        summary: `there is no lab called ${name}`,
        ...(others.length > 0 ? { try: `one of: ${others.join(', ')}` } : {}),
        exit: 2,
      });
    }
    // A file that cannot be read must not keep its lab from being taken down: what is left is found by its names.
    const hosts = (await readLabFile(name).catch(() => undefined))?.hosts ?? [];
    await reported(on, 'down', `taking the lab ${name} down`, async () => {
      await sweepAll(name, hosts);
      await until(async () => ((await loopDevices(dir)).length === 0 ? true : undefined), 20_000);
      await releaseMachine(name);
      if (!keep) await rm(dir, { recursive: true, force: true });
    });
  });
}

/** Loop devices whose file lies in this folder. */
export async function loopDevices(dir: string): Promise<readonly string[]> {
  const { stdout } = await attempt(['losetup', '-l', '-n', '-O', 'NAME,BACK-FILE']);
  return stdout.split('\n').filter((line) => line.includes(`${dir}/`));
}
