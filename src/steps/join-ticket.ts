import { type Cluster, joiningControlPlanes, type Node, workers } from '../model/cluster.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { asked, kubectl, nodesProbe, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Slot, Step } from './step.ts';

/**
 * The late value with which a host joins, in words: its token, the hash of the authority's public key and, for a control plane, the
 * key with which the cluster's own keys are sealed.
 */
export function ticketSlot(node: Node): Slot {
  return `join-${node.name}`;
}

/** Every node but the first control plane. */
function joining(cluster: Cluster): readonly Node[] {
  return [...joiningControlPlanes(cluster), ...workers(cluster)];
}

/** How the tokens Landfall mints are told from everybody else's. */
const DESCRIPTION = 'landfall: one join';

/** How kubeadm describes the token that takes the sealed keys along when it ends. */
const SEALED = 'Proxy for managing TTL for the kubeadm-certs secret';

const TOKENS = 'https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/';

/**
 * On the seat: each host that is to join has a token of its own. It is due when the cluster does not know the node, or when
 * the host itself has no credentials (a new machine under an old name).
 */
export function ticketSteps(scene: Scene): readonly Step[] {
  const { away = [] } = scene;
  const nodes = joining(scene.cluster).filter(({ name }) => !away.includes(name));
  if (nodes.length === 0) return [];
  const isMember = (node: Node): boolean => scene.hosts[node.name]?.member === true;
  const knows = (node: Node): Shell =>
    isMember(node) ? sh`gave ${ticketSlot(node)} || known ${node.name}` : sh`gave ${ticketSlot(node)}`;
  const asks = nodes.some(isMember);
  const ticket = (node: Node): Shell =>
    node.role === 'worker'
      ? sh`ticket=$(mint); give ${ticketSlot(node)} "$ticket"`
      : sh`[ -n "$key" ] || key=$(seal); ticket=$(mint); give ${ticketSlot(node)} "$ticket $key"`;
  const seals = nodes.some(({ role }) => role !== 'worker');
  const known = sh`
    names=$(probe nodes | cut -d '|' -f 1)
    known() { printf '%s\n' "$names" | grep -qxF -- "$1"; }`;
  const asking = (rest: Shell): Shell => (asks ? lines(known, rest) : rest);
  return [
    {
      id: 'join/ticket',
      title: 'Have a token for each host that is to join',
      why: 'A host that is no member yet must show that it was invited. Each gets a token of its own, minted for this one join, that dies after half an hour and is deleted right after; it travels sealed, and is in no file that stays. A control plane is given a key besides: with it the keys of the cluster are sealed while they wait there to be fetched.',
      see: [TOKENS],
      after: ['control-plane/api-ready'],
      gives: nodes.map(ticketSlot),
      probes: asks ? [nodesProbe(scene)] : [],
      read: asking(sh`
        waiting=$(
          ${lines(...nodes.map((node) => sh`${knows(node)} || echo ${node.name}`))}
        )
        echo "\${waiting:-nobody waits}"`),
      want: 'nobody waits',
      make: asking(sh`
        mint() {
          said=$(kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --ttl 30m --description ${DESCRIPTION} --print-join-command) || return
          printf '%s\n' "$said" | sed -n 's/.*--token \([^ ]*\) .*--discovery-token-ca-cert-hash \([^ ]*\).*/\1 \2/p' | grep .
        }
        ${lines(...(seals ? [seal] : []), ...nodes.map((node) => sh`if ${knows(node)}; then :; else ${ticket(node)}; fi`))}`),
      clues: API_CLUES,
    },
  ];
}

/** The keys every control plane shares, put into the cluster sealed; prints what they are sealed with. */
const seal = sh`
  key=
  seal() {
    said=$(kubeadm init phase upload-certs --upload-certs --config ${FILES.kubeadm}) || return
    printf '%s\n' "$said" | grep -xE '[0-9a-f]{64}'
  }`;

/** On the seat, once the joins have ended, well or not: none of their tokens is left. */
export function closingSteps(scene: Scene): readonly Step[] {
  const nodes = joining(scene.cluster);
  if (nodes.length === 0) return [];
  const marks = [DESCRIPTION, ...(nodes.some(({ role }) => role !== 'worker') ? [SEALED] : [])];
  const kube = sh`${kubectl(scene)} -n kube-system`;
  const path = '{range .items[*]}{.metadata.name} {.data.description}{"\\n"}{end}';
  const ours = sh`awk -v ours=${marks.map((mark) => btoa(mark)).join(' ')} '$2 != "" && index(" " ours " ", " " $2 " ") { print $1 }'`;
  const list = sh`${kube} get secrets --field-selector type=bootstrap.kubernetes.io/token -o jsonpath=${path}`;
  return [
    {
      id: 'join/no-tokens',
      title: 'Leave no token behind',
      why: 'Whoever has a token can make any machine a member and be given pods with their secrets. So none lives longer than the join it was minted for, and one that a run left behind when it was killed is found here.',
      see: [TOKENS],
      after: ['control-plane/api-ready'],
      probes: [asked(scene, 'join_tokens', sh`${list} && echo answered`)],
      read: sh`
        case $(probe join_tokens) in
          *answered) probe join_tokens | ${ours} | grep . || echo none ;;
          *) echo ${SILENT} ;;
        esac`,
      want: 'none',
      make: lines(
        sh`for secret in $(${list} | ${ours}); do ${kube} delete secret "$secret" --ignore-not-found; done`,
        ...(marks.includes(SEALED) ? [sh`${kube} delete secret kubeadm-certs --ignore-not-found`] : []),
      ),
      clues: API_CLUES,
    },
  ];
}
