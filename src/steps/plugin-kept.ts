import { type NetworkPlugin, NETWORK_PLUGINS } from '../model/cluster.ts';
import { sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { rolloutsProbe } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { CNI_FOLDER, PLUGIN_MARKS } from './plugin.ts';
import type { Clue, Step } from './step.ts';

const NOT_EXCHANGED: Clue = {
  match: /^the cluster has (?!no )/,
  means:
    'cluster.yaml asks for another network plugin than the cluster has, and Landfall does not exchange it: every pod would lose its address, and two plugins on a node undo each other’s routes',
  try: 'put the old plugin back into cluster.yaml and landfall.lock back from git; to change it, make a cluster anew and move the workloads, or follow the migration guide of the new plugin by hand',
};

/** Plugins that are not installed by Landfall, or in another way than by it, by the DaemonSets they run as. */
const OTHERS: Readonly<Record<string, string>> = {
  'kube-system/calico-node': 'calico, from a manifest',
  'kube-system/canal': 'canal',
  'kube-system/kube-flannel-ds': 'flannel, from an old manifest',
  'kube-system/kube-router': 'kube-router',
  'kube-system/weave-net': 'weave',
};

/** On each host, before anything is touched: the plugin of a cluster that lives is the one that is wished for. */
export function pluginKeptStep({ cluster }: Pick<Scene, 'cluster'>): Step {
  const { plugin } = cluster.network;
  const foreign = installedPlugins().filter((one) => plugin !== 'none' && one !== plugin);
  return check(
    {
      id: 'preflight/network-plugin',
      title: 'Keep to the network plugin the cluster has',
      why: 'The plugin has given every pod its address and every node its routes. Another one put over it would leave both half right, node by node.',
      see: ['https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/'],
      clues: [NOT_EXCHANGED],
    },
    {
      read: sh`
        has=
        if [ -e ${FILES.initialised} ]; then
          for pair in ${foreign.map((one) => `${PLUGIN_MARKS[one].conflist}=${one}`)}; do
            if [ -e ${CNI_FOLDER}/"\${pair%%=*}" ]; then has="$has \${pair#*=}"; fi
          done
        fi
        if [ -n "$has" ]; then echo "the cluster has$has"; else echo 'that plugin, or none yet'; fi`,
      want: 'that plugin, or none yet',
    },
  );
}

/** In the cluster, before the plugin is put there: no other one is. */
export function onePluginStep(scene: Scene): Step {
  const { plugin } = scene.cluster.network;
  const known = {
    ...Object.fromEntries(
      installedPlugins()
        .filter((one) => one !== plugin)
        .map((one) => [`${PLUGIN_MARKS[one].namespace}/${PLUGIN_MARKS[one].daemonSet}`, one]),
    ),
    ...OTHERS,
  };
  return check(
    {
      id: 'network/one-plugin',
      title: 'Have no other network plugin in the cluster',
      why: 'Two plugins give the same pods two sets of addresses and routes, and which one a pod gets depends on the order of two files.',
      see: ['https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/'],
      after: ['control-plane/api-ready'],
      probes: [rolloutsProbe(scene)],
      clues: [NOT_EXCHANGED, ...API_CLUES],
    },
    {
      read: sh`
        probe rollouts | awk -F '|' -v known=${Object.entries(known)
          .map(([name, title]) => `${name.replace('/', '/DaemonSet/')}=${title}`)
          .join(';')} '
          BEGIN { n = split(known, list, ";"); for (i = 1; i <= n; i++) { split(list[i], pair, "="); title[pair[1]] = pair[2] } }
          $1 in title { print "the cluster has " title[$1]; other = 1 }
          { seen = 1 }
          END { if (!seen) print "the cluster says nothing"; else if (!other) print "no other" }'`,
      want: 'no other',
    },
  );
}

function installedPlugins(): readonly Exclude<NetworkPlugin, 'none'>[] {
  return NETWORK_PLUGINS.filter((one) => one !== 'none');
}
