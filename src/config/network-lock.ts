import type { Cluster } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { NetworkLock } from '../model/lock.ts';
import { memberOf } from '../model/member.ts';
import { PLUGIN_RELEASES } from '../model/plugin-release.ts';
import { choosePodPath, type PodPathFault } from '../model/pod-path.ts';

/** Gives what a lock holds of the network when it meets the wish of the cluster; undefined when it must be resolved. */
export function lockedNetwork({ network }: Cluster, held: NetworkLock | undefined): NetworkLock | undefined {
  if (held === undefined || held.plugin !== network.plugin) return undefined;
  if (held.plugin !== 'none' && !isWhole(held)) return undefined;
  const { encapsulation = held.encapsulation, mtu = held.mtu } = network;
  return encapsulation === held.encapsulation && mtu === held.mtu ? held : undefined;
}

function isWhole({ version, encapsulation, mtu }: NetworkLock): boolean {
  return version !== undefined && encapsulation !== undefined && mtu !== undefined;
}

/**
 * Chooses the plugin's release, its encapsulation and MTU. What a lock holds already of the same plugin is kept, as far as
 * the wish is met: a node that comes or goes must not change how the others speak.
 * @param facts of every node, by name
 * @returns what the lock keeps, or why the wish cannot be met on these nodes
 */
export function resolveNetwork(
  { network, nodes }: Cluster,
  facts: Readonly<Record<string, Facts>>,
  held: NetworkLock | undefined,
): NetworkLock | PodPathFault {
  const { plugin } = network;
  if (plugin === 'none') return { plugin, files: {}, images: [] };
  const same = held?.plugin === plugin && isWhole(held) ? held : undefined;
  const { encapsulations, version, files, images } = PLUGIN_RELEASES[plugin];
  const members = nodes.flatMap((node) => {
    const own = facts[node.name];
    return own === undefined ? [] : [memberOf(node, own)];
  });
  const encapsulation = network.encapsulation ?? same?.encapsulation;
  const path = choosePodPath(members, encapsulations, {
    ...(encapsulation === undefined ? {} : { encapsulation }),
    ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
  });
  if ('field' in path) return path;
  return same === undefined ? { plugin, version, ...path, files, images } : { ...same, plugin, ...path };
}
