import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { bridgeStep } from './bridge.ts';
import { calicoHealth, calicoSteps } from './calico.ts';
import { ciliumHealth, ciliumSteps } from './cilium.ts';
import { API_CLUES } from './clues.ts';
import { dnsSpread } from './dns-spread.ts';
import { proxyServer } from './endpoint-kept.ts';
import { namedInPods } from './endpoint-names.ts';
import { CONFLIST_TEXT, flannelObjects } from './flannel.ts';
import { check } from './kinds/check.ts';
import { manifest } from './kinds/manifest.ts';
import { apiProbe, kubectl, nodesProbe, rolloutsProbe, answering, withoutAway } from './node.ts';
import type { Scene } from './phase.ts';
import { CNI_FOLDER, type Installed, installed, pathWords, PLUGIN_MARKS } from './plugin.ts';
import { pluginClues } from './plugin-clues.ts';
import { onePluginStep } from './plugin-kept.ts';
import { rolledOut } from './rollout.ts';
import type { Clue, Step, StepId } from './step.ts';

/** The steps after which every node's kubelet is one the cluster hears from. */
function running({ cluster }: Scene): readonly StepId[] {
  return ['control-plane/kubelet', ...(cluster.nodes.length === 1 ? [] : (['join/node'] as const))];
}

function cluesOf({ cluster }: Scene): readonly Clue[] {
  const { plugin } = cluster.network;
  return pluginClues(plugin === 'none' ? undefined : plugin);
}

/**
 * What makes pods reach each other, Services and names: it is set going here, and seen to work in {@link networkEndSteps}.
 * @param meanwhile what is waited for in the seconds in which the plugin is fetched.
 */
export function networkSteps(scene: Scene, meanwhile: readonly Step[]): readonly Step[] {
  const release = installed(scene.cluster, scene.lock);
  const steps = release === undefined ? [] : pluginSteps(scene, release);
  return [
    ...proxyServer(scene),
    ...namedInPods(scene),
    ...(release === undefined
      ? meanwhile
      : [
          onePluginStep(scene),
          ...steps,
          ...meanwhile,
          conflist(scene, release, {
            id: 'network/conflist',
            after: [steps.at(-1)?.id ?? 'control-plane/api-ready'],
          }),
          ...bridgeOf(release, { id: 'network/bridge', after: ['runtime/answers', 'network/conflist'] }),
        ]),
  ];
}

/** What is seen once the plugin has reached every node and its pods have had the time to start. */
export function networkEndSteps(scene: Scene): readonly Step[] {
  const release = installed(scene.cluster, scene.lock);
  return release === undefined
    ? upSteps(scene, 'control-plane/api-ready', [])
    : [
        ...upSteps(scene, 'network/conflist', release.plugin === 'flannel' ? ['network/bridge'] : []),
        ...healthSteps(scene, release),
      ];
}

/** flannel's bridge on the node asked; other plugins have none. */
export function bridgeOf({ plugin }: Installed, about: Pick<Step, 'id' | 'after'>): readonly Step[] {
  return plugin === 'flannel' ? [bridgeStep(about)] : [];
}

/** What puts the plugin into the cluster; its last step is the one that sets it going. */
function pluginSteps(scene: Scene, release: Installed): readonly Step[] {
  switch (release.plugin) {
    case 'flannel':
      return [flannel(scene, release)];
    case 'calico':
      return calicoSteps(scene, release);
    case 'cilium':
      return ciliumSteps(scene, release);
  }
}

/** Looked at last: a plugin's own readiness takes longest to show, and nothing above waits for it. */
function healthSteps(scene: Scene, { plugin }: Installed): readonly Step[] {
  const runs = rolledOut(scene, {
    id: `network/${plugin}-runs`,
    title: 'Run the network plugin on every node',
    why: 'The plugin is a pod on each node. Its first act is to put its program and its configuration where the runtime looks for them.',
    see: ['https://kubernetes.io/docs/concepts/cluster-administration/addons/'],
    after: [...running(scene), `network/${plugin}`, 'network/conflist'],
    what: `${PLUGIN_MARKS[plugin].namespace}/DaemonSet/${PLUGIN_MARKS[plugin].daemonSet}`,
    label: PLUGIN_MARKS[plugin].label,
    clues: cluesOf(scene),
  });
  switch (plugin) {
    case 'flannel':
      return [runs];
    case 'calico':
      return [runs, calicoHealth(scene, cluesOf(scene))];
    case 'cilium':
      return [runs, ciliumHealth(scene, cluesOf(scene))];
  }
}

