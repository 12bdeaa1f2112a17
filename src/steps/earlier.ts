import { RUNTIMES, runtimeOf } from '../model/runtime.ts';
import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import type { Scene } from './phase.ts';
import { FILES, NOTES } from './places.ts';
import { owner } from './prepare.ts';
import { RUNTIME_PARTS } from './runtime-parts.ts';
import type { Step } from './step.ts';

/** Network devices of clusters, whoever made them. */
const LINKS = ['cni0', 'flannel.1', 'vxlan.calico', 'cilium_host', 'kube-ipvs0', 'nodelocaldns'] as const;

/** What was here before: another cluster, this one at another version, another runtime. */
export function earlierSteps(scene: Scene): readonly Step[] {
  const { cluster, lock } = scene;
  return [
    check(
      {
        id: 'preflight/other-cluster',
        title: 'Belong to no other cluster',
        why: 'The keys and the data of another cluster, even a dead one, would be taken for this one. Landfall never removes what it did not make.',
        see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/'],
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
            try: 'when nothing of it is needed any more: kubeadm reset (k3s-uninstall.sh, snap remove microk8s), then remove what is listed, and reboot to be rid of network devices and rules; otherwise take another host',
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
          for link in ${LINKS}; do
            [ -z "$owner" ] && ip link show dev "$link" >/dev/null 2>&1 && found="$found $link"
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
    otherRuntime(scene),
  ];
}

/** Where runtimes listen that Landfall does not install. */
const FOREIGN = ['/run/docker.sock', '/run/cri-dockerd.sock'] as const;

function otherRuntime({ cluster, node, facts }: Scene): Step {
  const wanted = runtimeOf(cluster, node);
  // Those of an earlier choice in cluster.yaml are Landfall's own, and go when the node has gone over.
  const own = [wanted, ...(facts.runtimes ?? [])];
  const others = RUNTIMES.filter((one) => !own.includes(one)).map((one) => RUNTIME_PARTS[one].socket);
  const sockets = [...others, ...FOREIGN].map((path) => path.replace(/^\/var\/run\//, '/run/'));
  // Docker's own containerd has the very socket, and the very package, that Landfall's would have.
  const before =
    wanted === 'containerd'
      ? sh`
          if [ -S ${RUNTIME_PARTS.containerd.socket} ] &&
            { ! [ -e ${NOTES.packages} ] || grep -qx -e 'containerd' -e 'containerd[.]io' ${NOTES.packages}; }; then
            found="$found "${RUNTIME_PARTS.containerd.socket}
          fi`
      : sh`:`;
  return check(
    {
      id: 'preflight/other-runtime',
      title: 'Have no second container runtime',
      why: 'Two runtimes on one host mean two sets of containers, two garbage collections, and two ideas of the network; kubeadm stops when it cannot tell which one is meant.',
      see: ['https://kubernetes.io/docs/setup/production-environment/container-runtimes/'],
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
        for socket in ${sockets}; do
          [ -S "$socket" ] && found="$found $socket"
        done
        ${before}
        if [ -n "$found" ]; then echo "listening:$found"; else echo none; fi`,
      want: 'none',
    },
  );
}
