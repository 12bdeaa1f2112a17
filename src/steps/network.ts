import { heredoc, sh } from '../shell/sh.ts';
import { API_CLUES, IMAGE_CLUES } from './clues.ts';
import { CONFLIST_TEXT, FLANNEL, flannelObjects } from './flannel.ts';
import { check } from './kinds/check.ts';
import { manifest } from './kinds/manifest.ts';
import { apiProbe, kubectl, nodesProbe, rolloutsProbe } from './node.ts';
import type { Scene } from './phase.ts';
import type { Clue, Step } from './step.ts';

const CONFLIST = `/etc/cni/net.d/${FLANNEL.conflist}`;
const WRITTEN = `${CONFLIST}, as flannel wrote it`;

const PLUGIN_CLUES: readonly Clue[] = [
  {
    match: /No CNI configuration file in|NetworkPluginNotReady|cni plugin not initialized/,
    means: 'no network plugin has written its configuration on the node yet',
    try: 'kubectl -n kube-flannel get pods -o wide; kubectl -n kube-flannel logs daemonset/kube-flannel-ds --all-containers',
    diagnosis: 'H37',
  },
  {
    match: /untolerated taint \{?node\.kubernetes\.io\/not-ready/,
    means: 'the node is not ready, so nothing is put there: a consequence, not a cause',
    try: 'look why the node is not ready: kubectl describe node',
    diagnosis: 'H38',
  },
  {
    match: /plugin\/loop: Loop/,
    means: "CoreDNS asks itself: the host's resolv.conf names a resolver on the host's own loopback",
    try: 'let resolvConf of the kubelet configuration name a file with real name servers (/run/systemd/resolve/resolv.conf)',
    diagnosis: 'H51',
  },
  {
    match: /CIDRNotAvailable/,
    means: 'the pod network has no slice left for this node',
    try: 'a /16 gives 256 nodes a /24 each; a larger network.pods must be chosen before the cluster is made',
    diagnosis: 'H49',
  },
  {
    match: /bridge-nf-call-iptables: no such file/,
    means: 'flannel finds no bridge filter in the kernel: br_netfilter is not loaded',
    try: 'landfall apply --only kernel',
    diagnosis: 'H17',
  },
  ...IMAGE_CLUES,
  ...API_CLUES,
];

/** What makes pods reach each other, Services and names. */
export function networkSteps(scene: Scene): readonly Step[] {
  if (scene.cluster.network.plugin !== 'flannel') return upSteps(scene);
  return [...flannelSteps(scene), ...upSteps(scene), flannelRuns(scene)];
}

function flannelSteps(scene: Scene): readonly Step[] {
  return [
    manifest(
      {
        id: 'network/flannel',
        title: 'Put the network plugin into the cluster',
        why: 'Kubernetes says that every pod reaches every other by its address, and leaves the doing to a plugin. flannel gives each node a slice of the pod network and carries packets between nodes in UDP. Without a plugin no node becomes ready.',
        see: ['https://github.com/flannel-io/flannel'],
        after: ['control-plane/api-ready'],
        long: true,
        clues: API_CLUES,
      },
      { ask: kubectl(scene), ready: apiProbe(scene) },
      flannelObjects(scene.cluster),
    ),
    conflist(scene),
  ];
}

/** The plugin's pod writes this file when it starts, and never again: a file that is lost or changed takes a new pod. */
function conflist(scene: Scene): Step {
  const ask = sh`${kubectl(scene)} -n ${FLANNEL.namespace}`;
  const first = sh`ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1`;
  return {
    id: 'network/conflist',
    title: "Find the plugin's configuration, and none before it",
    why: 'The runtime takes the first file of the folder. Only when that is the one flannel has written do pods get addresses of the cluster.',
    after: ['network/flannel'],
    within: 180,
    awaits: 'flannel to write its configuration',
    clues: [
      {
        match: /^(?!.*10-flannel)\S*\/etc\/cni\/net\.d\//,
        means: 'another file comes before the one of flannel',
        try: 'landfall apply --only runtime, and then delete the pods that got a wrong address',
        diagnosis: 'H16',
      },
      ...PLUGIN_CLUES,
    ],
    read: sh`
      first=$(${first})
      if [ "$first" != ${CONFLIST} ]; then echo "\${first:-none}"
      elif cmp -s - ${CONFLIST} ${heredoc(CONFLIST_TEXT)}
      then echo ${WRITTEN}
      else echo ${`${CONFLIST}, changed since flannel wrote it`}; fi`,
    want: WRITTEN,
    make: sh`
      case $(${first}) in '' | ${CONFLIST}) ;; *) exit 1 ;; esac
      pods=$(${ask} get pods -l app=flannel --field-selector ${`spec.nodeName=${scene.node.name}`} \
        -o ${'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}'})
      if [ -n "$pods" ]; then ${ask} delete pod $pods --wait=false
      else echo 'the pod that writes it is about to start'; fi`,
  };
}

interface RolledOut extends Pick<Step, 'id' | 'title' | 'why' | 'after'> {
  /** `namespace/Kind/name`. */
  readonly what: `${string}/${'DaemonSet' | 'Deployment'}/${string}`;
}

/** A workload of which as many pods are ready, in its present form, as there should be. */
function rolledOut(scene: Scene, { what, ...about }: RolledOut): Step {
  return check(
    {
      ...about,
      within: 240,
      awaits: `${what} to be ready`,
      probes: [rolloutsProbe(scene)],
      clues: PLUGIN_CLUES,
    },
    {
      read: sh`
        probe rollouts | awk -F '|' -v what=${what} '
          $1 != what { next }
          { seen = 1; if ($2 == $3 && $4 + 0 > 0 && $5 + 0 == $4 && $6 + 0 == $4) print "all ready"; else print $6 + 0 " of " $4 + 0 " ready" }
          END { if (!seen) print "not there" }'`,
      want: 'all ready',
    },
  );
}

function upSteps(scene: Scene): readonly Step[] {
  const names = scene.cluster.nodes.map((n) => n.name);
  const last = scene.cluster.network.plugin === 'flannel' ? 'network/conflist' : 'control-plane/api-ready';
  return [
    rolledOut(scene, {
      id: 'network/kube-proxy',
      title: 'Run kube-proxy on every node',
      why: 'A Service is an address that no machine has. kube-proxy turns it, on every node, into rules that lead each connection to one of the pods behind it.',
      after: ['control-plane/kubelet', 'control-plane/api-ready'],
      what: 'kube-system/DaemonSet/kube-proxy',
    }),
    check(
      {
        id: 'network/nodes-ready',
        title: 'Have every node ready',
        why: 'A node is ready when its runtime and its network are. Until then the scheduler puts nothing there.',
        after: ['control-plane/kubelet', last],
        within: 120,
        awaits: 'the nodes to become ready',
        probes: [nodesProbe(scene)],
        clues: PLUGIN_CLUES,
      },
      {
        read: sh`
          probe nodes | awk -F '|' '
            { seen = 1; if ($4 != "True") { print $1 ": " $7; bad = 1 } }
            END { if (!seen) print "no node is seen"; else if (!bad) print "all ready" }'`,
        want: 'all ready',
      },
    ),
    rolledOut(scene, {
      id: 'network/dns',
      title: 'Have names resolved inside the cluster',
      why: `Pods find Services by name, and CoreDNS knows the names. It waits for the network plugin like every other pod, so its being ready is the first sign that pods ${names.length > 1 ? 'on these nodes ' : ''}really start.`,
      after: ['network/nodes-ready'],
      what: 'kube-system/Deployment/coredns',
    }),
  ];
}

/** Looked at last: its own readiness takes longest to show, and nothing above waits for it. */
function flannelRuns(scene: Scene): Step {
  return rolledOut(scene, {
    id: 'network/flannel-runs',
    title: 'Run the network plugin on every node',
    why: 'The plugin is a pod on each node. Its first act is to put its program and its configuration where the runtime looks for them.',
    after: ['control-plane/kubelet', 'network/flannel', 'network/conflist'],
    what: `${FLANNEL.namespace}/DaemonSet/${FLANNEL.daemonSet}`,
  });
}
