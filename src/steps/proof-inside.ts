import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { manifestText } from './kinds/manifest.ts';
import { taints } from './node.ts';
import type { Scene } from './phase.ts';
import {
  connect,
  connected,
  DNS_CLUES,
  SILENT_DNS,
  EXEC_CLUES,
  NODE_PORT,
  objects,
  of,
  page,
  POD_CLUES,
  PROOF_NAMESPACE,
  PULL_CLUES,
  ready,
  SERVICE_CLUES,
  SERVICES,
  things,
  WELCOME,
} from './proof-asking.ts';
import type { Step } from './step.ts';

/**
 * Seconds within which whoever watches the API server, kube-proxy and CoreDNS among them, is back and knows a new Service: after it was
 * started anew they come again at longer and longer intervals (client-go's reflector).
 */
const WATCHED = 90;

/** A name that every node of a cluster must be able to resolve, unless all it needs comes from somewhere near. */
const OUTSIDE = 'registry.k8s.io';

const NAMES = 'https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/';

/** Pods run, have addresses, reach each other, and can be looked into. */
export function podSteps(scene: Scene, kube: Shell): readonly Step[] {
  const { cluster } = scene;
  const probes = [things(kube)];
  return [
    {
      id: 'proof/pod',
      title: 'Run a pod from a pinned image',
      why: 'The scheduler, the kubelet, the runtime, the registry and the network plugin all have to do their part before one pod is Ready. The image has a tag that never moves, as every image should.',
      see: ['https://kubernetes.io/docs/concepts/containers/images/'],
      probes,
      read: ready('web', taints(scene)),
      want: 'Ready',
      make: sh`
        # One of a moment ago takes its leave for some seconds, and lets nothing in.
        case $(${kube} get namespace ${PROOF_NAMESPACE} --ignore-not-found -o ${'jsonpath={.status.phase}'}) in
          Terminating) ${kube} wait --for=delete ${`namespace/${PROOF_NAMESPACE}`} --timeout=25s --request-timeout=0 || : ;;
        esac
        ${kube} apply --server-side --field-manager=landfall --force-conflicts -f - ${heredoc(manifestText(objects()))}`,
      within: 180,
      awaits: 'the web pod to be Ready',
      clues: [
        {
          match: /because it is being terminated/,
          means:
            'the namespace of an earlier proof does not come to its end: something in the cluster that should agree to it does not answer',
          try: `kubectl get namespace ${PROOF_NAMESPACE} -o jsonpath='{.status.conditions}' says what; kubectl get apiservices | grep False`,
          diagnosis: 'H84',
        },
        ...PULL_CLUES,
      ],
    },
    {
      id: 'proof/client',
      title: 'Run a second pod to ask from',
      why: 'Half of what can be broken shows only from inside a pod: its routes, its resolver, the rules of Services.',
      see: ['https://kubernetes.io/docs/concepts/services-networking/#the-kubernetes-network-model'],
      probes,
      read: ready('client', taints(scene)),
      want: 'Ready',
      within: 120,
      awaits: 'the client pod to be Ready',
      clues: PULL_CLUES,
    },
    {
      id: 'proof/addresses',
      title: 'Give pods addresses of the pod network',
      why: 'A stray configuration makes the runtime hand out addresses of its own network. Everything on one node then works, and nothing between two.',
      see: ['https://kubernetes.io/docs/concepts/services-networking/#the-kubernetes-network-model'],
      probes,
      read: sh`
        for address in ${of('Pod', 'web', 3)} ${of('Pod', 'client', 3)}; do
          echo "$address" | awk -v pods=${cluster.network.pods} '
            function number(a, o) { split(a, o, "."); return ((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4] }
            { split(pods, net, "/"); size = 2 ^ (32 - net[2])
              if ($1 == "" || int(number($1) / size) != int(number(net[1]) / size)) print "a pod has " ($1 == "" ? "no address" : $1) }'
        done | grep . || echo ${`in ${cluster.network.pods}`}`,
      want: `in ${cluster.network.pods}`,
      clues: [
        {
          match: /^a pod has /,
          means:
            'another network than that of the plugin gave the pod its address: a file comes before its own in /etc/cni/net.d',
          try: 'ls /etc/cni/net.d on that node; landfall apply --only runtime, then delete the pods with wrong addresses',
          diagnosis: 'H16',
        },
      ],
    },
    {
      id: 'proof/node-to-pod',
      title:
        cluster.nodes.length > 1 ? 'Reach the pod from the control plane' : 'Reach the pod from its node',
      why:
        cluster.nodes.length > 1
          ? 'Where the pod is on another node, the packet takes the way of all that goes from node to pod: webhooks, probes of load balancers. When this fails nothing else can work: the routes, the tunnel between the nodes or forwarding are wrong.'
          : 'The kubelet probes pods from the node. When this fails nothing else can work: the bridge, the routes or forwarding are wrong.',
      see: ['https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/'],
      probes,
      read: page(of('Pod', 'web', 3), sh`80`),
      want: WELCOME,
      within: 30,
      awaits: 'an answer from the pod',
    },
    {
      id: 'proof/logs',
      title: 'Read what the pod has written',
      why: 'kubectl logs goes from the API server to the kubelet of the node and to a file the runtime keeps. The request just made must stand in it.',
      see: ['https://kubernetes.io/docs/concepts/cluster-administration/logging/'],
      read: sh`
        if said=$(${kube} -n ${PROOF_NAMESPACE} logs web --tail=50 2>&1); then
          case $said in *'"GET / HTTP'*) echo 'the request is there' ;; *) echo 'the request is not there' ;; esac
        else printf '%s\n' "$said" | tail -n 3; fi`,
      want: 'the request is there',
      within: 10,
      awaits: 'the line to be written',
      clues: EXEC_CLUES,
    },
    {
      id: 'proof/exec',
      title: 'Run a command in a pod',
      why: 'The way in when something is wrong: through the API server and the kubelet into the container. All that follows is asked on it.',
      see: ['https://kubernetes.io/docs/tasks/debug/debug-application/get-shell-running-container/'],
      read: sh`
        if said=$(${kube} -n ${PROOF_NAMESPACE} exec client -- /agnhost help 2>&1); then echo ran; else printf '%s\n' "$said" | tail -n 3; fi`,
      want: 'ran',
      within: 10,
      awaits: 'the command to run',
      clues: EXEC_CLUES,
    },
    {
      id: 'proof/pod-to-pod',
      title: 'Reach the pod from another pod',
      why: 'The promise all of Kubernetes is built on: every pod reaches every other by its address. Where there is a second node, the two pods are on different ones.',
      see: ['https://kubernetes.io/docs/concepts/services-networking/#the-kubernetes-network-model'],
      probes,
      read: connected(kube, sh`${of('Pod', 'web', 3)}:80`),
      want: 'answers',
      within: 10,
      awaits: 'an answer from the pod',
      clues: POD_CLUES,
    },
  ];
}

