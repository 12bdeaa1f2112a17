import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../files/replace.ts';
import { readNetworkFaults, setDepotRefusing, setLink, setNetworkFaults } from './cut.ts';
import { type DepotFaults, NO_FAULTS, parseFaults } from './depot/faults.ts';
import { diskIsFull, fillDisk, freeDisk } from './disk.ts';
import type { DepotFaultName, Fault } from './fault.ts';
import { hostDir, loopPid } from './host.ts';
import { requireHost, requireLab } from './lab.ts';
import { readMachine, requireRoot } from './machine.ts';
import { labHostStart, labHostStop, powerCut, reboot } from './power.ts';
import type { Lab } from './spec.ts';
import { labUp } from './up.ts';

/** Makes one fault in a lab, or puts it right. Gives a sentence that says what is so now. */
export async function breakLab(name: string, fault: Fault): Promise<string> {
  requireRoot(readMachine());
  const lab = await requireLab(name);
  switch (fault.is) {
    case 'power-cut':
      await powerCut(name, fault.host);
      return `${fault.host} is off; its address answers nothing`;
    case 'power-loss':
      await powerCut(name, fault.host, true);
      return `${fault.host} is off, and what it had not synced is lost; its address answers nothing`;
    case 'stop':
      await labHostStop(name, fault.host);
      return `${fault.host} has shut down`;
    case 'start':
      return `${fault.host} is up after ${await labHostStart(name, fault.host)} ms`;
    case 'reboot':
      return `${fault.host} is up again after ${await reboot(name, fault.host)} ms`;
    case 'new-machine':
      await powerCut(name, fault.host);
      for (const part of ['disk.img', 'host_key', 'host_key.pub', 'seed'])
        await rm(join(hostDir(lab, fault.host), part), { recursive: true, force: true });
      await labUp({ name, hosts: [{ name: fault.host }] }, () => undefined);
      return `a new ${fault.host} is up, with nothing of the old one`;
    case 'link-down':
    case 'link-up':
      await setLink(lab, requireHost(lab, fault.host), fault.is === 'link-up');
      return `${fault.host}’s network cable is ${fault.is === 'link-up' ? 'plugged in' : 'pulled; it runs on'}`;
    case 'partition': {
      const faults = await readNetworkFaults(lab);
      await setNetworkFaults(lab, { ...faults, partitions: [...faults.partitions, [fault.a, fault.b]] });
      return `${fault.a} and ${fault.b} no longer hear each other`;
    }
    case 'loss': {
      const faults = await readNetworkFaults(lab);
      const { [fault.host]: _, ...others } = faults.loss;
      const loss = fault.percent === 0 ? others : { ...others, [fault.host]: fault.percent };
      await setNetworkFaults(lab, { ...faults, loss });
      return `${fault.percent} % of ${fault.host}’s packets are lost, each way`;
    }
    case 'disk-full': {
      const taken = await fillDisk(lab, fault.host);
      return `${fault.host}’s disk is full: ${(taken / 2 ** 30).toFixed(1)} GiB were taken`;
    }
    case 'disk-free':
      await freeDisk(lab, fault.host);
      return `${fault.host}’s disk has room again`;
    case 'depot-down':
    case 'depot-up':
      await setDepotRefusing(lab, fault.is === 'depot-down');
      return fault.is === 'depot-down' ? 'the depot refuses connections' : 'the depot answers';
    case 'heal':
      return heal(lab);
    default: {
      const kind = KINDS[fault.is];
      const faults = await readDepotFaults(lab);
      writeDepotFaults(lab, { ...faults, [kind]: [...new Set([...faults[kind], fault.pattern])] });
      return `the depot’s ${fault.pattern} is ${kind}`;
    }
  }
}

const KINDS: Readonly<Record<DepotFaultName, keyof DepotFaults>> = {
  'depot-missing': 'missing',
  'depot-corrupt': 'corrupt',
  'depot-unsigned': 'unsigned',
  'depot-unavailable': 'unavailable',
};

async function heal(lab: Lab): Promise<string> {
  writeDepotFaults(lab, NO_FAULTS);
  await setDepotRefusing(lab, false);
  await setNetworkFaults(lab, { partitions: [], loss: {} });
  for (const host of lab.hosts) {
    await setLink(lab, host, true);
    if ((await loopPid(lab, host.name)) === undefined) await labHostStart(lab.name, host.name);
    if (await diskIsFull(lab, host.name)) await freeDisk(lab, host.name);
  }
  return 'every fault is gone and every host is up';
}

/** The depot's faults in force. */
export async function readDepotFaults(lab: Pick<Lab, 'dir'>): Promise<DepotFaults> {
  return parseFaults(await readFile(join(lab.dir, 'faults.json'), 'utf8').catch(() => '{}'));
}

function writeDepotFaults(lab: Pick<Lab, 'dir'>, faults: DepotFaults): void {
  replaceFile(join(lab.dir, 'faults.json'), `${JSON.stringify(faults)}\n`);
}
