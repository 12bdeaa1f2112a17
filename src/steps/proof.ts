import { isIPv4 } from '../model/network.ts';
import { sh } from '../shell/sh.ts';
import { answering, asked, kubectl, namespacesProbe, nodeAddress, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { NODE_PORT, page, PROOF_NAMESPACE, SERVICES, WELCOME } from './proof-asking.ts';
import { nameSteps, podSteps, serviceSteps } from './proof-inside.ts';
import type { Clue, Step } from './step.ts';

/** On the seat: the pods, and everything that can be asked from a node or from inside. */
export function proofSteps(scene: Scene): readonly Step[] {
  const kube = kubectl(scene);
  return [...podSteps(scene, kube), ...serviceSteps(kube), ...nameSteps(scene, kube)];
}

/** On the operator's machine: the cluster as it is seen from outside. */
export function outsideSteps(scene: Scene): readonly Step[] {
  const { node, facts, hosts } = scene;
  const addresses = answering(scene).map((one) => {
    const known = one.name === node.name ? facts : hosts[one.name];
    return isIPv4(one.address) || known === undefined ? one.address : nodeAddress(one, known);
  });
  return [
    {
      id: 'proof/from-outside',
      title: `Reach it from this machine, through the NodePort${addresses.length > 1 ? ' of every node' : ''}`,
      why: 'The whole way a user takes: the network to the node, its firewall, the rules of the Service, the pod, and back.',
      see: [SERVICES],
      read: sh`
        bad=
        for node in ${addresses}; do
          said=$(${page(sh`"$node"`, sh`"$(slot ${NODE_PORT})"`)})
          if [ "$said" != ${WELCOME} ]; then echo "$node: $said"; bad=1; fi
        done
        [ -n "$bad" ] || echo ${WELCOME}`,
      want: WELCOME,
      within: 30,
      awaits: 'an answer from outside',
      takes: [NODE_PORT],
      clues: [
        {
          match: /timed out|No route|refused|no answer/i,
          means:
            'the node answers inside but not from here: a firewall between, or one on the node, closes ports 30000 to 32767',
          diagnosis: 'H43',
          try: 'open the port range on the way to the address shown, or leave it closed on purpose: then this part of the proof cannot pass',
        },
      ],
    },
  ];
}

/** Why a pod that was asked to end is still there. The time it is given for that is added to when it was asked. */
const SLOW_TO_END: readonly Clue[] = [
  {
    match: /, asked to end, has until /,
    means:
      'the main process of the pod was asked to end (SIGTERM) and goes on: it is killed when the time its terminationGracePeriodSeconds gives it is over, half a minute unless it says otherwise',
    try: 'nothing is wrong with the cluster: wait, or see to it that the program heeds the signal; a shell as the first process passes it on to nobody, unless it ends in exec',
    diagnosis: 'H41',
  },
  {
    match: /, should have ended by /,
    means:
      'the time the pod had to end is over, and nobody has killed it: its node is away, or its kubelet or runtime hangs',
    try: `kubectl get nodes; kubectl -n ${PROOF_NAMESPACE} describe pods; on the node: systemctl status kubelet crio`,
    diagnosis: 'H94',
  },
];

/**
 * On the seat: the pods of the proof have ended and its namespace is gone, and with it everything the proof made. The API
 * server keeps the name of a deleted namespace for some seconds more, so that others can take leave; that is not waited for.
 */
export function cleaned(
  scene: Scene,
  about: Pick<Step, 'id' | 'title' | 'why'> & Partial<Pick<Step, 'after' | 'see'>>,
): Step {
  const kube = kubectl(scene);
  const pod = 'pod/{.metadata.name} {.metadata.deletionTimestamp}{"\\n"}';
  const pods = sh`${kube} -n ${PROOF_NAMESPACE} get pods -o ${`jsonpath={range .items[*]}${pod}{end}`} && echo answered`;
  return {
    ...about,
    probes: [namespacesProbe(scene), asked(scene, 'proof_pods', pods)],
    read: sh`
      said=$(probe namespaces | awk -F '|' -v name=${PROOF_NAMESPACE} '
        $1 == name { left = "left " $2 } END { if (NR) print left == "" ? "gone" : left }')
      since=\${said#left }
      pods() {
        probe proof_pods | awk -v now="$(date -u +%Y-%m-%dT%H:%M:%SZ)" '
          $0 == "answered" { next }
          { print $1 (NF < 2 ? "" : now < $2 ? ", asked to end, has until " $2 : ", should have ended by " $2); left = 1 }
          END { if (!left) print NR ? "gone" : "the API server does not answer" }'
      }
      case $said in
        gone) echo gone ;;
        'left '*)
          if [ -n "$since" ] && [ $(($(date +%s) - $(date -d "$since" +%s))) -lt 60 ]; then pods
          else echo ${`namespace ${PROOF_NAMESPACE}`} "$since"; if [ -n "$since" ]; then pods | grep '^pod/' || :; fi; fi ;;
        *) echo ${SILENT} ;;
      esac`,
    want: 'gone',
    make: sh`
      ${kube} delete namespace ${PROOF_NAMESPACE} --ignore-not-found --wait=false
      ${kube} -n ${PROOF_NAMESPACE} delete pods --all --request-timeout=60s || :`,
    within: 120,
    awaits: 'its pods to end',
    clues: SLOW_TO_END,
  };
}

/** The proof's last phase. */
export function cleaningSteps(scene: Scene): readonly Step[] {
  return [
    cleaned(scene, {
      id: 'proof/cleaned',
      title: 'End its pods and leave nothing behind',
      why: 'A pod that is deleted is asked to end, and killed when it has not after half a minute; how long it takes is worth knowing, as every update of a workload waits for it. What was made to prove the cluster goes with its namespace, the open port too.',
      see: ['https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination'],
    }),
  ];
}
