import { API_CLUES, IMAGE_CLUES } from './clues.ts';
import type { InstalledPlugin } from '../model/plugin-release.ts';
import { PLUGIN_MARKS } from './plugin.ts';
import type { Clue } from './step.ts';

/** Where a plugin's own words are read; of one somebody else installs, wherever it lives. */
function look(plugin: InstalledPlugin | undefined): string {
  if (plugin === undefined)
    return 'install the network plugin; when it is installed: kubectl get pods -A -o wide shows where its pods stand';
  const { namespace, daemonSet } = PLUGIN_MARKS[plugin];
  return `kubectl -n ${namespace} get pods -o wide; kubectl -n ${namespace} logs daemonset/${daemonSet} --all-containers --prefix --tail 20`;
}

/** Troubles of Calico, as its programs word them. */
const CALICO_CLUES: readonly Clue[] = [
  {
    match: /ClusterInformation: connection is unauthorized/,
    means:
      "the credentials of Calico's program on the node are not accepted: they have run out, the clock is off, or they are an earlier cluster's",
    try: 'date; then kubectl -n calico-system rollout restart daemonset/calico-node, which writes them anew',
    diagnosis: 'H45',
  },
  {
    match: /stat \/var\/lib\/calico\/nodename: no such file/,
    means: 'calico-node does not run on that node, or has not finished starting',
    try: 'kubectl -n calico-system get pods -o wide -l k8s-app=calico-node; its logs say what it waits for',
    diagnosis: 'H46',
  },
  {
    match: /BIRD is not ready|BGP not established/,
    means:
      'nodes do not speak BGP with each other: port 179 is closed between them, or one announces an address that is not its own',
    try: 'open tcp 179 between the nodes; kubectl get nodes -o yaml | grep projectcalico.org/IPv4Address shows what each announces',
    diagnosis: 'H47',
  },
];

/** Troubles of Cilium, likewise. */
const CILIUM_CLUES: readonly Clue[] = [
  {
    match: /KVStore:.*Failure|Kubernetes:\s+(Failure|Disabled)|Unable to contact k8s api-server/i,
    means: 'Cilium does not reach the API server: without kube-proxy it must know the way by itself',
    try: 'on the node: getent hosts, and curl -k, the host and port of k8sServiceHost in /etc/kubernetes/landfall/cilium-values.yaml',
    diagnosis: 'H34',
  },
  {
    match: /(unable|failed) to (load|attach|compile).*(bpf|program|eBPF)|verifier error|BPF template object/i,
    means:
      'the kernel does not take the programs of Cilium: it is too old, or was built without what they need',
    try: 'uname -r (5.10 or newer); kubectl -n kube-system logs daemonset/cilium -c cilium-agent | grep -i -e bpf -e kernel',
  },
  {
    match:
      /container not found \("cilium-agent"\)|no pods available|not have a host assigned|daemon unreachable/,
    means: 'no agent of Cilium runs yet, or it has just stopped',
    try: look('cilium'),
  },
];

/** What a node that is not ready, and a pod without a network, say: the cause first, then what only follows from it. */
export function pluginClues(plugin: InstalledPlugin | undefined): readonly Clue[] {
  return [
    {
      match: /failed to initialize top level QOS containers|cgroup driver.*(different|mismatch)/,
      means: 'kubelet and the runtime do not count resources in the same way',
      try: 'both must say systemd: grep cgroupDriver /var/lib/kubelet/config.yaml; crio config 2>/dev/null | grep cgroup_manager',
      diagnosis: 'H50',
    },
    {
      match: /CIDRNotAvailable/,
      means: 'the pod network has no slice left for this node',
      try: 'a /16 gives 256 nodes a /24 each; a larger network.pods must be chosen before the cluster is made',
      diagnosis: 'H49',
    },
    {
      match: /failed to find plugin "([^"]+)" in path/,
      means: 'the configuration names a program that is not in /opt/cni/bin',
      try: 'ls -l /opt/cni/bin; apt-get install --reinstall kubernetes-cni brings the common ones back, a restart of the plugin’s pod its own',
      diagnosis: 'H37',
    },
    {
      match: /No CNI configuration file in|NetworkPluginNotReady|cni plugin not initialized/,
      means: 'no network plugin has written its configuration on the node yet',
      try: `${look(plugin)}${plugin === undefined ? '' : '; its init containers write the file: look at them first'}`,
      diagnosis: 'H37',
    },
    {
      match: /untolerated taint.*node\.kubernetes\.io\/not-ready/,
      means: 'the node is not ready, so nothing is put there: a consequence, not a cause',
      try: 'look why the node is not ready: kubectl describe node',
      diagnosis: 'H38',
    },
    {
      match: /untolerated taint.*node-role\.kubernetes\.io\/control-plane/,
      means: 'no node takes ordinary workloads: control planes keep them away by a taint',
      try: 'set workloads: true on the node in cluster.yaml, or add a worker',
      diagnosis: 'H39',
    },
    {
      match: /plugin\/loop: Loop/,
      means: "CoreDNS asks itself: the host's resolv.conf names a resolver on the host's own loopback",
      try: 'let resolvConf of the kubelet configuration name a file with real name servers (/run/systemd/resolve/resolv.conf)',
      diagnosis: 'H51',
    },
    {
      match: /bridge-nf-call-iptables: no such file/,
      means: 'flannel finds no bridge filter in the kernel: br_netfilter is not loaded',
      try: 'landfall apply --only kernel',
      diagnosis: 'H17',
    },
    ...(plugin === 'calico' ? CALICO_CLUES : []),
    ...(plugin === 'cilium' ? CILIUM_CLUES : []),
    ...IMAGE_CLUES,
    {
      match: /failed to pull container image|ErrImagePull|ImagePullBackOff/,
      means: 'an image of the plugin cannot be pulled on a node',
      try: `${look(plugin)}; kubectl describe on the pod tells the registry's own words; on the node: crictl pull IMAGE`,
    },
    {
      match: /failed to create pod network sandbox|FailedCreatePodSandBox|plugin type="[^"]+" failed \(add\)/,
      means:
        'the plugin gives pods no network on that node: those that share the network of the node run without, the control plane among them, and all others wait',
      try: look(plugin),
      diagnosis: 'H40',
    },
    ...API_CLUES,
  ];
}
