import { controlPlanes } from '../model/cluster.ts';
import { type Runtime, runtimeOf } from '../model/runtime.ts';
import { lines, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { apiReady, kubelet } from './control-plane.ts';
import { votingStep } from './etcd-members.ts';
import { emptied, FLAGS, hasElsewhere, KUBELETS, NOTE, uses } from './exchange-emptied.ts';
import { formerGone } from './exchange-former.ts';
import { check } from './kinds/check.ts';
import { draft, inPlace } from './kinds/file.ts';
import { removePods } from './leftovers.ts';
import { kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import { criSocket, runtimeParts } from './runtime-parts.ts';
import type { Step } from './step.ts';

const SEE = {
  drain: 'https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/',
  runtimes: 'https://kubernetes.io/docs/setup/production-environment/container-runtimes/',
};

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