/** Services lead to pods: from a pod, from a node, and from a pod back to itself. */
export function serviceSteps(kube: Shell): readonly Step[] {
  const probes = [things(kube)];
  return [
    {
      id: 'proof/service',
      title: 'Reach its Service from a pod',
      why: "A Service's address exists nowhere but in firewall rules that kube-proxy writes. An answer proves the rules.",
      see: [SERVICES],
      probes,
      read: connected(kube, sh`${of('Service', 'web', 3)}:80`),
      want: 'answers',
      // It is the first that kube-proxy must have heard of. After a reboot the controller manager is elected anew once its old lease of 15 s
      // is over, too; until then a new Service has no endpoints.
      within: WATCHED,
      awaits: 'an answer from the Service',
      clues: SERVICE_CLUES,
    },
    {
      id: 'proof/service-from-node',
      title: 'Reach its Service from the node',
      why: "What runs in the node's own network, the API server with its webhooks and every hostNetwork pod, takes other rules to the same address.",
      see: [SERVICES],
      probes,
      read: page(of('Service', 'web', 3), sh`80`),
      want: WELCOME,
      within: WATCHED,
      awaits: 'an answer from the Service',
      clues: SERVICE_CLUES,
    },
    {
      id: 'proof/hairpin',
      title: 'Lead a pod back to itself through its Service',
      why: 'A program that calls its own Service may be given itself. The packet must leave the pod and come back to it through the same door, which bridges refuse unless told otherwise.',
      see: [
        'https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#a-pod-fails-to-reach-itself-via-the-service-ip',
      ],
      probes,
      read: connected(kube, sh`${of('Service', 'client', 3)}:80`),
      want: 'answers',
      within: 10,
      awaits: 'the pod to answer itself',
      clues: [
        ...EXEC_CLUES,
        {
          match: /TIMEOUT|REFUSED|OTHER: /,
          means:
            'the bridge of the pods does not send back where it came from: hairpin mode is off, or the packet keeps its source',
          try: 'grep hairpinMode /etc/cni/net.d/*; cat /sys/class/net/veth*/brport/hairpin_mode: it must be 1',
        },
      ],
    },
    {
      id: 'proof/node-port',
      title: 'Open a port for it on every node',
      why: 'A NodePort is how a packet from outside enters without a load balancer. The number is chosen by the API server, from 30000 to 32767.',
      see: [SERVICES],
      probes,
      read: sh`
        port=${of('Service', 'web', 4)}
        if [ -n "$port" ]; then give ${NODE_PORT} "$port"; echo open; else echo none; fi`,
      want: 'open',
      within: 10,
      awaits: 'the API server to choose a port',
      gives: [NODE_PORT],
    },
  ];
}

