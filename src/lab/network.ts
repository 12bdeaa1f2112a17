import { existsSync } from 'node:fs';
import { exec } from './exec.ts';
import { namespacePath, namesOf, portOf } from './names.ts';
import { macOf, subnet } from './spec.ts';

/** Runs `ip` inside a network namespace. */
const ip = (namespace: string, ...words: readonly string[]): Promise<string> =>
  exec(['ip', '-n', namespace, ...words]);

/**
 * Makes the lab's network, or what is missing of it: the bridge, the operator and the depot, each in its own namespace.
 * Nothing forwards and nothing leads out: the bridge's address, every host's default route, is a dead end.
 */
export async function networkUp(lab: string, network: number): Promise<void> {
  const names = namesOf(lab);
  const net = subnet(network);
  if (!existsSync(namespacePath(names.bridge))) {
    await exec(['ip', 'netns', 'add', names.bridge]);
    await ip(names.bridge, 'link', 'set', 'lo', 'up');
    await ip(names.bridge, 'link', 'add', 'br0', 'type', 'bridge');
    await ip(names.bridge, 'addr', 'add', `${net.bridge}/24`, 'dev', 'br0');
    await ip(names.bridge, 'link', 'set', 'br0', 'up');
    await exec(['nsenter', `--net=${namespacePath(names.bridge)}`, 'sysctl', '-qw', 'net.ipv4.ip_forward=0']);
  }
  await attach(lab, names.operator, net.operator);
  await attach(lab, names.depot, net.depot);
}

async function attach(lab: string, namespace: string, address: string): Promise<void> {
  if (existsSync(namespacePath(namespace))) return;
  const bridge = namesOf(lab).bridge;
  const port = portOf(address);
  const peer = ['peer', 'name', 'eth0', 'address', macOf(address), 'netns', namespace];
  await exec(['ip', 'netns', 'add', namespace]);
  await ip(bridge, 'link', 'add', port, 'type', 'veth', ...peer);
  await ip(bridge, 'link', 'set', port, 'master', 'br0', 'up');
  await ip(namespace, 'link', 'set', 'lo', 'up');
  await ip(namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  await ip(namespace, 'link', 'set', 'eth0', 'up');
  await ip(namespace, 'route', 'add', 'default', 'via', subnet(Number(address.split('.')[2])).bridge);
}

/** Names of the network namespaces on this machine that belong to the lab. */
export async function labNamespaces(lab: string): Promise<readonly string[]> {
  const { prefix } = namesOf(lab);
  const listed = (await exec(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  return listed.filter((name) => name.startsWith(prefix));
}

/** Removes every namespace of the lab; the bridge's ports and links go with them. */
export async function networkDown(lab: string): Promise<void> {
  for (const name of await labNamespaces(lab)) await exec(['ip', 'netns', 'del', name]);
}
