import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../files/replace.ts';
import { attempt, exec } from './exec.ts';
import { hostDir } from './host.ts';
import { namespacePath, namesOf, portOf } from './names.ts';
import { type Lab, type LabHost, subnet } from './spec.ts';

/** What is wrong with a lab's network on purpose, apart from pulled cables. Kept in the lab's folder, so that it outlives a reboot of hosts. */
export interface NetworkFaults {
  readonly partitions: readonly (readonly [string, string])[];
  /** Percent of packets lost each way, by host. */
  readonly loss: Readonly<Record<string, number>>;
}

const file = (lab: Pick<Lab, 'dir'>): string => join(lab.dir, 'network-faults.json');

/** Reads a lab's network faults; none when there is no file. */
export async function readNetworkFaults(lab: Pick<Lab, 'dir'>): Promise<NetworkFaults> {
  if (!existsSync(file(lab))) return { partitions: [], loss: {} };
  return JSON.parse(await readFile(file(lab), 'utf8')) as NetworkFaults;
}

/**
 * The nft rules, in the bridge's namespace, that make these faults. Ports are named, not numbered, so that the rules
 * hold again when a host has rebooted and has a new port of the same name. `ports` gives each end's port.
 */
export function bridgeRules(faults: NetworkFaults, ports: ReadonlyMap<string, string>): string {
  const port = (end: string) => `"${ports.get(end) ?? ''}"`;
  const rules = [
    ...faults.partitions.flatMap(([a, b]) => [
      `iifname ${port(a)} oifname ${port(b)} drop`,
      `iifname ${port(b)} oifname ${port(a)} drop`,
    ]),
    ...Object.entries(faults.loss).flatMap(([host, percent]) => [
      `iifname ${port(host)} numgen random mod 100 < ${percent} drop`,
      `oifname ${port(host)} numgen random mod 100 < ${percent} drop`,
    ]),
  ];
  // Declared first so that deleting it never fails; all in one transaction.
  return `table bridge landfall
delete table bridge landfall
table bridge landfall {
  chain forward {
    type filter hook forward priority 0; policy accept;
${rules.map((rule) => `    ${rule}\n`).join('')}  }
}
`;
}

/** Makes the network's faults these, and no others. */
export async function setNetworkFaults(lab: Lab, faults: NetworkFaults): Promise<void> {
  const net = subnet(lab.network);
  const ends = [
    ...lab.hosts,
    { name: 'operator', address: net.operator },
    { name: 'depot', address: net.depot },
  ];
  const ports = new Map(ends.map(({ name, address }) => [name, portOf(address)]));
  replaceFile(file(lab), `${JSON.stringify(faults)}\n`);
  const bridge = namespacePath(namesOf(lab.name).bridge);
  await exec(['nsenter', `--net=${bridge}`, 'nft', '-f', '-'], { input: bridgeRules(faults, ports) });
}

/** Whether a host's cable is pulled. */
export const linkIsDown = (lab: Pick<Lab, 'dir'>, host: string): boolean =>
  existsSync(join(hostDir(lab, host), 'link-down'));

/** Pulls a host's network cable, or puts it back; a flag keeps it so over the host's reboot. */
export async function setLink(lab: Lab, host: LabHost, up: boolean): Promise<void> {
  const flag = join(hostDir(lab, host.name), 'link-down');
  if (up) await rm(flag, { force: true });
  else await writeFile(flag, '');
  // No port: the host is off, and the flag says it all.
  await attempt([
    'ip',
    '-n',
    namesOf(lab.name).bridge,
    'link',
    'set',
    portOf(host.address),
    up ? 'up' : 'down',
  ]);
}

const REFUSE = `table inet landfall
delete table inet landfall
table inet landfall {
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport { 80, 443 } reject with tcp reset
  }
}
`;

/** Makes the depot refuse connections, or take them again. The depot itself runs on; its time server too. */
export async function setDepotRefusing(lab: Pick<Lab, 'name'>, refusing: boolean): Promise<void> {
  const enter = ['nsenter', `--net=${namespacePath(namesOf(lab.name).depot)}`, 'nft'];
  if (refusing) await exec([...enter, '-f', '-'], { input: REFUSE });
  else await attempt([...enter, 'delete', 'table', 'inet', 'landfall']);
}

/** Whether the depot refuses connections. */
export async function depotIsRefusing(lab: Pick<Lab, 'name'>): Promise<boolean> {
  const enter = ['nsenter', `--net=${namespacePath(namesOf(lab.name).depot)}`, 'nft'];
  return (await attempt([...enter, 'list', 'table', 'inet', 'landfall'])).code === 0;
}
