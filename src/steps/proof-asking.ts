import { type Shell, sh } from '../shell/sh.ts';
import type { KubernetesObject } from './kinds/manifest.ts';
import type { Clue, Probe } from './step.ts';

/** The proof's own namespace: everything it makes is in it, so that taking it away is one deletion. */
export const PROOF_NAMESPACE = 'landfall-proof';

/** The late value that carries the NodePort from the seat to the operator's machine. */
export const NODE_PORT = 'proof-node-port';

const WEB_IMAGE = 'docker.io/library/nginx:1.28.0';
/** Kubernetes' own image for asking questions from inside; the tag its 1.36 tests use. */
const CLIENT_IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';

/** Where Services are explained. */
export const SERVICES = 'https://kubernetes.io/docs/concepts/services-networking/service/';

/** The pods' own account: the one every namespace has comes only when a controller gets to it, and pods are refused before. */
const ACCOUNT = 'proof';

export const DNS_CLUES: readonly Clue[] = [
  {
    match: /DNS: /,
    means: 'the name is not resolved inside the cluster, though the Service itself answers by its address',
    try: 'kubectl -n kube-system logs deployment/coredns; kubectl -n kube-system get endpointslices -l k8s-app=kube-dns',
    diagnosis: 'H52',
  },
];

/** What else it may be when a Service is asked by its name. */
export const SILENT_DNS: readonly Clue[] = [
  {
    match: /TIMEOUT|REFUSED|OTHER: /,
    means: 'the name is resolved, and what it leads to does not answer: not a matter of names',
    try: 'look at what the proof says of the Service itself, above',
  },
  {
    match: /^no answer/,
    means: 'the question was still open after half a minute: nobody answers where pods ask for names',
    try: 'kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide; UDP and TCP port 53 must pass between pods and nodes',
    diagnosis: 'H52',
  },
];

function pod(name: string, container: Readonly<Record<string, unknown>>): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: PROOF_NAMESPACE, labels: { app: name, proof: 'pod' } },
    spec: {
      serviceAccountName: ACCOUNT,
      automountServiceAccountToken: false,
      // On two nodes where two take pods, so that what goes from pod to pod goes from node to node.
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'DoNotSchedule',
          nodeTaintsPolicy: 'Honor',
          labelSelector: { matchLabels: { proof: 'pod' } },
        },
      ],
      containers: [{ name, ...container }],
    },
  };
}

/** The port the pod to ask from listens on, for asking itself. */
const CLIENT_PORT = 8080;

/** A web server, its Service with a port on every node, and a pod to ask from, with a Service that leads back to it. */
export function objects(): readonly KubernetesObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: PROOF_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace: PROOF_NAMESPACE } },
    pod('web', {
      image: WEB_IMAGE,
      ports: [{ containerPort: 80 }],
      readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 },
    }),
    pod('client', { image: CLIENT_IMAGE, args: ['netexec', `--http-port=${CLIENT_PORT}`, '--udp-port=-1'] }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: PROOF_NAMESPACE },
      spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'client', namespace: PROOF_NAMESPACE },
      spec: { selector: { app: 'client' }, ports: [{ port: 80, targetPort: CLIENT_PORT }] },
    },
  ];
}

export const PULL_CLUES: readonly Clue[] = [
  {
    match: /toomanyrequests|pull rate limit/,
    means: 'the registry limits how often an address may pull without an account',
    try: 'wait an hour, or give the runtime a mirror or credentials for docker.io',
    diagnosis: 'H26',
  },
  {
    match: /ErrImagePull|ImagePullBackOff/,
    means: 'the image cannot be pulled from this node',
    try: 'on the node: crictl pull docker.io/library/nginx:1.28.0; its words tell whether name, network or registry are at fault',
  },
  {
    match: /untolerated taint.*node-role\.kubernetes\.io\/control-plane/,
    means: 'no node takes ordinary workloads: control planes keep them away by a taint',
    try: 'set workloads: true on the node in cluster.yaml, or add a worker',
    diagnosis: 'H39',
  },
];

