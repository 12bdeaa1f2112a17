import type { Grave } from '../model/drain.ts';
import { sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { etcdctl, members } from './etcd-members.ts';
import { asked, kubectl, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { RETURNS, TOLERATIONS } from './returning.ts';
import type { Clue, Step } from './step.ts';

/** How a node is to leave. */
export interface Leaving {
  readonly name: string;
  /** Where its etcd is reached by the other members; absent of a worker. */
  readonly peer?: string;
  /** Whether its pods are moved first: of a node whose kubelet does not answer they cannot be. */
  readonly drained: boolean;
  /** What may be lost or broken by the drain. */
  readonly despite: readonly Grave[];
  /** Seconds the drain may take. */
  readonly limit: number;
}

const DRAIN = 'https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/';

const DRAIN_CLUES: readonly Clue[] = [
  {
    match: /violate the pod's disruption budget|disruption budget .* needs/,
    means: 'a PodDisruptionBudget lets none of its pods go now',
    try: 'give its owner one more replica, or wait until those it has are ready; --despite budget ends the pods all the same',
    diagnosis: 'H103',
  },
  {
    match: /local storage|emptyDir/i,
    means: 'a pod keeps data on this node alone, in a volume that goes with the pod',
    try: '--despite emptydir, when nothing of it is needed',
  },
  {
    match: /declare no controller|unmanaged/,
    means: 'a pod that nobody would make again runs on this node',
    try: '--despite unmanaged, when it may go; what made it can make it anew elsewhere',
  },
  {
    match: /timed out waiting|global timeout reached|context deadline exceeded/,
    means: 'the pods that are left did not end in the time the drain was given',
    try: 'the same command again goes on from there, --drain-limit gives it longer; kubectl uncordon opens the node again',
  },
  ...API_CLUES,
];

/** On the seat, before anything of the host is taken back: its pods have gone elsewhere, its vote is off the list. */
export function leaveSteps(scene: Scene, leaving: Leaving): readonly Step[] {
  return [
    ...(leaving.drained ? [cordoned(scene, leaving), drained(scene, leaving)] : []),
    ...(leaving.peer === undefined ? [] : [noMember(scene, leaving, leaving.peer)]),
  ];
}

function cordoned(scene: Scene, { name }: Leaving): Step {
  const kube = kubectl(scene);
  const path = '{.metadata.name} {.spec.unschedulable}';
  const ask = sh`${kube} get node ${name} --ignore-not-found -o jsonpath=${path}`;
  return {
    id: 'leave/cordoned',
    title: `Have no new pods on ${name}`,
    why: 'Whatever is moved away must not come back while the rest is still being moved.',
    see: [DRAIN],
    probes: [asked(scene, 'leave_cordon', sh`${ask} && echo && echo answered`)],
    read: sh`
      case $(probe leave_cordon) in
        *answered) probe leave_cordon | awk -v name=${name} '$1 == name && $2 != "true" { open = 1 } END { print open ? "takes new pods" : "takes no new pods" }' ;;
        *) echo ${SILENT} ;;
      esac`,
    want: 'takes no new pods',
    make: sh`${kube} cordon ${name}`,
    undo: sh`${kube} uncordon ${name} || :`,
    clues: API_CLUES,
  };
}

function drained(scene: Scene, { name, despite, limit }: Leaving): Step {
  const kube = kubectl(scene);
  const line = `{.metadata.namespace}/{.metadata.name}|{.status.phase}|{.metadata.ownerReferences[?(@.controller==true)].kind}|{.metadata.annotations.kubernetes\\.io/config\\.mirror}|${TOLERATIONS}`;
  const path = `{range .items[*]}${line}{"\\n"}{end}`;
  const flags = [
    ...(despite.includes('emptydir') ? ['--delete-emptydir-data'] : []),
    ...(despite.includes('unmanaged') ? ['--force'] : []),
    ...(despite.includes('budget') ? ['--disable-eviction'] : []),
  ];
  return {
    id: 'leave/drained',
    title: `Move the pods of ${name} to other nodes`,
    why: 'Each pod is asked to end and is started elsewhere, as fast as the budgets of their owners allow. Pods of a node that simply vanishes are missed first, and replaced only minutes later.',
    see: [DRAIN],
    after: ['leave/cordoned'],
    disturbs: 'node',
    within: 60,
    awaits: 'the last pods to end',
    probes: [
      asked(
        scene,
        'leave_pods',
        sh`${kube} get pods -A --field-selector ${`spec.nodeName=${name}`} -o jsonpath=${path} && echo answered`,
      ),
    ],
    read: sh`
      case $(probe leave_pods) in
        *answered) probe leave_pods | awk -F '|' '/\// && $2 != "Succeeded" && $2 != "Failed" && $3 != "DaemonSet" && $4 == "" && !(${RETURNS}) { print $1 }' | sort | grep . || echo 'no pods to move' ;;
        *) echo ${SILENT} ;;
      esac`,
    want: 'no pods to move',
    make: sh`
      ${kubectl(scene, limit + 30)} drain ${name} --ignore-daemonsets --timeout=${`${limit}s`} --skip-wait-for-delete-timeout=60 ${flags}`,
    clues: DRAIN_CLUES,
  };
}

/** The member goes only when most of those that stay are well: counted on the host, right before. */
function noMember(scene: Scene, { name }: Leaving, peer: string): Step {
  const mine = sh`
    awk -F ', ' -v name=${name} -v peer=${peer} '
      ($2 == "started" && $3 == name) || ($2 == "unstarted" && $4 == peer) { print $1 }'`;
  const stay = sh`
    awk -F ', ' -v name=${name} -v peer=${peer} '
      ($2 == "started" && $3 == name) || ($2 == "unstarted" && $4 == peer) { next }
      $6 == "false" { voting++; if ($2 == "started") client[$5] = 1 }
      / is healthy: / { split($0, p, " is healthy: "); if (p[1] in client) well++ }
      END {
        needed = int(voting / 2) + 1
        print (voting > 0 && well >= needed ? "enough" : "too few") ": " voting + 0 " voting, " well + 0 " well, " needed " needed"
      }'`;
  return {
    id: 'leave/etcd-member',
    title: `Take ${name} off the list of etcd’s members`,
    why: 'A member that is gone and still on the list counts whenever votes are counted, and never votes: the next loss would then be one too many. It is taken off by those that stay, and only while they are enough without it.',
    see: ['https://etcd.io/docs/latest/op-guide/runtime-configuration/'],
    disturbs: 'data',
    within: 60,
    awaits: 'etcd to agree on its new list',
    probes: [members(scene)],
    read: sh`
      case $(probe etcd_members) in
        *healthy:*) probe etcd_members | ${mine} | sed 's/^/member /' | grep . || echo 'no member' ;;
        *) echo 'etcd does not answer' ;;
      esac`,
    want: 'no member',
    make: sh`
      votes=$(probe etcd_members | ${stay})
      echo "without it: $votes"
      case $votes in enough*) ;; *) exit 1 ;; esac
      for id in $(probe etcd_members | ${mine}); do ${etcdctl(scene)} --endpoints=https://127.0.0.1:2379 member remove "$id"; done`,
    clues: [
      {
        match: /^without it: too few/,
        means: 'etcd would stop: those that stay are fewer than a majority needs',
        try: 'bring the other members back first: landfall status says which are not well',
        diagnosis: 'H65',
      },
      ...API_CLUES,
    ],
  };
}

/** On the seat, once the host is no member any more: the cluster forgets its node. */
export function forgetSteps(scene: Scene, { name }: Pick<Leaving, 'name'>): readonly Step[] {
  const kube = kubectl(scene);
  return [
    {
      id: 'leave/no-node',
      title: `Have no node ${name} in the cluster`,
      why: 'The cluster waits for a node as long as it knows its name. With the node go its pods, which are then started elsewhere, its address among the pods’ networks, and the marks another host of that name must not inherit.',
      see: ['https://kubernetes.io/docs/concepts/architecture/nodes/'],
      within: 60,
      awaits: 'the node to be gone',
      probes: [
        asked(scene, 'leave_node', sh`${kube} get node ${name} --ignore-not-found -o name && echo answered`),
      ],
      read: sh`
        case $(probe leave_node) in
          answered) echo none ;;
          *answered) echo ${`node ${name}`} ;;
          *) echo ${SILENT} ;;
        esac`,
      want: 'none',
      make: sh`${kube} delete node ${name} --ignore-not-found --wait=false`,
      clues: API_CLUES,
    },
  ];
}
