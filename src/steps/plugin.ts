import type { Cluster, Encapsulation, NetworkPlugin } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
import { type InstalledPlugin, PLUGIN_RELEASES } from '../model/plugin-release.ts';

/** How a plugin shows itself in a cluster and on its nodes. */
export interface PluginMarks {
  readonly namespace: string;
  /** The DaemonSet that carries it. */
  readonly daemonSet: string;
  /** Its pods, as a label. */
  readonly label: string;
  /** The file in /etc/cni/net.d by which the runtime finds it. */
  readonly conflist: string;
  /** What lies on a node only when the plugin can give addresses there, where that is later than its conflist. */
  readonly ready?: string;
}

/** Where flannel says which share of the pod network the node has, for the plugin that gives out its addresses. */
export const FLANNEL_SHARE = '/run/flannel/subnet.env';

/** The marks of the plugins Landfall installs, as their own manifests have them. */
export const PLUGIN_MARKS: Readonly<Record<InstalledPlugin, PluginMarks>> = {
  flannel: {
    namespace: 'kube-flannel',
    daemonSet: 'kube-flannel-ds',
    label: 'app=flannel',
    conflist: '10-flannel.conflist',
    ready: FLANNEL_SHARE,
  },
  calico: {
    namespace: 'calico-system',
    daemonSet: 'calico-node',
    label: 'k8s-app=calico-node',
    conflist: '10-calico.conflist',
    ready: '/var/lib/calico/nodename',
  },
  cilium: {
    namespace: 'kube-system',
    daemonSet: 'cilium',
    label: 'k8s-app=cilium',
    conflist: '05-cilium.conflist',
  },
};

/** The folder in which the runtime looks for its network. */
export const CNI_FOLDER = '/etc/cni/net.d';

/** The files a plugin writes into {@link CNI_FOLDER}; undefined when somebody else installs it and may write any. */
export function ownConflists(plugin: NetworkPlugin): readonly string[] | undefined {
  return plugin === 'none' ? undefined : [PLUGIN_MARKS[plugin].conflist];
}

/** What a plugin's pod has written on a node when it can give addresses there. */
export function pluginFiles(plugin: NetworkPlugin): readonly string[] {
  if (plugin === 'none') return [];
  const { conflist, ready } = PLUGIN_MARKS[plugin];
  return [`${CNI_FOLDER}/${conflist}`, ...(ready === undefined ? [] : [ready])];
}

/** A plugin as it is to be installed. */
export interface Installed {
  readonly plugin: InstalledPlugin;
  readonly title: string;
  readonly version: string;
  readonly encapsulation: Encapsulation;
  readonly mtu: number;
}

/** The plugin a cluster is to have; undefined for `none`. @throws Error when the lock is not of this cluster. */
export function installed({ network }: Cluster, lock: Lock): Installed | undefined {
  const { plugin, version, encapsulation, mtu } = lock.network;
  if (network.plugin === 'none') return undefined;
  if (plugin !== network.plugin || version === undefined || encapsulation === undefined || mtu === undefined)
    throw new Error(`the lock says nothing of ${network.plugin}`);
  return {
    plugin: network.plugin,
    title: PLUGIN_RELEASES[network.plugin].title,
    version,
    encapsulation,
    mtu,
  };
}

/** How packets travel, for a sentence. */
export function pathWords({ encapsulation, mtu }: Installed): string {
  const way = {
    vxlan: 'inside UDP between nodes',
    'cross-subnet': 'as they are within a subnet, inside UDP to nodes of another',
    none: 'as they are from node to node',
  }[encapsulation];
  return `Packets of pods travel ${way}, ${mtu} bytes at most`;
}
