import { controlPlanes } from '../model/cluster.ts';
import { RUNTIME_PACKAGES } from '../model/lock.ts';
import { type Runtime, runtimeOf } from '../model/runtime.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { API_CLUES, APT_CLUES } from './clues.ts';
import { apiReady, kubelet } from './control-plane.ts';
import { votingStep } from './etcd-members.ts';
import { check } from './kinds/check.ts';
import { draft, inPlace } from './kinds/file.ts';
import { uninstall } from './kinds/packages.ts';
import { removeFolders, removePods } from './leftovers.ts';
import { asked, kubectl } from './node.ts';
import { runtimeRepository } from './packages.ts';
import type { Scene } from './phase.ts';
import { FILES, OWN, RUNTIME_FOLDERS } from './places.ts';
import { runtimeSteps } from './runtime.ts';
import { criSocket, RUNTIME_PARTS, runtimeParts } from './runtime-parts.ts';
import type { Step } from './step.ts';

/** That an exchange has begun on this host, and whether it was Landfall that closed the node to new pods. */
const NOTE = `${OWN}/exchange`;

/** How long pods may take to go elsewhere, in seconds. */
const LIMIT = 300;

const SEE = {
  drain: 'https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/',
  runtimes: 'https://kubernetes.io/docs/setup/production-environment/container-runtimes/',
};

/** The files that say to kubelet where its runtime is. kubeadm has had it in each of them. */
const KUBELETS = ['/var/lib/kubelet/config.yaml', '/var/lib/kubelet/instance-config.yaml'] as const;
const FLAGS = '/var/lib/kubelet/kubeadm-flags.env';

/** `$uses` becomes the socket that kubelet is told to use; nothing before there is a kubelet that is told anything. */
const uses = sh`uses=$({ sed -n 's/^containerRuntimeEndpoint: *//p' ${KUBELETS}; sed -n 's/.*--container-runtime-endpoint=\([^ "]*\).*/\1/p' ${FLAGS}; } 2>/dev/null | tr -d '"' | grep -m 1 .) || :`;

/** The runtimes of an earlier choice that Landfall has put on a host. */
function formers({ cluster, node, facts }: Scene): readonly Runtime[] {
  return (facts.runtimes ?? []).filter((runtime) => runtime !== runtimeOf(cluster, node));
}

/**
 * On a host that has a runtime of an earlier choice: its kubelet goes over to the one that is wished for, and the other one goes. Nothing
 * on all other hosts.
 */
export function exchangeSteps(scene: Scene): readonly Step[] {
  const gone = formers(scene).map((former) => formerGone(scene, former));
  if (gone.length === 0 || scene.facts.member !== true) return gone;
  const isControlPlane = scene.node.role === 'control-plane';
  return [
    ...(isControlPlane && controlPlanes(scene.cluster).length > 1 ? [quorum(scene)] : []),
    ...(hasElsewhere(scene) ? [emptied(scene)] : []),
    socket(scene),
    kubelet({
      id: 'exchange/kubelet',
      after: ['exchange/socket'],
      why: 'Until kubelet runs again nothing on this node is started anew.',
    }),
    ...(isControlPlane ? [apiReady(scene, { id: 'exchange/api-ready', after: ['exchange/kubelet'] })] : []),
    ready(scene),
    open(scene),
    ...gone,
  ];
}

/** Whether there is another node that ordinary pods could go to. */
function hasElsewhere({ cluster, node, away = [] }: Scene): boolean {
  return cluster.nodes.some(({ name, workloads }) => workloads && name !== node.name && !away.includes(name));
}

function quorum(scene: Scene): Step {
  const step = votingStep(scene);
  return {
    ...step,
    id: 'exchange/quorum',
    title: 'Have every member of etcd well before this one stops',
    why: 'While its runtime is exchanged the etcd of this node is away. That is borne when all others are well, and only then.',
    after: [],
    // One that is away because the exchange was cut short comes back by its being finished.
    read: sh`
      if [ -e ${NOTE} ]; then echo ${step.want}
      else
        ${step.read}
      fi`,
  };
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
  ];
  const path = `{range .items[*]}${fields.join('|')}{"\\n"}{end}`;
  const list = sh`${kubectl(scene)} get pods -A --field-selector ${`spec.nodeName=${scene.node.name}`} -o jsonpath=${path}`;
  // Succeeds only when the API server has said which: no answer is not an empty node.
  return sh`
    list=$(${list}) && printf '%s\n' "$list" |
      awk -F '|' '$2 != "Succeeded" && $2 != "Failed" && $3 != "" && $3 != "DaemonSet" && $4 == "" && $5 == "" { print $1 }'`;
}