function flannel(scene: Scene, release: Installed): Step {
  return manifest(
    {
      id: 'network/flannel',
      title: `Put ${release.title} ${release.version} into the cluster`,
      why: `Kubernetes says that every pod reaches every other by its address, and leaves the doing to a plugin. flannel gives each node a slice of the pod network. ${pathWords(release)}. Without a plugin no node becomes ready.`,
      see: ['https://github.com/flannel-io/flannel'],
      after: ['control-plane/api-ready'],
      long: true,
      clues: API_CLUES,
    },
    { ask: kubectl(scene), ready: apiProbe(scene) },
    flannelObjects(scene, release),
  );
}

/** Whether the file is as the plugin wrote it: known to the letter of flannel's, of the others that there is something in it. */
function asWritten(plugin: Installed['plugin'], path: string): Shell {
  return plugin === 'flannel'
    ? sh`cmp -s - ${path} ${heredoc(CONFLIST_TEXT)}`
    : sh`grep -q ${`"type": *"${plugin}`} ${path}`;
}

/** The plugin's pod writes this file when it starts; a file that is lost or changed takes a new pod. */
export function conflist(
  scene: Scene,
  { plugin, title }: Installed,
  about: Pick<Step, 'id' | 'after'>,
): Step {
  const { namespace, label, conflist: name, ready } = PLUGIN_MARKS[plugin];
  const path = `${CNI_FOLDER}/${name}`;
  const written = `${path}, as ${title} wrote it`;
  const ask = sh`${kubectl(scene)} -n ${namespace}`;
  const first = sh`ls ${CNI_FOLDER}/*.conf ${CNI_FOLDER}/*.conflist ${CNI_FOLDER}/*.json 2>/dev/null | sort | head -n 1`;
  return {
    ...about,
    title: "Find the plugin's configuration, and none before it",
    why: `The runtime takes the first file of /etc/cni/net.d. Only when that is the one ${title} has written do pods get addresses of the cluster.`,
    see: ['https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/'],
    within: plugin === 'flannel' ? 180 : 300,
    awaits: `${title} to write its configuration`,
    clues: [
      {
        match: new RegExp(`^(?!.*${name.replaceAll('.', String.raw`\.`)})\\S*/etc/cni/net\\.d/`),
        means: `another file comes before the one of ${title}`,
        try: 'landfall apply --only runtime, and then delete the pods that got a wrong address',
        diagnosis: 'H16',
      },
      ...cluesOf(scene),
    ],
    read: sh`
      first=$(${first})
      if [ "$first" != ${path} ]; then echo "\${first:-none}"
      elif ${asWritten(plugin, path)}
      then echo ${written}
      else echo ${`${path}, changed since ${title} wrote it`}; fi`,
    want: written,
    make: sh`
      case $(${first}) in '' | ${path}) ;; *) exit 1 ;; esac
      ready() {
        ${ask} get pods -l ${label} --field-selector ${`spec.nodeName=${scene.node.name}`} \
          -o ${'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}'}
      }
      # Where many join at once an API server may be too busy to answer: a question that took five seconds counts for twelve.
      seek() { pods=$(ready) || { pods=; tries=$((tries + 12)); }; }
      # Just after the runtime was restarted a pod that has long written it is not ready, and looks like one that is about to.
      tries=0; seek
      while [ -z "$pods" ] && [ "$tries" -lt 150 ] && ! [ -e ${path} ]; do tries=$((tries + 1)); sleep 0.4; seek; done
      if [ -n "$pods" ]; then ${ask} delete pod $pods --wait=false
      else
        echo 'the pod that writes it is about to start'
        # A pod that came too early is tried again only after ten to fifteen seconds; one in its place at once.
        tries=0
        while [ -e ${path} ] && ! [ -e ${ready ?? path} ] && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
        ${scene.node.role === 'worker' ? sh`:` : sh`${kubectl(scene)} -n kube-system delete pod -l k8s-app=kube-dns --field-selector status.phase=Pending --wait=false`}
      fi`,
  };
}

