import { isIPv4 } from '../model/network.ts';
import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { type KubernetesObject, manifestText } from './kinds/manifest.ts';
import { asked, kubectl, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import type { Clue, Step } from './step.ts';

/** The proof's own namespace: everything it makes is in it, so that taking it away is one deletion. */
export const PROOF_NAMESPACE = 'landfall-proof';

/** The late value that carries the NodePort from the seat to the operator's machine. */
const NODE_PORT = 'proof-node-port';

const WEB_IMAGE = 'docker.io/library/nginx:1.28.0';
/** Kubernetes' own image for asking questions from inside; the tag its 1.36 tests use. */
const CLIENT_IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';

/** The pods' own account: the one every namespace has comes only when a controller gets to it, and pods are refused before. */
const ACCOUNT = 'proof';

const DNS_CLUES: readonly Clue[] = [
  {
    match: /no such host|server misbehaving|i\/o timeout|no answer/,
    means: 'the name is not resolved inside the cluster, though the Service itself answers by its address',
    try: 'kubectl -n kube-system logs deployment/coredns; kubectl -n kube-system get endpointslices -l k8s-app=kube-dns',
    diagnosis: 'H52',
  },
];

const SERVICES = 'https://kubernetes.io/docs/concepts/services-networking/service/';

function pod(name: string, container: Readonly<Record<string, unknown>>): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: PROOF_NAMESPACE, labels: { app: name } },
    spec: {
      serviceAccountName: ACCOUNT,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name, ...container }],
    },
  };
}

/** A web server, its Service with a port on every node, and a pod to ask from. */
function objects(): readonly KubernetesObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: PROOF_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace: PROOF_NAMESPACE } },
    pod('web', {
      image: WEB_IMAGE,
      ports: [{ containerPort: 80 }],
      readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 },
    }),
    pod('client', { image: CLIENT_IMAGE, args: ['pause'] }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: PROOF_NAMESPACE },
      spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
  ];
}

