import { isFirstControlPlane, type Node, workers } from '../model/cluster.ts';
import { memberAddress } from '../model/member.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { PKI } from './key-files.ts';
import { answering, type At, kubectl, nodeAddress, nodesProbe, requestsProbe } from './node.ts';
import type { Scene } from './phase.ts';
import { WISHED } from './places.ts';
import { ADDRESS_LABEL, approver, SERVING_SIGNER } from './serving-approval.ts';
import type { Clue, Probe, Step, StepId } from './step.ts';

const BOOTSTRAPPING = 'https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/';

const CA = `${PKI}/ca.crt`;
const CERTIFICATE = '/var/lib/kubelet/pki/kubelet-server-current.pem';

/** What {@link signed} wants to see. */
const SIGNED = 'signed by the cluster';

const CLUES: readonly Clue[] = [
  {
    match: /^it has not asked for one$/,
    means: 'kubelet has asked for no certificate: it does not run, or its node has no address yet',
    try: 'systemctl status kubelet; journalctl -u kubelet -n 50; kubectl get csr',
    diagnosis: 'H69',
  },
  {
    match: /it names .*, and cluster\.yaml |hostname mismatch|IP address mismatch/,
    means: 'kubelet asks for other names than its node has in cluster.yaml',
    try: 'kubectl get node -o wide shows the address kubelet has taken; internalAddress: in cluster.yaml says which it is to take',
    diagnosis: 'H69',
  },
  {
    match: /certificate has expired|unable to get local issuer certificate|self[- ]signed certificate/,
    means: 'the certificate kubelet serves has run out, or another authority has signed it',
    try: 'kubectl get csr shows what waits; journalctl -u landfall-approve on a control plane says why it is not granted',
    diagnosis: 'H69',
  },
];

/** `read`, or a word when the API server does not say which nodes there are: then nothing is known of their requests, either. */
function answered(read: Shell): Shell {
  return sh`
    if [ -z "$(probe nodes)" ]; then
      echo 'the API server names no node'
    else
      ${read}
    fi`;
}

/** Prints whether kubelet serves a certificate of its own name and address that the cluster's authority has signed, or what is wrong. */
function served({ node, facts }: Scene): Shell {
  const checks = [
    '-purpose',
    'sslserver',
    '-verify_hostname',
    node.name,
    '-verify_ip',
    nodeAddress(node, facts),
  ];
  return sh`
    if ! [ -e ${CERTIFICATE} ]; then echo 'none yet'
    elif said=$(openssl verify -CAfile ${CA} ${checks} ${CERTIFICATE} 2>&1); then echo ${SIGNED}
    else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi`;
}

function servedProbe(scene: Scene): Probe {
  return { name: 'served_certificate', run: served(scene) };
}

const readyAt = (at: At): readonly StepId[] => [`${at}/api-ready`, `${at}/node`];

/** On a control plane, once its API server is ready and knows the node: what its kubelet needs to be granted a certificate. */
export function ownRequestSteps(scene: Scene, at: At): readonly Step[] {
  if (scene.cluster.certificates.kubelets !== 'signed') return [];
  return [
    asksStep(scene, at),
    approver(scene, { id: `${at}/approver`, after: [`${at}/api-ready`] }),
    addressStep(scene, `${at}/serving-address`, [scene.node], readyAt(at)),
  ];
}

/**
 * On a control plane: kubelet serves a certificate that the cluster has signed. It comes before anything is asked of a pod by way of
 * kubelet, as etcd is.
 */
export function ownServingSteps(scene: Scene, at: At): readonly Step[] {
  if (scene.cluster.certificates.kubelets !== 'signed') return [];
  const id = (what: string): StepId => `${at}/${what}`;
  return [
    {
      ...about(id('serving')),
      after: [...readyAt(at), id('serving-settings'), id('approver'), id('serving-address')],
      disturbs: 'service',
      // Who signs may just be coming up again itself: a controller manager that lost its API server for a while is started anew.
      within: 120,
      awaits: 'kubelet to take its certificate',
      probes: [servedProbe(scene)],
      read: sh`probe served_certificate`,
      want: SIGNED,
      // kubelet asks when it knows its node's address, some seconds after its start.
      make: sh`
        now() {
          ${served(scene)}
        }
        tries=0
        until ${WISHED.approve} list 2>/dev/null | grep -qxF ${scene.node.name} || [ "$(now)" = ${SIGNED} ] || [ "$tries" -ge 60 ]; do
          tries=$((tries + 1)); sleep 1
        done
        ${WISHED.approve}`,
      clues: [...CLUES, ...API_CLUES],
    },
  ];
}

function about(id: StepId): Pick<Step, 'id' | 'title' | 'why' | 'see'> {
  return {
    id,
    title: 'Have kubelet serve a certificate the cluster has signed',
    why: 'The API server hands commands and whole sessions to whoever answers at the address of a node, and metrics are read from there. Only a certificate of the cluster’s own authority shows that it is the node’s kubelet.',
    see: [BOOTSTRAPPING],
  };
}

