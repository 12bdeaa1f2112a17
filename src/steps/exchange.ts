import { controlPlanes } from '../model/cluster.ts';
import { type Runtime, runtimeOf } from '../model/runtime.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
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
import { criSocket, RUNTIME_PARTS, runtimeParts } from './runtime-parts.ts';
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
    ...(isControlPlane
      ? [apiReady(scene, { id: 'exchange/api-ready', after: ['exchange/kubelet'] }), led(scene)]
      : []),
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

/** All pods of a runtime, together: one after the other, a control plane would be away as long as all of them take to end. */
function endAtOnce(former: Runtime): Shell {
  const crictl = sh`timeout 60 crictl --runtime-endpoint ${`unix://${RUNTIME_PARTS[former].socket}`} --timeout 60s`;
  return sh`
    ${crictl} pods -q 2>/dev/null | xargs -r -n 1 -P 16 ${crictl} rmp --force >/dev/null 2>&1 || :
    ${removePods(former)}`;
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
      ${lines(...formers(scene).map(endAtOnce))}
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

/** What kubelet must have brought back before anybody else is emptied: what every node has, not what users have put there. */
const OWN_NAMESPACES = '^(kube-|calico-|tigera-|cilium)';

function ready(scene: Scene): Step {
  const { name } = scene.node;
  const kube = kubectl(scene);
  const runtime = runtimeOf(scene.cluster, scene.node);
  const node = '{.status.nodeInfo.containerRuntimeVersion} {.status.conditions[?(@.type=="Ready")].status}';
  const fields = [
    '{.metadata.namespace}/{.metadata.name}',
    '{.status.phase}',
    '{.metadata.ownerReferences[?(@.controller==true)].kind}',
    '{.status.conditions[?(@.type=="Ready")].status}',
    '{.status.containerStatuses[*].containerID}',
  ];
  const pods = `{range .items[*]}${fields.join('|')}{"\\n"}{end}`;
  return check(
    {
      id: 'exchange/ready',
      title: 'See the node Ready again, and what runs on every node run on it',
      why: 'The next node is begun only when this one carries its part again. That a node is Ready is believed for a while after its kubelet has stopped; which runtime has started a container is not.',
      see: [SEE.runtimes],
      after: ['exchange/kubelet'],
      within: 180,
      awaits: 'the node to be Ready',
      clues: API_CLUES,
    },
    {
      read: sh`
        said=$(${kube} get node ${name} -o jsonpath=${node} 2>&1) || said=$(printf '%s\n' "$said" | tail -n 1)
        list=$(${kube} get pods -A --field-selector ${`spec.nodeName=${name}`} -o jsonpath=${pods} 2>&1) || list="pods|Running||||"
        open=$(printf '%s\n' "$list" | awk -F '|' -v ours=${OWN_NAMESPACES} -v runtime=${runtime} '
          $2 != "Running" { next }
          { n = split($5, ids, " "); old = 0; for (i = 1; i <= n; i++) if (index(ids[i], runtime "://") != 1) old = 1 }
          n == 0 || old { print $1 " is not started anew"; next }
          ($3 == "DaemonSet" || $3 == "Node") && $1 ~ ours && $4 != "True" { print $1 " is not ready" }')
        printf '%s\n' "$said" | sed 's#://[^ ]*##'
        [ -z "$open" ] || printf '%s\n' "$open"`,
      want: `${runtime} True`,
    },
  );
}

/** On a control plane: whoever led the controllers may have stopped without handing over. */
function led(scene: Scene): Step {
  const kube = kubectl(scene);
  const path = '{range .items[*]}{.metadata.name} {.spec.renewTime}{"\\n"}{end}';
  return check(
    {
      id: 'exchange/led',
      title: 'See controllers and the scheduler at work again',
      why: 'One of each leads, and it may have been here. Until another one has taken over, a pod that is moved off the next node is started nowhere.',
      see: ['https://kubernetes.io/docs/concepts/architecture/leases/'],
      after: ['exchange/api-ready'],
      within: 90,
      awaits: 'the controllers to be led again',
      clues: API_CLUES,
    },
    {
      read: sh`
        now=$(date +%s)
        ${kube} -n kube-system get leases -o jsonpath=${path} | while read -r name renewed; do
          case $name in kube-controller-manager | kube-scheduler) ;; *) continue ;; esac
          if [ $((now - $(date -d "$renewed" +%s))) -le 5 ]; then echo "$name is led"; else echo "$name is led by nobody"; fi
        done | sort`,
      want: 'kube-controller-manager is led\nkube-scheduler is led',
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
