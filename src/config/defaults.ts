import type { Cluster, Host, Node } from '../model/cluster.ts';
import { isIPv4 } from '../model/network.ts';
import type { Authority } from '../model/outside.ts';
import type { Firewall } from '../model/firewall.ts';
import type { Registries } from '../model/registries.ts';
import type { ClusterFile } from './schema.ts';

/** The port the API server listens on: kubeadm's. */
export const API_PORT = 6443;

/** The name nodes know the API server by when the file names none: Landfall keeps it in /etc/hosts. */
export function endpointName(cluster: string): string {
  return `api.${cluster}.internal`;
}

/** Takes `host` or `host:port`, of the right form; gives both. */
export function splitEndpoint(address: string): { readonly host: string; readonly port: number } {
  const [host = '', port] = address.split(':');
  return { host, port: port === undefined ? API_PORT : Number(port) };
}

/** Fills in the defaults that depend on other fields. The file must have passed every check. */
export function complete(file: ClusterFile, authorities: readonly Authority[] = []): Cluster {
  const { user, port, config, identityFile } = file.ssh;
  return {
    name: file.name,
    kubernetes: file.kubernetes,
    endpoint: completeEndpoint(file),
    network: completeNetwork(file.network),
    runtime: file.runtime,
    ...(file.registries === undefined ? {} : { registries: completeRegistries(file.registries) }),
    ...(file.trust === undefined ? {} : { trust: authorities }),
    ...(file.proxy === undefined ? {} : { proxy: present(file.proxy) }),
    ...(file.firewall === undefined ? {} : { firewall: completeFirewall(file.firewall) }),
    ssh: {
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port }),
      ...(config === undefined ? {} : { config }),
      ...(identityFile === undefined ? {} : { identityFile }),
    },
    host: completeHost(file.host),
    ...(file.lab === undefined ? {} : { lab: file.lab }),
    nodes: file.nodes.map((node) => completeNode(node, file.nodes.length === 1)),
  };
}

/** The name is kept also where a virtual address is behind it: certificates and kubeconfigs then know the name alone. */
function completeEndpoint({ name, endpoint = {} }: ClusterFile): Cluster['endpoint'] {
  const { address = endpointName(name), virtualIP, interface: device, routerId } = endpoint;
  const { host, port } = splitEndpoint(address);
  const kept = { host, port, kept: host === endpointName(name) };
  if (virtualIP === undefined) return kept;
  return {
    ...kept,
    virtual: {
      address: virtualIP,
      ...(device === undefined ? {} : { interface: device }),
      routerId: routerId ?? routerIdOf(virtualIP),
    },
  };
}

/** The last part of the address: hosts of other groups in the same network have another one. 0 is no such number. */
function routerIdOf(address: string): number {
  const last = Number(address.split('.').at(-1));
  return last === 0 ? 255 : last;
}

function completeNetwork({ encapsulation, mtu, ...network }: ClusterFile['network']): Cluster['network'] {
  return {
    ...network,
    ...(encapsulation === undefined ? {} : { encapsulation }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

function completeNode(node: ClusterFile['nodes'][number], only: boolean): Node {
  const internal = node.internalAddress ?? (isIPv4(node.address) ? node.address : undefined);
  return {
    name: node.name,
    role: node.role,
    address: node.address,
    ...(internal === undefined ? {} : { internalAddress: internal }),
    workloads: node.workloads ?? (only || node.role === 'worker'),
    ...(node.labels === undefined ? {} : { labels: node.labels }),
    ...(node.taints === undefined ? {} : { taints: node.taints }),
    ...(node.slowDisk === true ? { slowDisk: true } : {}),
    ...(node.hostKey === undefined ? {} : { hostKey: node.hostKey }),
  };
}

function completeRegistries({ mirrors, logins }: Exclude<ClusterFile['registries'], undefined>): Registries {
  return { mirrors, logins: logins.map(present) };
}

function completeFirewall({ mode, admins, allow }: Exclude<ClusterFile['firewall'], undefined>): Firewall {
  return { mode, ...(admins === undefined ? {} : { admins }), allow: allow.map(present) };
}

/** Takes the section `host` as written, with its defaults; gives it without what was left out. */
export function completeHost(host: ClusterFile['host']): Host {
  const { ssh, journal, ...settings } = host;
  return { ...settings, journal: present(journal), ...(ssh === undefined ? {} : { ssh: present(ssh) }) };
}

/** The same without keys that hold nothing. */
function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const held = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(held) as { [K in keyof T]: Exclude<T[K], undefined> };
}
