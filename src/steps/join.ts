import { stringify } from 'yaml';
import { endpointOf, isFirstControlPlane } from '../model/cluster.ts';
import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { kubelet } from './control-plane.ts';
import { namedInPods } from './endpoint-names.ts';
import { endpointServers, isMoving } from './endpoint-servers.ts';
import { kubeletsWords, takeBack } from './init.ts';
import { JOIN_CLUES } from './join-clues.ts';
import { ticketSlot } from './join-ticket.ts';
import { draft, inPlace } from './kinds/file.ts';
import { bridgeOf, conflist } from './network.ts';
import { apiPort, kubectl, nodeAddress } from './node.ts';
import { taintOf } from './node-marks.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { withoutProxy } from './proxy.ts';
import { installed } from './plugin.ts';
import { owner } from './prepare.ts';
import { askingSteps } from './serving.ts';
import { criSocket } from './runtime-parts.ts';
import type { Step } from './step.ts';

/** What kubeadm is told for a join; the token stands in it, so it lies on tmpfs, for root alone, and only while kubeadm runs. */
export const JOIN = '/run/landfall/join.yaml';

/** What kubelet joins with, written by kubeadm and removed by it in the end. */
export const BOOTSTRAP = '/etc/kubernetes/bootstrap-kubelet.conf';

/** What lies on a host whose join has come so far that it is a member. */
const PARTS = [
  '/etc/kubernetes/pki/ca.crt',
  '/etc/kubernetes/kubelet.conf',
  '/var/lib/kubelet/config.yaml',
  '/var/lib/kubelet/kubeadm-flags.env',
] as const;

/** On a host that is to be a worker: it is a member, its kubelet runs, and the cluster knows it. */
export function joinSteps(scene: Scene): readonly Step[] {
  if (scene.node.role !== 'worker') return [];
  return [
    member(scene),
    kubelet({
      id: 'join/kubelet',
      after: ['join/member'],
      why: 'kubelet starts every pod of the node, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.',
    }),
    nodeStep(scene),
    ...(isMoving(scene) ? [] : endpointServers(scene)),
    ...askingSteps(scene),
  ];
}

/** On who joined, once the network plugin is in the cluster: it has written its configuration here, too. */
export function joinNetworkSteps(scene: Scene): readonly Step[] {
  if (isFirstControlPlane(scene.cluster, scene.node)) return [];
  const release = installed(scene.cluster, scene.lock);
  return release === undefined
    ? namedInPods(scene)
    : [
        ...namedInPods(scene),
        conflist(scene, release, { id: 'join/conflist', after: ['join/node', `network/${release.plugin}`] }),
        ...bridgeOf(release, { id: 'join/bridge', after: ['runtime/answers', 'join/conflist'] }),
      ];
}

/** The part of kubeadm's file that is no secret. What is not said here, kubelet's own settings, is in the cluster. */
function registration(scene: Scene): string {
  const { node, facts } = scene;
  const own = (node.taints ?? []).map(taintOf);
  // kubeadm keeps ordinary pods off a control plane unless it is told which taints there are to be.
  const closing = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
  const taints =
    node.role === 'worker' || node.workloads ? own : own.length === 0 ? undefined : [closing, ...own];
  return stringify(
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'JoinConfiguration',
      nodeRegistration: {
        name: node.name,
        criSocket: criSocket(scene),
        ...(taints === undefined ? {} : { taints }),
        kubeletExtraArgs: [{ name: 'node-ip', value: nodeAddress(node, facts) }],
      },
    },
    { lineWidth: 0 },
  );
}

/** `$begun` is set when a join has left anything here, `$open` to what is missing of it. */
const progress = sh`
  open=; begun=
  for path in ${PARTS}; do
    if [ -s "$path" ]; then begun=yes; else open="$open $path"; fi
  done
  if [ -e ${PARTS[0]} ] && ! grep -q -e '^-----END' ${PARTS[0]}; then open="$open ${PARTS[0]}"; fi
  if [ -e ${BOOTSTRAP} ]; then begun=yes; fi`;

/**
 * Has kubeadm join with what the host was handed over: the token, the authority's hash and, where it is to be a control plane, the key
 * its certificates are sealed with.
 * @param kubeadm runs it with {@link JOIN}, and sets `$status` when it fails.
 */
