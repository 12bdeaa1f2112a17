import type { Node } from '../model/cluster.ts';
import { sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { answering, kubectl, nodesProbe } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const NO_BALANCER = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Which control-plane nodes carry ordinary workloads, and which do not. */
export function workloadSteps(scene: Scene): readonly Step[] {
  const nodes = answering(scene).filter((node) => node.role === 'control-plane');
  const open = nodes.filter((node) => node.workloads).map((node) => node.name);
  return [taint(scene, nodes), ...(open.length === 0 ? [] : [balancer(scene, open)])];
}

function taint(scene: Scene, nodes: readonly Node[]): Step {
  const ask = kubectl(scene);
  const open = nodes.every((node) => node.workloads);
  return {
    id: 'workloads/taint',
    title: open ? 'Let workloads run on the control plane' : 'Keep workloads off the control plane',
    why: open
      ? 'kubeadm marks a control-plane node so that ordinary pods stay away. Where it is the only node, everything would wait for ever for another one.'
      : 'An ordinary pod that eats memory or CPU must not starve the API server and etcd. The mark keeps pods away that do not ask to be there.',
    see: ['https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/'],
    after: ['control-plane/init', 'control-plane/node'],
    probes: [nodesProbe(scene)],
    read: sh`probe nodes | awk -F '|' -v names=${nodes.map((n) => n.name).join(' ')} 'index(" " names " ", " " $1 " ") { print $1 ": " ($5 == "" ? "open" : $5) }' | sort`,
    want: nodes
      .map(({ name, workloads }) => `${name}: ${workloads ? 'open' : 'NoSchedule'}`)
      .sort()
      .join('\n'),
    make: nodes
      .map(({ name, workloads }) =>
        workloads
          ? sh`${ask} taint node ${name} ${`${CONTROL_PLANE}-`} || ${ask} get node ${name} -o name`
          : sh`${ask} taint node ${name} ${`${CONTROL_PLANE}:NoSchedule`} --overwrite`,
      )
      .reduce(
        (all, one) => sh`
        ${all}
        ${one}`,
      ),
    clues: [
      {
        match: /untolerated taint.*node-role\.kubernetes\.io\/control-plane/,
        means: 'the control plane is closed to workloads, and there is no other node',
        try: 'workloads: true at the node in cluster.yaml, then landfall apply',
        diagnosis: 'H39',
      },
      ...API_CLUES,
    ],
  };
}

function balancer(scene: Scene, open: readonly string[]): Step {
  const ask = kubectl(scene);
  return {
    id: 'workloads/load-balancers',
    title: 'Let load balancers lead to nodes that carry workloads',
    why: 'kubeadm tells load balancers to leave control-plane nodes out. On a node that does carry workloads their addresses would then be announced by nobody.',
    see: [
      'https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-exclude-from-external-load-balancers',
    ],
    after: ['control-plane/init', 'control-plane/node'],
    probes: [nodesProbe(scene)],
    read: sh`
      probe nodes | awk -F '|' -v names=${open.join(' ')} -v label=${`"${NO_BALANCER}"`} '
        { seen = 1 }
        index(" " names " ", " " $1 " ") && index($6, label) { print "left out: " $1; bad = 1 }
        END { if (!seen) print "not known"; else if (!bad) print "none left out" }'`,
    want: 'none left out',
    make: sh`${ask} label nodes ${open} ${`${NO_BALANCER}-`}`,
    clues: API_CLUES,
  };
}
