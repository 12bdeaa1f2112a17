import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

/** What must not be taken: the address, the networks and the ports of the node. */
export function groundSteps(scene: Scene): readonly Step[] {
  const { cluster, node, facts } = scene;
  const address = nodeAddress(node, facts);
  const port = apiPort(cluster);
  const controlPlane = node.role === 'control-plane';
  const { port: shared, virtual } = cluster.endpoint;
  return [
    check(
      {
        id: 'preflight/address',
        title: 'Have the address the cluster will use',
        why: `The other members, the API server's certificate and etcd will know this node as ${address}. An address the host does not carry (a translated public one, say) cannot be listened on.`,
        see: [
          'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/#check-network-adapters',
        ],
        clues: [
          {
            match: /^not on this host/,
            means: `${address} is not an address of this host: behind address translation it has another one inside`,
            try: `add internalAddress: to the node ${node.name} in cluster.yaml, one of the addresses shown`,
            diagnosis: 'H99',
          },
        ],
      },
      {
        read: sh`
          ip -o -4 address show scope global | awk -v wanted=${address} '
            { split($4, a, "/"); all = all " " a[1]; if (a[1] == wanted) found = 1 }
            END { print found ? "on this host" : "not on this host, which has" all }'`,
        want: 'on this host',
      },
    ),
    check(
      {
        id: 'preflight/networks',
        title: 'Have no route into the networks of the cluster',
        why: `Pods will live in ${cluster.network.pods} and Services in ${cluster.network.services}. Were the host to reach anything else by a route inside these, pods could not reach it any more, nor it them.`,
        see: ['https://kubernetes.io/docs/concepts/cluster-administration/networking/'],
        clues: [
          {
            match: / overlaps /,
            means: 'a route of the host leads into a network the cluster wants for itself',
            try: 'choose another network.pods or network.services in cluster.yaml; after creation neither can be changed',
            diagnosis: 'H55',
          },
        ],
      },
      {
        // The cluster's own interfaces are left out: once it runs, its networks are routed through them.
        read: sh`
          ip -4 -o route show table main | awk -v pods=${cluster.network.pods} -v services=${cluster.network.services} '
            function start(cidr, p) { split(cidr, c, "/"); split(c[1], o, "."); return int((((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4]) / 2 ^ (32 - p)) }
            function prefix(cidr) { split(cidr, c, "/"); return c[2] == "" ? 32 : c[2] + 0 }
            function overlaps(a, b, p) { p = prefix(a) < prefix(b) ? prefix(a) : prefix(b); return start(a, p) == start(b, p) }
            $1 !~ /^[0-9]/ { next }
            / dev (cni0|flannel[.0-9]*|cali[^ ]*|vxlan[.]calico|tunl0|veth[^ ]*|lxc[^ ]*|cilium[^ ]*)( |$)/ { next }
            overlaps($1, pods) { print "route " $1 " overlaps the pods of " pods; bad = 1 }
            overlaps($1, services) { print "route " $1 " overlaps the services of " services; bad = 1 }
            END { if (!bad) print "apart from all routes of the host" }'`,
        want: 'apart from all routes of the host',
      },
    ),
    check(
      {
        id: 'preflight/ports',
        title: 'Have the ports of Kubernetes free, or in its own hands',
        why: 'Each part of Kubernetes listens on a port of its own. A port somebody else holds shows as a part that restarts for ever, which is slow to find.',
        see: ['https://kubernetes.io/docs/reference/networking/ports-and-protocols/'],
        clues: [
          {
            match: /^port (\d+): /,
            means: 'another program listens on a port Kubernetes needs',
            try: 'ss -ltnp shows it with its process; stop and disable it, or give it another port',
            diagnosis: 'H21',
          },
        ],
      },
      {
        read: sh`
          ss -Hltnp | awk -v wanted=${[
            '10250=kubelet',
            '10248=kubelet',
            '10249=kube-proxy',
            '10256=kube-proxy',
            ...(controlPlane
              ? [
                  `${port}=kube-apiserver`,
                  '10257=kube-controller',
                  '10259=kube-scheduler',
                  '2379=etcd',
                  '2380=etcd',
                  '2381=etcd',
                  ...(virtual?.balance === true ? [`${shared}=haproxy`] : []),
                ]
              : []),
          ].join(' ')} '
            BEGIN { n = split(wanted, list, " "); for (i = 1; i <= n; i++) { split(list[i], pair, "="); owner[pair[1]] = pair[2] } }
            { port = $4; sub(/.*:/, "", port) }
            port in owner {
              who = $0; if (sub(/.*users:\(\("/, "", who)) sub(/".*/, "", who); else who = "an unknown program"
              if (index(who, owner[port]) == 1) own[port] = 1; else other[port] = who
            }
            END {
              for (i = 1; i <= n; i++) { split(list[i], pair, "="); port = pair[1]; if (port in other && !(port in own)) { print "port " port ": " other[port]; bad = 1 } }
              if (!bad) print "free, or in the hands of Kubernetes"
            }'`,
        want: 'free, or in the hands of Kubernetes',
      },
    ),
  ];
}