export function runJoin(scene: Scene, kubeadm: Shell): Shell {
  const { node, facts, cluster } = scene;
  const secret = [
    'discovery:',
    '  bootstrapToken:',
    `    apiServerEndpoint: "${endpointOf(cluster)}"`,
    '    token: "%s"',
    '    caCertHashes: ["%s"]',
    ...(node.role === 'worker'
      ? []
      : [
          'controlPlane:',
          '  localAPIEndpoint:',
          `    advertiseAddress: "${nodeAddress(node, facts)}"`,
          `    bindPort: ${apiPort(cluster)}`,
          '  certificateKey: "%s"',
        ]),
  ];
  const words = node.role === 'worker' ? sh`"$1" "$2"` : sh`"$1" "$2" "$3"`;
  return sh`
    ticket=$(slot ${ticketSlot(node)})
    if [ -z "$ticket" ]; then echo 'no token was minted for this host in this run'; exit 1; fi
    set -- $ticket
    (
      umask 077
      mkdir -p /run/landfall
      rm -f ${JOIN}
      cat >${JOIN} ${heredoc(registration(scene))}
      printf ${`${secret.join('\n')}\n`} ${words} >>${JOIN}
    )
    status=0
    ${withoutProxy(cluster, kubeadm)}
    rm -f ${JOIN}
    if [ "$status" -ne 0 ]; then
      # kubeadm waits for kubelet and knows no more than that it does not come.
      ${kubeletsWords}
      exit "$status"
    fi`;
}

/** What kubeadm has written is on the disk: it leaves all of it to the page cache, from where a power cut would take it. */
export const synced = sh`
  find /etc/kubernetes -type f -exec sync {} +
  if [ -d /var/lib/kubelet ]; then find /var/lib/kubelet -maxdepth 1 '(' -name '*.yaml' -o -name '*.env' ')' -exec sync {} +; fi`;

/** What a join leaves behind is cleared away, and that it has come to its end is written down. */
export const endJoin = sh`
  rm -f ${BOOTSTRAP} ${JOIN}
  ${synced}
  date -u +%FT%TZ >${draft(FILES.initialised)}
  ${inPlace(FILES.initialised)}`;

function member(scene: Scene): Step {
  const { cluster, node } = scene;
  const met = [
    'Port-10250',
    'DirAvailable--etc-kubernetes-manifests',
    'FileAvailable--etc-kubernetes-kubelet.conf',
    'FileAvailable--etc-kubernetes-bootstrap-kubelet.conf',
    'FileAvailable--etc-kubernetes-pki-ca.crt',
  ].join(',');
  return {
    id: 'join/member',
    title: 'Join the cluster',
    why: 'kubeadm asks the API server who it is, and believes it only when its authority has the very hash it was told. Then kubelet trades the token for a certificate of its own, with which it is a member from then on. A join that was cut short anywhere is brought to its end by the next one.',
    see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/'],
    disturbs: 'service',
    takes: [ticketSlot(node)],
    read: sh`
      ${progress}
      ${owner}
      if [ -z "$begun" ]; then echo 'no member'
      elif [ "$owner" != ${cluster.name} ]; then echo 'not ours: Landfall did not begin this'
      elif [ -n "$open" ]; then echo "half joined, open:$open"
      elif [ -e ${BOOTSTRAP} ] || [ -e ${JOIN} ] || ! [ -e ${FILES.initialised} ]; then echo 'half joined, open: its end'
      else echo member; fi`,
    want: 'member',
    make: sh`
      ${owner} || :
      if [ "$owner" != ${cluster.name} ]; then
        echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
      fi
      ${progress}
      # kubelet writes its kubelet.conf when it has its certificate: from there on no token is needed.
      if [ -n "$open" ]; then
        met=
        if [ -n "$begun" ]; then met=--ignore-preflight-errors=${met}; fi
        # A certificate cut short would be kept as it is.
        if ! grep -q -e '^-----END' ${PARTS[0]} 2>/dev/null; then rm -f ${PARTS[0]}; fi
        ${runJoin(scene, sh`kubeadm join --config ${JOIN} $met || status=$?`)}
      fi
      ${endJoin}`,
    undo: sh`
      rm -f ${JOIN}
      ${takeBack(scene)}`,
    writes: [FILES.initialised],
    clues: JOIN_CLUES,
  };
}

/** On a worker it is asked with kubelet's own credentials, which may read their own node: no others are there. */
export function nodeStep(scene: Scene): Step {
  const { lock, node: own, facts } = scene;
  const path =
    '{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.nodeInfo.kubeletVersion}';
  const ask = sh`${kubectl(scene)} get node ${own.name} -o jsonpath=${path}`;
  return {
    id: 'join/node',
    title: 'Be known to the cluster',
    why: 'kubelet registers its node when it starts, under its name, with the address others will use. A node that was deleted in the cluster comes back only with a kubelet that starts anew.',
    see: ['https://kubernetes.io/docs/concepts/architecture/nodes/'],
    after: ['control-plane/api-ready', 'join/kubelet'],
    disturbs: 'service',
    within: 60,
    awaits: 'kubelet to register the node',
    read: sh`said=$(${ask} 2>&1) || said=$(printf '%s\n' "$said" | tail -n 1); printf '%s\n' "$said"`,
    want: `${own.name} ${nodeAddress(own, facts)} v${lock.kubernetes}`,
    make: sh`
      said=$(${ask} 2>&1) || case $said in
        # Whatever else it is, a kubelet that starts anew does not help.
        *'not found'*) systemctl restart kubelet ;;
      esac`,
    clues: JOIN_CLUES,
  };
}
