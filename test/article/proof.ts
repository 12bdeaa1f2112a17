import { type Chapter, clue, command, done, field, file, item, later, step } from './item.ts';

/** That it works, and what is promised for another time. */
export const PROOF: readonly Chapter[] = [
  {
    title: 'Does it work?',
    items: [
      item(
        148,
        'Run nginx',
        done`${step('proof/pod', 'docker.io/library/nginx:')}, in a namespace of the proof’s own; ${command('apply')} does it when it has made something, ${command('status --prove')} whenever you like.`,
      ),
      item(
        149,
        'See that it waits',
        done`${step('proof/pod')} prints what hinders it, in the scheduler’s and the runtime’s own words.`,
      ),
      item(
        150,
        'Never an image without a tag, nor latest',
        done`${step('proof/pod', 'nginx:1.28.0')} names a release, as every image here is: landfall.lock has the digests of the control plane’s. One that is named so and cannot be had is told by that name: ${clue('network/dns', 'ErrImagePull unable to pull image or OCI artifact: pull image err: initializing source docker://registry.k8s.io/coredns/coredns:latest: reading manifest latest in registry.k8s.io/coredns/coredns: manifest unknown', 'H42')}. Nothing in the cluster refuses such images of yours yet.`,
      ),
      item(
        151,
        'It waits because control planes keep workloads away; the command shown is not the one that says so',
        done`${clue('proof/pod', 'not Ready: Pending 0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }. preemption: 0/1 nodes are available', 'H39')}, from the pod’s own state.`,
      ),
      item(
        152,
        'kubeadm keeps them away on purpose',
        done`${step('workloads/taint')} says what for, and which way round it is wanted here.`,
      ),
      item(
        153,
        'Take the taint off',
        done`${field('nodes[].workloads')}: true on the only node. kubeadm is told from the beginning, ${step('control-plane/kubeadm-config', 'taints: []')}, and ${step('workloads/taint', 'node-role.kubernetes.io/control-plane-')} keeps it so.`,
      ),
      item(
        154,
        'It runs, and has an address',
        done`${step('proof/pod')}; that the address is one of the pod network, ${step('proof/addresses')}.`,
      ),
      item(155, 'Fetch its page from the node', done`${step('proof/node-to-pod', 'Welcome to nginx!')}.`),
      item(
        156,
        'Give it a Service with a NodePort',
        done`${step('proof/pod', 'type: NodePort')} makes it along with the pod.`,
      ),
      item(
        157,
        'See its address and its port',
        done`${step('proof/node-port')}; the address is asked from a pod and from the node: ${step('proof/service')}, ${step('proof/service-from-node')}.`,
      ),
      item(
        158,
        'The port is open on all nodes',
        done`${step('proof/from-outside')} asks at the address of every node.`,
      ),
      item(
        159,
        'Fetch its page from your own machine; nothing is asked from pod to pod, by a Service’s address or by name',
        done`${step('proof/from-outside')}; closed ports are ${clue('proof/from-outside', '10.0.0.11: curl: (28) Connection timed out after 5001 milliseconds', 'H43')}. The rest is asked too: ${step('proof/pod-to-pod')}, ${step('proof/service')}, ${step('proof/hairpin')}, ${step('proof/dns-short')}, ${step('proof/dns-full')}, ${step('proof/api-from-pod')}, ${step('proof/dns-outside')}, ${step('proof/logs')}, ${step('proof/exec')}.`,
      ),
      item(
        160,
        'Delete the Service',
        done`${step('proof/cleaned', 'delete namespace')}: everything the proof made is in one namespace. After a run that was interrupted: ${step('workloads/no-proof')}.`,
      ),
      item(
        161,
        'Delete the pod, which takes half a minute, for a reason that is doubtful',
        done`Measured and not repeated: ${step('proof/cleaned', 'delete pods --all')}, and the table of the proof shows how long it took. A pod that does not heed the signal is told from a node that does not end it: ${clue('proof/cleaned', 'pod/web, asked to end, has until 2026-11-25T09:12:30Z', 'H41')}.`,
      ),
    ],
  },
  {
    title: 'What is left for another time',
    items: [
      item(
        162,
        'Persistent storage',
        later`Nothing is installed: a claim for a volume stays pending until you bring a storage of your own.`,
      ),
      item(
        163,
        'An ingress controller',
        later`Nothing is installed: what is to be reached from outside takes a NodePort, as ${step('proof/node-port')} does, or a controller of your own. For load balancers the node is not left out: ${step('workloads/load-balancers')}.`,
      ),
      item(
        164,
        'TLS certificates for what is exposed',
        later`Nothing is installed that makes them. The cluster’s own are renewed in time: ${step('control-plane/certificates')}, ${step('control-plane/renewal')}.`,
      ),
      item(
        165,
        'And so on',
        done`Though never promised: more control planes and workers, ${step('join/member')}, ${command('node replace cp-0')}, also of a host that is dead, and ${command('recover')} when most are; etcd written down every hour, ${step('etcd/snapshot')}; a firewall, ${step('firewall/rules')}; containerd in place of CRI-O, ${field('runtime')}; ${command('reset')}, which takes everything back, ${command('runbook')}, and hosts to try it on, ${command('lab up')}.`,
      ),
      item(
        166,
        'Defaults of kubeadm that are questionable',
        later`Some are answered, with their reasons: a name for the endpoint, ${step('prepare/endpoint-name')}; a file in place of flags, a token that dies soon, nftables for kube-proxy, longer logs of containers, ${step('control-plane/kubeadm-config', 'mode: nftables')}; certificates of kubelets that the cluster has signed, ${step('control-plane/serving')}, and that it insists on, ${step('serving/insisted')}. All of them so far, with what is on, what is a choice and what is open, are in ${file('docs/defaults.md', 'a list of their own')}. Open are the audit log, Secrets that are encrypted in etcd, room kept for the system, and the addresses metrics are had at.`,
      ),
    ],
  },
];
