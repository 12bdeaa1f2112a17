import type { Node } from '../model/cluster.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { answering, asked, kubectl, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step, StepId } from './step.ts';

/** A taint in its parts. */
export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** Takes a taint apart: `dedicated=db:NoSchedule`. The file it comes from has been checked. */
export function taintOf(text: string): Taint {
  const [rest = '', effect = ''] = text.split(':');
  const [key = '', value = ''] = rest.split('=');
  return { key, value, effect };
}

/** `NODE|MARK`, a line each mark a node is to have; in the cluster's own spelling. */
function wishes(nodes: readonly Node[], marks: (node: Node) => readonly string[]): readonly string[] {
  return nodes.flatMap((node) => marks(node).map((mark) => `${node.name}|${mark}`));
}

/** Prints the wishes that are not among the lines of a probe, as `NODE: MARK is missing`; else that all is as wished. */
function missing(probe: string, wanted: readonly string[]): Shell {
  return sh`
    there=$(probe ${probe})
    case $there in
      *answered)
        for wish in ${wanted}; do
          printf '%s\n' "$there" | grep -qxF -- "$wish" || echo "\${wish%%|*}: \${wish#*|} is missing"
        done | grep . || echo 'as wished' ;;
      *) echo ${SILENT} ;;
    esac`;
}

/** The labels and taints cluster.yaml gives to nodes. Other marks of a node are left alone. */
export function nodeMarkSteps(scene: Scene): readonly Step[] {
  const nodes = answering(scene);
  return [
    ...(nodes.some(({ labels = {} }) => Object.keys(labels).length > 0) ? [labelsStep(scene)] : []),
    ...(nodes.some(({ taints = [] }) => taints.length > 0) ? [taintsStep(scene)] : []),
  ];
}

/** The steps after which every node is in the cluster. */
const known = ({ cluster }: Scene): readonly StepId[] => [
  'control-plane/node',
  ...(cluster.nodes.length === 1 ? [] : (['join/node'] as const)),
];

function labelsStep(scene: Scene): Step {
  const nodes = answering(scene);
  const kube = kubectl(scene);
  const template =
    '{{range .items}}{{$name := .metadata.name}}{{range $key, $value := .metadata.labels}}{{$name}}|{{$key}}={{$value}}{{"\\n"}}{{end}}{{end}}';
  const marks = ({ labels = {} }: Node): readonly string[] =>
    Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return {
    id: 'workloads/labels',
    title: 'Give the nodes their labels',
    why: 'Workloads choose their nodes by labels, and spread over what labels call a zone. The kubelet may not give itself all of them, so the cluster is told.',
    see: ['https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/'],
    after: known(scene),
    probes: [asked(scene, 'node_labels', sh`${kube} get nodes -o go-template=${template} && echo answered`)],
    read: missing('node_labels', wishes(nodes, marks)),
    want: 'as wished',
    make: lines(
      ...nodes
        .filter((node) => marks(node).length > 0)
        .map((node) => sh`${kube} label node ${node.name} ${marks(node)} --overwrite`),
    ),
    clues: API_CLUES,
  };
}

function taintsStep(scene: Scene): Step {
  const nodes = answering(scene);
  const kube = kubectl(scene);
  const template =
    '{{range .items}}{{$name := .metadata.name}}{{range .spec.taints}}{{$name}}|{{.key}}{{with .value}}={{.}}{{end}}:{{.effect}}{{"\\n"}}{{end}}{{end}}';
  const marks = ({ taints = [] }: Node): readonly string[] => taints;
  return {
    id: 'workloads/node-taints',
    title: 'Give the nodes their taints',
    why: 'A taint keeps pods off a node that do not say they bear it. One with the effect NoExecute also ends those that run there.',
    see: ['https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/'],
    after: known(scene),
    probes: [asked(scene, 'node_taints', sh`${kube} get nodes -o go-template=${template} && echo answered`)],
    read: missing('node_taints', wishes(nodes, marks)),
    want: 'as wished',
    make: lines(
      ...nodes
        .filter((node) => marks(node).length > 0)
        .map((node) => sh`${kube} taint node ${node.name} ${marks(node)} --overwrite`),
    ),
    clues: API_CLUES,
  };
}