function emptied(scene: Scene): Step {
  const { name } = scene.node;
  const kube = kubectl(scene);
  const isOpen = sh`[ "$(${kube} get node ${name} -o jsonpath=${'{.spec.unschedulable}'})" != true ]`;
  return {
    id: 'exchange/emptied',
    title: `Move the pods of ${name} elsewhere`,
    why: 'Every container of the node ends with its runtime. A pod that is asked to go is started elsewhere first, as far as the budgets of its owner want it. Pods that nobody would make again, and those with data of their own here, stay: kubelet starts them anew where they are, and their data is still there.',
    see: [SEE.drain],
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
          *) echo 'the API server does not answer' ;;
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

function socket(scene: Scene): Step {
  const to = criSocket(scene);
  const { title } = runtimeParts(scene);
  const replace = [
    ...KUBELETS.map(
      (path) => [path, `s#^containerRuntimeEndpoint:.*#containerRuntimeEndpoint: ${to}#`] as const,
    ),
    [FLAGS, `s#--container-runtime-endpoint=[^ "]*#--container-runtime-endpoint=${to}#`] as const,
  ];
  return {
    id: 'exchange/socket',
    title: `Have kubelet go over to ${title}`,
    why: 'A runtime knows the containers it has started, and no others. So kubelet stops, all containers of the node end with the runtime that knows them, and kubelet starts with the other one, which makes them anew: static pods first, the control plane among them.',
    see: [SEE.runtimes],
    after: ['runtime/answers', ...(hasElsewhere(scene) ? (['exchange/emptied'] as const) : [])],
    disturbs: 'node',
    read: sh`
      ${uses}
      echo "kubelet uses $uses"`,
    want: `kubelet uses ${to}`,
    make: sh`
      if ! [ -e ${NOTE} ]; then echo 'closed before' >${draft(NOTE)}; ${inPlace(NOTE)}; fi
      systemctl stop kubelet
      ${lines(...formers(scene).map((former) => removePods(former)))}
      ${lines(
        ...replace.map(
          ([path, program]) => sh`
            if [ -e ${path} ]; then
              cp -p ${path} ${draft(path)}
              sed ${program} ${path} >${draft(path)}
              ${inPlace(path)}
            fi`,
        ),
      )}
      systemctl start kubelet`,
  };
}

function ready(scene: Scene): Step {
  const { name } = scene.node;
  const { title } = runtimeParts(scene);
  const path = '{.status.nodeInfo.containerRuntimeVersion} {.status.conditions[?(@.type=="Ready")].status}';
  return check(
    {
      id: 'exchange/ready',
      title: 'See the node Ready again',
      why: 'The next node is begun only when this one carries its part again.',
      see: [SEE.runtimes],
      after: ['exchange/kubelet'],
      within: 180,
      awaits: 'the node to be Ready',
      clues: API_CLUES,
    },
    {
      read: sh`
        said=$(${kubectl(scene)} get node ${name} -o jsonpath=${path} 2>&1) || said=$(printf '%s\n' "$said" | tail -n 1)
        printf '%s\n' "$said" | sed 's#://[^ ]*##'`,
      want: `${title === 'CRI-O' ? 'cri-o' : 'containerd'} True`,
    },
  );
}

function open(scene: Scene): Step {
  const { name } = scene.node;
  const kube = kubectl(scene);
  const to = criSocket(scene);
  const key = 'kubeadm.alpha.kubernetes.io/cri-socket';
  const path = '{.metadata.annotations.kubeadm\\.alpha\\.kubernetes\\.io/cri-socket}';
  return {
    id: 'exchange/open',
    title: `Let pods back on ${name}`,
    why: 'What was closed for the exchange is opened again, and kubeadm is told where the runtime is from now on: it looks there at the next upgrade.',
    see: [SEE.drain],
    after: ['exchange/ready'],
    read: sh`
      if [ -e ${NOTE} ]; then echo 'not opened yet'
      else ${kube} get node ${name} -o jsonpath=${path} 2>&1 | tail -n 1; fi`,
    want: to,
    make: sh`
      ${kube} annotate --overwrite node ${name} ${`${key}=${to}`}
      if [ "$(cat ${NOTE} 2>/dev/null)" = closed ]; then ${kube} uncordon ${name}; fi
      rm -f ${NOTE}`,
    clues: API_CLUES,
  };
}

/** What both runtimes have, and is as the new one wants it. */
const SHARED: readonly string[] = [
  'runtime/no-stray-networks',
  'runtime/crictl',
  'runtime/kubelet-enabled',
  'proxy/kubelet',
];

function formerGone(scene: Scene, former: Runtime): Step {
  const { title, program, unit } = RUNTIME_PARTS[former];
  const other: Scene = { ...scene, node: { ...scene.node, runtime: former } };
  const undos = [...runtimeRepository(other), ...runtimeSteps(other)]
    .filter(({ id }) => !SHARED.includes(id))
    .toReversed()
    .flatMap(({ undo }) => (undo === undefined ? [] : [undo]));
  const name = RUNTIME_PACKAGES[former];
  // What lives beside its pods by now is the other runtime's.
  const takeAway = sh`
    ${removePods(former, sh`:`)}
    ${lines(
      ...undos.map(
        (undo) => sh`
          (
            ${undo}
          )`,
      ),
    )}
    apt-mark unhold ${name} >/dev/null 2>&1 || :
    # It is in CRI-O's package, and goes with it whatever is in it.
    kept=$(cat ${FILES.crictl} 2>/dev/null) || :
    ${uninstall([name])}
    if [ -n "$kept" ] && ! [ -e ${FILES.crictl} ]; then
      printf '%s\n' "$kept" >${draft(FILES.crictl)}
      ${inPlace(FILES.crictl)}
    fi
    ${removeFolders(RUNTIME_FOLDERS[former])}`;
  return {
    id: 'exchange/former',
    title: `Take ${title} away`,
    why: 'A runtime that nobody uses still starts at every boot, holds the images it has, and is one more thing to patch. It goes as it came.',
    see: [SEE.runtimes],
    after: scene.facts.member === true ? ['exchange/open'] : ['runtime/answers'],
    disturbs: 'service',
    read: sh`if [ -e ${program} ] || systemctl -q is-active ${unit}; then echo ${`${title} is still here`}; else echo gone; fi`,
    want: 'gone',
    make: takeAway,
    undo: takeAway,
    clues: APT_CLUES,
  };
}