/** Why a command could not be run in a pod, which is how pods are asked. */
export const EXEC_CLUES: readonly Clue[] = [
  {
    match: /dial tcp .*:10250|unable to upgrade connection|error dialing backend/,
    means:
      'the API server cannot speak with the kubelet of the node, which runs commands in pods and hands out logs',
    try: 'from the control plane: curl -k https://NODE:10250/healthz; where it does not answer, a firewall on the node is in between, or the cluster has a wrong address of it (kubectl get nodes -o wide)',
    diagnosis: 'H99',
  },
  {
    match: /remote error: tls: internal error/,
    means:
      'the kubelet of the node has no certificate to show yet: it asked the cluster for one, and nobody has approved it',
    try: 'landfall apply grants what is asked for with the right name and address; kubectl get csr shows what is pending, and journalctl -u landfall-approve on a control plane why',
    diagnosis: 'H69',
  },
];

export const POD_CLUES: readonly Clue[] = [
  ...EXEC_CLUES,
  {
    match: /TIMEOUT|OTHER: .*no route/,
    means:
      'packets for pods get lost between nodes or at the bridge: forwarding is off, or a firewall drops what the network plugin carries',
    try: 'sysctl net.ipv4.ip_forward; nft list ruleset | grep -B 2 -e drop -e reject; between nodes UDP 8472 (flannel) must pass',
    diagnosis: 'H44',
  },
];

export const SERVICE_CLUES: readonly Clue[] = [
  ...EXEC_CLUES,
  {
    match: /TIMEOUT|REFUSED|OTHER: |timed out|refused|no answer/i,
    means:
      "if the pod itself answers (see above), its Service's address leads nowhere: the rules of kube-proxy are missing or undone",
    try: 'kubectl -n kube-system logs daemonset/kube-proxy; nft list table ip kube-proxy | head; a firewall that flushes all rules when it reloads takes these along',
  },
];

/** A line each pod, `app address ready`, then what hinders those that are not; Services are `service name address port`. */
export function things(kube: Shell): Probe {
  const line = [
    '{.kind}|{.metadata.name}|{.status.podIP}{.spec.clusterIP}|',
    '{.status.conditions[?(@.type=="Ready")].status}{.spec.ports[0].nodePort}|',
    '{.status.phase} {.status.conditions[?(@.type=="PodScheduled")].message} ',
    '{.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}',
  ].join('');
  return {
    name: 'proof_things',
    run: sh`${kube} -n ${PROOF_NAMESPACE} get pods,services -o ${`jsonpath={range .items[*]}${line}{"\\n"}{end}`}`,
  };
}

/** Of a pod or Service of the proof: its address (3), whether it is Ready or its port on every node (4), or what hinders it (5). */
export function of(kind: 'Pod' | 'Service', name: string, field: 3 | 4 | 5): Shell {
  return sh`"$(probe proof_things | awk -F '|' -v kind=${kind} -v name=${name} -v field=${field} '$1 == kind && $2 == name { print $field }')"`;
}

/** Whether a pod is Ready; when it is not, the reason its container or the scheduler gives. @param taints prints those there are. */
export function ready(name: string, taints: Shell): Shell {
  return sh`
    if [ ${of('Pod', name, 4)} = True ]; then echo Ready
    else
      words=${of('Pod', name, 5)}
      case $words in *'untolerated taint(s)'*) words="$words (taints of $(${taints}))" ;; esac
      echo "not Ready: $words"
    fi`;
}

/** Gets a page and prints its status and whether it is nginx's own; curl where it is, else bash alone. */
export function page(host: Shell, port: Shell): Shell {
  return sh`
    { if command -v curl >/dev/null 2>&1; then curl -sS -i -m 5 "http://"${host}":"${port}"/" 2>&1
    else timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' ${host} ${port} 2>&1; fi; } | tr -d '\r' | awk '
      NR == 1 { first = $0; if ($1 ~ /^HTTP/) first = $2 " " $3 }
      /Welcome to nginx!/ { first = first ", Welcome to nginx!" ; exit }
      END { print first == "" ? "no answer" : first }'`;
}

export const WELCOME = '200 OK, Welcome to nginx!';

/** `$said` becomes what `agnhost connect` says from inside the client's pod: nothing when it got through, which is its status too. */
export function connect(kube: Shell, target: Shell): Shell {
  return sh`said=$(${kube} -n ${PROOF_NAMESPACE} exec client -- /agnhost connect ${target} --timeout=4s 2>&1)`;
}

/** Whether the client's pod gets through to a target. */
export function connected(kube: Shell, target: Shell): Shell {
  return sh`
    ${connect(kube, target)} && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }`;
}