/** On a worker that has joined: its kubelet asks the cluster for a certificate; it is granted on a control plane. */
export function askingSteps(scene: Scene): readonly Step[] {
  if (scene.cluster.certificates.kubelets !== 'signed') return [];
  const path =
    '{range .items[*]}{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}{"\\n"}{end}';
  const line = `${SERVING_SIGNER}|system:node:${scene.node.name}|`;
  return [
    asksStep(scene, 'join'),
    check(
      {
        id: 'join/serving-asked',
        title: 'See that kubelet asks for its certificate',
        why: 'It asks when it has started and knows its address. A control plane then holds what it asks for against cluster.yaml; until it is granted, no log of this node’s pods can be read by way of the cluster.',
        see: [BOOTSTRAPPING],
        after: ['join/serving-settings', 'join/node'],
        within: 60,
        awaits: 'kubelet to ask for its certificate',
        probes: [servedProbe(scene)],
        clues: [...CLUES, ...API_CLUES],
      },
      {
        read: sh`
          if [ "$(probe served_certificate)" = ${SIGNED} ] || ${kubectl(scene)} get csr -o jsonpath=${path} | grep -qxF ${line}; then echo asked
          else echo 'it has not asked for one'; fi`,
        want: 'asked',
      },
    ),
  ];
}

/** On the seat: what the workers' kubelets ask for is granted. */
export function grantingSteps(scene: Scene): readonly Step[] {
  const nodes = workers(scene.cluster);
  if (scene.cluster.certificates.kubelets !== 'signed' || nodes.length === 0) return [];
  const list = sh`${WISHED.approve} list | sort -u`;
  return [
    addressStep(
      scene,
      'serving/address',
      answering(scene).filter(({ role }) => role === 'worker'),
      ['control-plane/api-ready', 'join/node'],
    ),
    {
      id: 'serving/granted',
      title: 'Grant the workers’ kubelets their certificates',
      why: 'A worker cannot vouch for itself. What it asks for is granted when it names the worker and its address as cluster.yaml has them, and nothing else.',
      see: [BOOTSTRAPPING],
      after: ['control-plane/approver', 'serving/address', 'join/serving-asked'],
      probes: [nodesProbe(scene), requestsProbe(scene)],
      read: answered(sh`
        if probe requests | grep -qxF ${nodes.flatMap(({ name }) => ['-e', `${SERVING_SIGNER}|system:node:${name}|`])}; then ${list} | grep . || echo 'nobody waits'
        else echo 'nobody waits'; fi`),
      want: 'nobody waits',
      make: sh`${WISHED.approve}`,
      clues: API_CLUES,
    },
  ];
}

/** On a worker: what it has asked for was granted, and is what its kubelet serves. */
export function servedSteps(scene: Scene): readonly Step[] {
  if (scene.cluster.certificates.kubelets !== 'signed' || scene.node.role !== 'worker') return [];
  return [
    check(
      {
        ...about('serving/signed'),
        after: ['join/serving-asked', 'serving/granted'],
        within: 120,
        awaits: 'kubelet to take its certificate',
        probes: [servedProbe(scene)],
        clues: CLUES,
      },
      { read: sh`probe served_certificate`, want: SIGNED },
    ),
  ];
}

/** kubelet is told to ask the cluster for what it serves. kubeadm fetches its settings from the cluster, where they are kept. */
function asksStep({ cluster, node }: Scene, at: At): Step {
  const first = isFirstControlPlane(cluster, node);
  return {
    id: `${at}/serving-settings`,
    title: 'Have kubelet ask the cluster for the certificate it serves',
    why: 'Left to itself kubelet makes a certificate and signs it with its own key: nobody can tell it from a stranger’s, and it is never renewed.',
    see: [BOOTSTRAPPING, 'https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/'],
    after: [`${at}/kubelet`, first ? 'control-plane/kept-settings' : 'join/node'],
    disturbs: 'service',
    read: sh`if grep -qx 'serverTLSBootstrap: true' /var/lib/kubelet/config.yaml 2>/dev/null; then echo 'asks the cluster'; else echo 'makes its own'; fi`,
    want: 'asks the cluster',
    make: sh`
      kubeadm upgrade node phase kubelet-config
      rm -rf /etc/kubernetes/tmp/kubeadm-kubelet-config*
      sync -f /var/lib/kubelet
      systemctl restart kubelet`,
    clues: API_CLUES,
  };
}

/** Writes down in the cluster, where no kubelet can, at which address cluster.yaml has these nodes. Who is no member yet is left out. */
function addressStep(scene: Scene, id: StepId, nodes: readonly Node[], after: readonly StepId[]): Step {
  const known = nodes.flatMap((node) => {
    const address = memberAddress(
      node,
      scene.hosts[node.name] ?? (node.name === scene.node.name ? scene.facts : undefined),
    );
    return address === undefined ? [] : [{ name: node.name, address }];
  });
  const wanted = known.map(({ name, address }) => `${name}|"${ADDRESS_LABEL}":"${address}"`).join(' ');
  const lacks: Shell = sh`
    awk -F '|' -v wanted=${wanted} '
      BEGIN { n = split(wanted, pairs, " "); for (i = 1; i <= n; i++) { split(pairs[i], p, "|"); mark[p[1]] = p[2] } }
      ($1 in mark) && !index($6, mark[$1]) { print $1 }'`;
  return {
    id,
    title: 'Write down in the cluster at which address each node is',
    why: 'What a kubelet asks for is held against this, not against what the kubelet says of itself: a label that no kubelet may set, with the address cluster.yaml gives the node.',
    see: ['https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/'],
    after,
    probes: [nodesProbe(scene)],
    read: answered(sh`probe nodes | ${lacks} | grep . || echo 'all of them'`),
    want: 'all of them',
    make: lines(
      sh`open=" $(probe nodes | ${lacks} | paste -sd ' ' -) "`,
      ...known.map(
        ({ name, address }) =>
          sh`case $open in *${` ${name} `}*) ${kubectl(scene)} label node ${name} ${`${ADDRESS_LABEL}=${address}`} --overwrite ;; esac`,
      ),
    ),
    clues: API_CLUES,
  };
}
