import { sh, type Shell } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { draft, inPlace } from './kinds/file.ts';
import { asked, kubectl, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { OWN } from './places.ts';
import { RETURNS, TOLERATIONS } from './returning.ts';
import { criSocket } from './runtime-parts.ts';
import type { Step } from './step.ts';

/** That an exchange has begun on this host, and whether it was Landfall that closed the node to new pods. */
export const NOTE = `${OWN}/exchange`;

/** How long pods may take to go elsewhere, in seconds. */
const LIMIT = 300;

/** The files that say to kubelet where its runtime is. kubeadm has had it in each of them. */
export const KUBELETS = ['/var/lib/kubelet/config.yaml', '/var/lib/kubelet/instance-config.yaml'] as const;
export const FLAGS = '/var/lib/kubelet/kubeadm-flags.env';

/** `$uses` becomes the socket that kubelet is told to use; nothing before there is a kubelet that is told anything. */
export const uses = sh`uses=$({ sed -n 's/^containerRuntimeEndpoint: *//p' ${KUBELETS}; sed -n 's/.*--container-runtime-endpoint=\([^ "]*\).*/\1/p' ${FLAGS}; } 2>/dev/null | tr -d '"' | grep -m 1 .) || :`;

/** Whether there is another node that ordinary pods could go to. */
export function hasElsewhere({ cluster, node, away = [] }: Scene): boolean {
  return cluster.nodes.some(({ name, workloads }) => workloads && name !== node.name && !away.includes(name));
}

/** `NAMESPACE NAME`, a line each pod that somebody makes again elsewhere and that has no data here. */
function movable(scene: Scene): Shell {
  const owner = '{.metadata.ownerReferences[?(@.controller==true)].kind}';
  const fields = [
    '{.metadata.namespace} {.metadata.name}',
    '{.status.phase}',
    owner,
    '{.metadata.annotations.kubernetes\\.io/config\\.mirror}',
    '{.spec.volumes[?(@.emptyDir)].name}',
    TOLERATIONS,
  ];
  const path = `{range .items[*]}${fields.join('|')}{"\\n"}{end}`;
  const list = sh`${kubectl(scene)} get pods -A --field-selector ${`spec.nodeName=${scene.node.name}`} -o jsonpath=${path}`;
  // Succeeds only when the API server has said which: no answer is not an empty node.
  return sh`
    list=$(${list}) && printf '%s\n' "$list" |
      awk -F '|' '$2 != "Succeeded" && $2 != "Failed" && $3 != "" && $3 != "DaemonSet" && $4 == "" && $5 == "" && !(${RETURNS}) { print $1 }'`;
}

/** The node takes no new pods, and those that can have gone elsewhere: until kubelet has gone over. */
export function emptied(scene: Scene): Step {
  const { name } = scene.node;
  const kube = kubectl(scene);
  const isOpen = sh`[ "$(${kube} get node ${name} -o jsonpath=${'{.spec.unschedulable}'})" != true ]`;
  return {
    id: 'exchange/emptied',
    title: `Move the pods of ${name} elsewhere`,
    why: 'Every container of the node ends with its runtime. A pod that is asked to go is started elsewhere first, as far as the budgets of its owner want it. Pods that nobody would make again, those with data of their own here, and those that a closed node takes too, stay: kubelet starts them anew where they are, and their data is still there.',
    see: ['https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/'],
    disturbs: 'node',
    probes: [
      asked(
        scene,
        'movable',
        sh`
          { ${movable(scene)}; } && echo answered`,
      ),
    ],
    read: sh`
      ${uses}
      if [ "$uses" = ${criSocket(scene)} ]; then echo 'nothing to move'
      else
        case $(probe movable) in
          *answered)
            if ! [ -e ${NOTE} ]; then echo 'takes new pods'
            else probe movable | grep -v '^answered$' | sort | grep . || echo 'nothing to move'; fi ;;
          *) echo ${SILENT} ;;
        esac
      fi`,
    want: 'nothing to move',
    make: sh`
      if ! [ -e ${NOTE} ]; then
        if ${isOpen}; then echo closed >${draft(NOTE)}; else echo 'closed before' >${draft(NOTE)}; fi
        ${inPlace(NOTE)}
      fi
      ${kube} cordon ${name}
      tries=0
      while pods=$(
        ${movable(scene)}
      ) || exit 1; [ -n "$pods" ]; do
        if [ "$tries" -ge ${LIMIT} ]; then printf '%s\n' "$pods" | sed 's/$/ did not go/'; exit 1; fi
        printf '%s\n' "$pods" | while read -r namespace pod; do
          printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"%s"}}' "$pod" "$namespace" |
            ${kube} create --raw "/api/v1/namespaces/$namespace/pods/$pod/eviction" -f - 2>&1 >/dev/null |
            grep -v 'not found' || :
        done
        tries=$((tries + 1)); sleep 1
      done`,
    undo: sh`rm -f ${draft(NOTE)} ${NOTE}`,
    clues: [
      {
        match: /violate the pod's disruption budget|disruption budget .* needs/,
        means: 'a PodDisruptionBudget lets none of its pods go now',
        try: 'give its owner one more replica, or wait until those it has are ready; the same command goes on from there',
        diagnosis: 'H103',
      },
      {
        match: / did not go$/,
        means: 'a pod did not end in the five minutes it was given, or its budget never let it go',
        try: 'kubectl get pods -A -o wide, and look at it; the same command goes on from there, kubectl uncordon opens the node again',
      },
      ...API_CLUES,
    ],
  };
}