const PULL_CLUES: readonly Clue[] = [
  {
    match: /toomanyrequests|pull rate limit/,
    means: 'the registry limits how often an address may pull without an account',
    try: 'wait an hour, or give the runtime a mirror or credentials for docker.io',
    diagnosis: 'H26',
  },
  {
    match: /ErrImagePull|ImagePullBackOff/,
    means: 'the image cannot be pulled from this node',
    try: 'on the node: crictl pull docker.io/library/nginx:1.28.0   its words tell whether name, network or registry are at fault',
  },
  {
    match: /untolerated taint \{node-role\.kubernetes\.io\/control-plane/,
    means: 'no node takes ordinary workloads: control planes keep them away by a taint',
    try: 'set workloads: true on the node in cluster.yaml, or add a worker',
    diagnosis: 'H39',
  },
];

/** Whether a pod is Ready; when it is not, the reason its container or the scheduler gives. */
function ready(name: string, kube: Shell): Shell {
  return sh`
    state=$(${kube} -n ${PROOF_NAMESPACE} get pod ${name} --ignore-not-found \
      -o ${'jsonpath={.status.conditions[?(@.type=="Ready")].status}'} 2>/dev/null)
    if [ "$state" = True ]; then echo Ready
    else
      why=$(${kube} -n ${PROOF_NAMESPACE} get pod ${name} --ignore-not-found \
      -o ${'jsonpath={.status.phase} {.status.conditions[?(@.type=="PodScheduled")].message} {.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}'} 2>/dev/null)
      echo "not Ready: $why"
    fi`;
}

/** Gets a page and prints its status and whether it is nginx's own; curl where it is, else bash alone. */
function page(host: Shell, port: Shell): Shell {
  return sh`
    { if command -v curl >/dev/null 2>&1; then curl -sS -i -m 5 "http://"${host}":"${port}"/" 2>&1
    else timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' ${host} ${port} 2>&1; fi; } | tr -d '\r' | awk '
      NR == 1 { first = $0; if ($1 ~ /^HTTP/) first = $2 " " $3 }
      /Welcome to nginx!/ { first = first ", Welcome to nginx!" ; exit }
      END { print first == "" ? "no answer" : first }'`;
}

const WELCOME = '200 OK, Welcome to nginx!';

/** What `agnhost connect` says from inside the client's pod: nothing when it got through. */
function connected(kube: Shell, target: Shell): Shell {
  return sh`
    said=$(${kube} -n ${PROOF_NAMESPACE} exec client -- /agnhost connect ${target} --timeout=4s 2>&1) && echo answers || { echo no answer; printf '%s\n' "$said" | tail -n 3; }`;
}

/** On the seat: the pods, and everything that can be asked from a node or from inside. */
export function proofSteps(scene: Scene): readonly Step[] {
  const kube = kubectl(scene);
  const get = (what: string, name: string, path: string): Shell =>
    sh`${kube} -n ${PROOF_NAMESPACE} get ${what} ${name} -o ${`jsonpath={${path}}`}`;
  const full = `web.${PROOF_NAMESPACE}.svc.${scene.cluster.network.domain}`;
  return [
    {
      id: 'proof/pod',
      title: 'Run a pod from a pinned image',
      why: 'The scheduler, the kubelet, the runtime, the registry and the network plugin all have to do their part before one pod is Ready. The image has a tag that never moves, as every image should.',
      see: ['https://kubernetes.io/docs/concepts/containers/images/'],
      read: ready('web', kube),
      want: 'Ready',
      make: sh`${kube} apply --server-side --field-manager=landfall --force-conflicts -f - ${heredoc(manifestText(objects()))}`,
      within: 180,
      awaits: 'the web pod to be Ready',
      clues: PULL_CLUES,
    },
    {
      id: 'proof/client',
      title: 'Run a second pod to ask from',
      why: 'Half of what can be broken shows only from inside a pod: its routes, its resolver, the rules of Services.',
      read: ready('client', kube),
      want: 'Ready',
      within: 120,
      awaits: 'the client pod to be Ready',
      clues: PULL_CLUES,
    },
    {
      id: 'proof/node-to-pod',
      title: 'Reach the pod from its node',
      why: 'The kubelet probes pods from the node. When this fails nothing else can work: the bridge, the routes or forwarding are wrong.',
      read: page(sh`"$(${get('pod', 'web', '.status.podIP')})"`, sh`80`),
      want: WELCOME,
      within: 30,
      awaits: 'an answer from the pod',
    },
    {
      id: 'proof/service',
      title: 'Reach its Service from a pod',
      why: "A Service's address exists nowhere but in firewall rules that kube-proxy writes. An answer proves the rules, and the way from pod to pod.",
      see: [SERVICES],
      read: connected(kube, sh`"$(${get('service', 'web', '.spec.clusterIP')})":80`),
      want: 'answers',
      within: 30,
      awaits: 'an answer from the Service',
    },
    {
      id: 'proof/dns-short',
      title: 'Resolve its short name in a pod',
      why: 'Pods call each other by name. The short name proves CoreDNS and the search list that the kubelet writes into each pod.',
      see: ['https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/'],
      read: connected(kube, sh`web:80`),
      want: 'answers',
      within: 60,
      awaits: 'CoreDNS to answer',
      clues: DNS_CLUES,
    },
    {
      id: 'proof/dns-full',
      title: 'Resolve its full name in a pod',
      why: `The full name carries the cluster's domain, ${scene.cluster.network.domain}; it fails alone when kubelet and CoreDNS disagree about that domain.`,
      read: connected(kube, sh`${`${full}:80`}`),
      want: 'answers',
      within: 30,
      awaits: 'CoreDNS to answer',
      clues: DNS_CLUES,
    },
    {
      id: 'proof/node-port',
      title: 'Open a port for it on every node',
      why: 'A NodePort is how a packet from outside enters without a load balancer. The number is chosen by the API server, from 30000 to 32767.',
      see: [SERVICES],
      read: sh`
        port=$(${get('service', 'web', '.spec.ports[0].nodePort')})
        if [ -n "$port" ]; then give ${NODE_PORT} "$port"; echo open; else echo none; fi`,
      want: 'open',
      within: 10,
      awaits: 'the API server to choose a port',
      gives: [NODE_PORT],
    },
  ];
}

/** On the operator's machine: the cluster as it is seen from outside. */
export function outsideSteps({ node, facts }: Scene): readonly Step[] {
  const address = isIPv4(node.address) ? node.address : nodeAddress(node, facts);
  return [
    {
      id: 'proof/from-outside',
      title: 'Reach it from this machine, through the NodePort',
      why: 'The whole way a user takes: the network to the node, its firewall, the rules of the Service, the pod, and back.',
      see: [SERVICES],
      read: page(sh`${address}`, sh`"$(slot ${NODE_PORT})"`),
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
          try: `open the port range on the way to ${address}, or leave it closed on purpose: then this part of the proof cannot pass`,
        },
      ],
    },
  ];
}

/** On the seat: the proof's namespace is gone, and with it everything the proof made. */
export function cleaned(
  scene: Scene,
  about: Pick<Step, 'id' | 'title' | 'why'> & Partial<Pick<Step, 'after'>>,
): Step {
  const kube = kubectl(scene);
  const there = sh`${kube} get namespace ${PROOF_NAMESPACE} --ignore-not-found -o name && echo answered`;
  return {
    ...about,
    probes: [asked(scene, 'proof_namespace', there)],
    read: sh`
      case $(probe proof_namespace) in
        answered) echo gone ;;
        *answered) echo ${`namespace/${PROOF_NAMESPACE} is there`} ;;
        *) echo 'the API server does not answer' ;;
      esac`,
    want: 'gone',
    make: sh`${kube} delete namespace ${PROOF_NAMESPACE} --ignore-not-found --wait=false`,
    within: 120,
    awaits: 'the namespace to be gone',
  };
}

/** The proof's last phase. */
export function cleaningSteps(scene: Scene): readonly Step[] {
  return [
    cleaned(scene, {
      id: 'proof/cleaned',
      title: 'Take the proof away again',
      why: 'What was made to prove the cluster is nobody else’s business: its namespace goes, and with it the pods, the Service and the open port.',
    }),
  ];
}