/** kube-proxy on every node; or nowhere, when the plugin does its work: two hands in the same rules undo each other. */
function kubeProxySteps(scene: Scene): readonly Step[] {
  if (scene.cluster.network.kubeProxy === 'keep') {
    return [
      rolledOut(scene, {
        id: 'network/kube-proxy',
        title: 'Run kube-proxy on every node',
        why: 'A Service is an address that no machine has. kube-proxy turns it, on every node, into rules that lead each connection to one of the pods behind it.',
        see: ['https://kubernetes.io/docs/reference/networking/virtual-ips/'],
        after: [...running(scene), 'control-plane/api-ready'],
        what: 'kube-system/DaemonSet/kube-proxy',
        label: 'k8s-app=kube-proxy',
        clues: cluesOf(scene),
      }),
    ];
  }
  return [
    check(
      {
        id: 'network/no-kube-proxy',
        title: 'Have no kube-proxy where Cilium does its work',
        why: 'Cilium turns the addresses of Services into those of pods in the kernel. A kube-proxy beside it would do the same a second time in other rules, and the two would disagree whenever something changes.',
        see: ['https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/'],
        after: ['control-plane/api-ready'],
        probes: [rolloutsProbe(scene)],
        clues: [
          {
            match: /^kube-proxy is there/,
            means:
              'the cluster was made with kube-proxy, and Landfall does not take it out under living connections',
            try: 'put kubeProxy: keep into cluster.yaml; or, once Cilium runs and while nobody uses the cluster: kubectl -n kube-system delete daemonset,configmap kube-proxy, then reboot the nodes one by one',
          },
          ...API_CLUES,
        ],
      },
      {
        read: sh`
          probe rollouts | awk -F '|' '
            { seen = 1 } $1 == "kube-system/DaemonSet/kube-proxy" { there = 1 }
            END { if (!seen) print "the cluster says nothing"; else print there ? "kube-proxy is there" : "none" }'`,
        want: 'none',
      },
    ),
  ];
}

/** @param last what nodes become ready by. @param paths what pods reach each other by, beyond that. */
function upSteps(scene: Scene, last: Step['id'], paths: readonly StepId[]): readonly Step[] {
  const names = answering(scene).map((n) => n.name);
  return [
    ...kubeProxySteps(scene),
    check(
      {
        id: 'network/nodes-ready',
        title: 'Have every node ready',
        why: 'A node is ready when its runtime and its network are. Until then the scheduler puts nothing there.',
        see: ['https://kubernetes.io/docs/reference/node/node-status/'],
        after: [...running(scene), last],
        within: 120,
        awaits: 'the nodes to become ready',
        probes: [nodesProbe(scene)],
        clues: cluesOf(scene),
      },
      {
        read: sh`
          probe nodes${withoutAway(scene)} | awk -F '|' -v names=${names.join(' ')} '
            { seen[$1] = 1; if ($4 != "True") { print $1 ": " $7; bad = 1 } }
            END { if (!NR) { print "no node is seen"; exit }
              n = split(names, list, " "); for (i = 1; i <= n; i++) if (!(list[i] in seen)) { print list[i] ": not in the cluster"; bad = 1 }
              if (!bad) print "all ready" }'`,
        want: 'all ready',
      },
    ),
    rolledOut(scene, {
      id: 'network/dns',
      title: 'Have names resolved inside the cluster',
      why: `Pods find Services by name, and CoreDNS knows the names. It waits for the network plugin like every other pod; only those that share the network of their node, the control plane and kube-proxy among them, run without. So its being ready is the first sign that pods ${names.length > 1 ? 'on these nodes ' : ''}really start.`,
      see: ['https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/'],
      after: ['network/nodes-ready', ...paths],
      what: 'kube-system/Deployment/coredns',
      label: 'k8s-app=kube-dns',
      clues: cluesOf(scene),
    }),
    // While a node is dead, pods are where they can be.
    ...(names.length > 1 && scene.away === undefined ? [dnsSpread(scene)] : []),
  ];
}