/** Names: short, full, the API server's own, and those of the world. */
export function nameSteps({ cluster }: Scene, kube: Shell): readonly Step[] {
  const { domain } = cluster.network;
  return [
    {
      id: 'proof/dns-short',
      title: 'Resolve its short name in a pod',
      why: 'Pods call each other by name. The short name proves CoreDNS and the search list that the kubelet writes into each pod.',
      see: [NAMES],
      read: connected(kube, sh`web:80`),
      want: 'answers',
      within: WATCHED,
      awaits: 'CoreDNS to answer',
      clues: [...EXEC_CLUES, ...DNS_CLUES, ...SILENT_DNS],
    },
    {
      id: 'proof/dns-full',
      title: 'Resolve its full name in a pod',
      why: `The full name carries the cluster's domain, ${domain}; it fails alone when kubelet and CoreDNS disagree about that domain.`,
      see: [NAMES],
      read: connected(kube, sh`${`web.${PROOF_NAMESPACE}.svc.${domain}:80`}`),
      want: 'answers',
      within: 10,
      awaits: 'CoreDNS to answer',
      clues: [...EXEC_CLUES, ...DNS_CLUES, ...SILENT_DNS],
    },
    {
      id: 'proof/api-from-pod',
      title: 'Reach the API server from a pod',
      why: 'Controllers, operators and the network plugin itself call it by this name. Its Service leads out of the pod network to the address of a control plane, a way no other pod takes.',
      see: ['https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/'],
      read: connected(kube, sh`${`kubernetes.default.svc.${domain}:443`}`),
      want: 'answers',
      within: 10,
      awaits: 'the API server to answer',
      clues: [...DNS_CLUES, ...SERVICE_CLUES],
    },
    {
      id: 'proof/dns-outside',
      title: 'Resolve names of the world in a pod, if its node can',
      why: 'CoreDNS passes on what it does not know to the name servers of its node. Pods without the names of the world fail in their own words, each in another way.',
      see: [NAMES],
      read: sh`
        if timeout 4 getent -s hosts:dns ahostsv4 ${OUTSIDE} >/dev/null 2>&1; then ${connect(kube, sh`${`${OUTSIDE}:443`}`)} || :; else said=; fi
        case $said in *DNS:*) printf '%s\n' "$said" | tail -n 3 ;; *) echo 'as its node does' ;; esac`,
      want: 'as its node does',
      within: 10,
      awaits: 'CoreDNS to answer',
      clues: [
        {
          match: /DNS: /,
          means:
            "the node resolves a name that CoreDNS does not: the name servers of the node do not answer to a pod's address, or are on its loopback",
          try: 'kubectl -n kube-system logs deployment/coredns; grep nameserver in the file that resolvConf names in /var/lib/kubelet/config.yaml',
          diagnosis: 'H52',
        },
      ],
    },
  ];
}
