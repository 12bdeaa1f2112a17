import { sh } from '../shell/sh.ts';
import { FETCH_CLUES } from './clues.ts';
import { fetch } from './fetch.ts';
import { check } from './kinds/check.ts';
import { apiPort, minorOf, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { owner } from './prepare.ts';
import { crioRepository, haveAndWant, kubernetesRepository, packages } from './packages.ts';
import type { Step } from './step.ts';

/** What must not be in the way: another cluster, another runtime, ports and networks that are taken. */
export function groundSteps(scene: Scene): readonly Step[] {
  const { cluster, lock, node, facts } = scene;
  const address = nodeAddress(node, facts);
  const port = apiPort(cluster);
  const minor = minorOf(lock.kubernetes);
  const controlPlane = node.role === 'control-plane';
  return [
    check(
      {
        id: 'preflight/address',
        title: 'Have the address the cluster will use',
        why: `The other members, the API server's certificate and etcd will know this node as ${address}. An address the host does not carry (a translated public one, say) cannot be listened on.`,
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
        title: 'Keep the networks of the cluster to itself',
        why: `Pods will live in ${cluster.network.pods} and Services in ${cluster.network.services}. Were the host to reach anything else by a route inside these, pods could not reach it any more, nor it them.`,
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
            ...(controlPlane
              ? [
                  `${port}=kube-apiserver`,
                  '10257=kube-controller',
                  '10259=kube-scheduler',
                  '2379=etcd',
                  '2380=etcd',
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
    check(
      {
        id: 'preflight/other-cluster',
        title: 'Belong to no other cluster',
        why: 'The keys and the data of another cluster, even a dead one, would be taken for this one. Landfall never removes what it did not make.',
        clues: [
          {
            match: /^the cluster /,
            means: 'this host belongs to another cluster that Landfall made',
            try: 'take another host, or reset that cluster first with its own cluster.yaml: landfall reset',
            diagnosis: 'H21',
          },
          {
            match: /^a cluster Landfall did not make/,
            means: 'kubeadm, k3s, RKE2 or MicroK8s was here before and left its files',
            try: 'when nothing of it is needed any more: kubeadm reset (k3s-uninstall.sh, snap remove microk8s), then remove what is listed; otherwise take another host',
            diagnosis: 'H21',
          },
        ],
      },
      {
        read: sh`
          ${owner}
          found=
          for path in /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/pki/ca.crt \
            /etc/kubernetes/manifests/*.yaml /var/lib/etcd/member /var/lib/kubelet/config.yaml; do
            [ -e "$path" ] && found="$found $path"
          done
          for path in /etc/rancher/k3s /etc/rancher/rke2 /var/snap/microk8s /var/lib/k0s; do
            [ -e "$path" ] && owner='' && found="$found $path"
          done
          if [ "$owner" = ${cluster.name} ] || [ -z "$owner$found" ]; then echo none
          elif [ -n "$owner" ]; then echo "the cluster $owner"
          else echo "a cluster Landfall did not make:$found"; fi`,
        want: 'none',
      },
    ),
    check(
      {
        id: 'preflight/version',
        title: 'Keep to the version the cluster has',
        why: 'A cluster that runs is moved to another version node by node: drained, its control plane first, its kubelet after. Installing newer packages over it would put a kubelet ahead of its API server, which is not supported and can end badly.',
        see: ['https://kubernetes.io/releases/version-skew-policy/'],
        clues: [
          {
            match: /the cluster runs /,
            means:
              'cluster.yaml and landfall.lock ask for another version than the one this cluster was made with, and this Landfall does not upgrade yet',
            try: 'bring landfall.lock back from git, and kubernetes: in cluster.yaml to the version shown',
          },
        ],
      },
      {
        read: sh`
          has=$(sed -n 's/^kubernetesVersion: *"*v*\([0-9.]*\).*/\1/p' ${FILES.kubeadm} 2>/dev/null)
          if [ -e ${FILES.initialised} ] && [ -n "$has" ] && [ "$has" != ${lock.kubernetes} ]; then echo "the cluster runs $has"
          else echo 'that version, or none yet'; fi`,
        want: 'that version, or none yet',
      },
    ),
    check(
      {
        id: 'preflight/other-runtime',
        title: 'Have no second container runtime',
        why: 'Two runtimes on one host mean two sets of containers, two garbage collections, and two ideas of the network; kubeadm stops when it cannot tell which one is meant.',
        clues: [
          {
            match: /\.sock/,
            means: 'another runtime listens on this host: Docker or containerd, mostly',
            try: 'remove it (apt-get purge containerd docker.io containerd.io docker-ce), or take a host without it',
            diagnosis: 'H12',
          },
        ],
      },
      {
        read: sh`
          found=
          for socket in /run/containerd/containerd.sock /run/docker.sock /run/cri-dockerd.sock; do
            [ -S "$socket" ] && found="$found $socket"
          done
          if [ -n "$found" ]; then echo "listening:$found"; else echo none; fi`,
        want: 'none',
      },
    ),
    check(
      {
        id: 'preflight/reachable',
        probes: [packages(lock)],
        title: 'Reach the package repositories',
        why: 'The host itself fetches what it installs. A firewall or a proxy in between is best found before anything has been changed. Once the packages are there, nobody asks.',
        clues: FETCH_CLUES,
      },
      {
        read: sh`
          ${haveAndWant(lock)}
          if [ "$have" = "$want" ]; then echo 'reached, or not needed'
          else
            at=$(mktemp -d); bad=
            for url in ${[kubernetesRepository(minor), crioRepository(minor)].map((u) => `${u}InRelease`)}; do
              said=$(${fetch(sh`"$url"`, sh`"$at/InRelease"`)} 2>&1) || { echo "$said" | grep '^E: Failed' || echo "E: Failed to fetch $url"; bad=1; }
            done
            rm -rf "$at"
            [ -n "$bad" ] || echo 'reached, or not needed'
          fi`,
        want: 'reached, or not needed',
      },
    ),
  ];
}
