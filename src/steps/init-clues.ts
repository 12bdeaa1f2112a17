import { API_CLUES, IMAGE_CLUES } from './clues.ts';
import { PREFLIGHT_ERRORS, PREFLIGHT_WARNINGS } from './preflight-clues.ts';
import type { Clue } from './step.ts';

/** Why kubelet stops right after its start, in its own words. */
export const KUBELET_CLUES: readonly Clue[] = [
  ...PREFLIGHT_ERRORS.filter(({ diagnosis }) => diagnosis === 'H19' || diagnosis === 'H22'),
  {
    match: /unknown flag: --/,
    means: 'kubelet is given a flag this version does not know any more',
    try: 'grep -r -- -- /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet, and take it out',
    diagnosis: 'H32',
  },
  {
    match: /unrecognized feature gate/,
    means: 'a feature gate is set that this version does not know any more',
    try: 'grep -r feature /var/lib/kubelet/config.yaml /etc/kubernetes/manifests',
    diagnosis: 'H33',
  },
  {
    match: /failed to initialize top level QOS containers|Failed to start ContainerManager/,
    means: 'kubelet and CRI-O disagree on who manages cgroups, or the host gives them none',
    try: 'grep cgroupDriver /var/lib/kubelet/config.yaml; crio status config | grep cgroup_manager: both must say systemd',
    diagnosis: 'H50',
  },
];

/** What kubeadm init says when it cannot go on, and what it means. */
export const INIT_CLUES: readonly Clue[] = [
  ...PREFLIGHT_ERRORS,
  {
    match: /could not fetch a Kubernetes version|remote version is much newer/,
    means: 'kubeadm looked for a version on the internet: it was not told one',
    try: 'grep kubernetesVersion /etc/kubernetes/landfall/kubeadm.yaml',
    diagnosis: 'H10',
  },
  ...KUBELET_CLUES,
  {
    match: /kubelet is not healthy|localhost:10248|127\.0\.0\.1:10248/,
    means: 'kubelet does not start, or stops again',
    try: 'journalctl -u kubelet -n 50 --no-pager says why: swap, cgroups, a flag, or the runtime',
    diagnosis: 'H31',
  },
  {
    match:
      /failed while waiting for the control plane|control plane (component|components).*not (healthy|ready)|kube-(apiserver|controller-manager|scheduler) is not healthy/i,
    means: 'a part of the control plane does not become healthy',
    try: 'crictl ps -a | grep -e apiserver -e etcd; crictl logs ID of the one that exited',
    diagnosis: 'H34',
  },
  {
    match: /no route to host|i\/o timeout.*:6443/,
    means:
      "the cluster's endpoint cannot be reached: the name points elsewhere, or a load balancer does not pass on yet",
    try: 'getent hosts the endpoint of cluster.yaml, from the node',
    diagnosis: 'H35',
  },
  {
    match: /cannot list resource|User "kubernetes-admin" cannot/,
    means: "kubeadm's own user has no rights yet: an init that was cut short before it gave them",
    try: 'landfall apply; if it stays: kubectl --kubeconfig /etc/kubernetes/super-admin.conf get clusterrolebinding kubeadm:cluster-admins',
    diagnosis: 'H73',
  },
  ...IMAGE_CLUES,
  ...API_CLUES,
  ...PREFLIGHT_WARNINGS,
];
