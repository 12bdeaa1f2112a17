import { sh } from '../shell/sh.ts';
import { API_CLUES, DISK_CLUES, IMAGE_CLUES } from './clues.ts';
import { draft } from './kinds/file.ts';
import { removeLinks, removePods, removeRules } from './leftovers.ts';
import { apiPort, CRI_SOCKET, kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Clue, Probe, Step } from './step.ts';

const PKI = '/etc/kubernetes/pki';

/** Key and certificate pairs below {@link PKI}, an authority first and then what it signs; as kubeadm names them. */
const AUTHORITIES = {
  ca: ['apiserver', 'apiserver-kubelet-client'],
  'front-proxy-ca': ['front-proxy-client'],
  'etcd/ca': ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client'],
} as const;

/** The credentials kubeadm writes, the super-admin's among them, which may be taken away later. */
const CONFIGS = ['admin', 'super-admin', 'kubelet', 'controller-manager', 'scheduler'].map(
  (n) => `${n}.conf`,
);

/** Where kubeadm writes each part of a control plane, in the order it does. */
const PARTS = {
  certificates: [
    ...Object.entries(AUTHORITIES)
      .flatMap(([authority, signed]) => [authority, ...signed])
      .flatMap((name) => [`${PKI}/${name}.crt`, `${PKI}/${name}.key`]),
    `${PKI}/sa.key`,
    `${PKI}/sa.pub`,
  ],
  kubeconfigs: CONFIGS.filter((name) => name !== 'super-admin.conf').map((name) => `/etc/kubernetes/${name}`),
  manifests: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
    (name) => `/etc/kubernetes/manifests/${name}.yaml`,
  ),
  kubelet: ['/var/lib/kubelet/config.yaml', '/var/lib/kubelet/kubeadm-flags.env'],
} as const;

/** The objects kubeadm leaves in the cluster, the last one written last. */
const OBJECTS = [
  'configmap/kubeadm-config',
  'configmap/kubelet-config',
  'configmap/coredns',
  'configmap/kube-proxy',
  'clusterrolebinding.rbac.authorization.k8s.io/kubeadm:cluster-admins',
  'deployment.apps/coredns',
  'service/kube-dns',
  'daemonset.apps/kube-proxy',
] as const;

/** Their names as far as they are there, and `answered` when the API server said so. */
function objects(scene: Scene): Probe {
  return {
    name: 'cluster_objects',
    run: sh`${kubectl(scene)} -n kube-system get --ignore-not-found -o name ${OBJECTS} && echo answered`,
  };
}

const INIT_CLUES: readonly Clue[] = [
  {
    match: /\[ERROR CRI\]|container runtime is not running/,
    means: 'kubeadm cannot speak with CRI-O',
    try: 'systemctl status crio; landfall apply --only runtime',
    diagnosis: 'H11',
  },
  {
    match: /could not fetch a Kubernetes version|remote version is much newer/,
    means: 'kubeadm looked for a version on the internet: it was not told one',
    try: 'grep kubernetesVersion /etc/kubernetes/landfall/kubeadm.yaml',
    diagnosis: 'H10',
  },
  {
    match: /\[ERROR FileContent--proc-sys-net-ipv4-ip_forward\]/,
    means: 'the kernel does not forward packets, though it did a moment ago: another program turns it off',
    try: 'sysctl net.ipv4.ip_forward; grep -r ip_forward /etc/sysctl.d /etc/sysctl.conf /etc/ufw 2>/dev/null',
    diagnosis: 'H18',
  },
  {
    match: /\[ERROR Swap\]|running with swap on is not supported/,
    means: 'swap is on',
    try: 'swapoff -a, and take its line out of /etc/fstab',
    diagnosis: 'H19',
  },
  {
    match: /\[ERROR (NumCPU|Mem)\]/,
    means: 'the machine is too small for a control plane',
    try: 'give it two CPUs and 2 GiB at least',
    diagnosis: 'H20',
  },
  {
    match: /\[ERROR (Port-\d+|FileAvailable--|DirAvailable--)/,
    means: 'something of another cluster, or another program, is in the way',
    try: 'landfall apply --only preflight says what',
    diagnosis: 'H21',
  },
  {
    match: /\[ERROR SystemVerification\]|configured to not run on a host using cgroup v1/,
    means: 'the host uses the old cgroup version 1, which kubelet refuses',
    try: 'remove systemd.unified_cgroup_hierarchy=0 from the kernel command line and reboot',
    diagnosis: 'H22',
  },
  {
    match: /\[ERROR ImagePull\]/,
    means: 'an image of the control plane could not be fetched',
    try: 'landfall apply --only control-plane/images says why',
    diagnosis: 'H25',
  },
  {
    match: /\[ERROR Service-|\[ERROR KubeletVersion\]|\[ERROR KubernetesVersion\]/,
    means: 'kubeadm, kubelet and the version wanted do not fit each other',
    try: 'landfall apply --only packages',
    diagnosis: 'H30',
  },
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
  ...DISK_CLUES,
  ...IMAGE_CLUES,
  ...API_CLUES,
];

/** kubeadm init, from whatever an earlier try has left. */
export function initSteps(scene: Scene): readonly Step[] {
  return [tornFiles(), init(scene)];
}

/** `$data` is set when etcd has begun to keep anything: from then on keys and certificates are in use. */
const hasData = sh`data=; [ ! -d /var/lib/etcd/member ] || data=yes`;

/**
 * kubeadm writes key files before certificates and never half over whole, but not in one stroke either: cut short, it
 * leaves a key without its certificate, or an empty file, and trips over it the next time.
 */
function tornFiles(): Step {
  return {
    id: 'control-plane/no-torn-files',
    title: 'Clear away files a cut-short init left torn',
    why: 'kubeadm keeps the keys and certificates it finds, and stops at one it finds alone or empty. Nothing has used such a file yet: it was torn while being written. Whole ones are left, and so is everything once the cluster has data.',
    read: sh`
      cd ${PKI} 2>/dev/null || cd /
      # No grep match, no end of file: the file was cut short, or is empty.
      torn=" $(grep -L -e '^-----END' ./*.key ./*.crt ./*.pub etcd/*.key etcd/*.crt 2>/dev/null | sed 's#^\./##' | tr '\n' ' ')"
      whole() { case $torn in *" $1 "*) false ;; *) [ -e "$1" ] ;; esac; }
      found=$({
        for pair in ${Object.entries(AUTHORITIES).flatMap(([a, signed]) => [a, ...signed])}; do
          if [ -e "$pair.key" ] && ! { whole "$pair.key" && whole "$pair.crt"; }; then echo "$pair"; fi
        done
        if [ -e sa.key ] && ! { whole sa.key && whole sa.pub; }; then echo sa; fi
        cd /etc/kubernetes 2>/dev/null && grep -L -e client-key ${CONFIGS} 2>/dev/null
      })
      echo "$found" | sed 's/^$/none/'`,
    want: 'none',
    make: sh`
      whole() { [ -s "$1" ] && tail -n 1 "$1" | grep -q '^-----END'; }
      ${hasData}
      cd ${PKI} 2>/dev/null || cd /
      for family in ${Object.entries(AUTHORITIES).map(([a, signed]) => [a, ...signed].join(' '))}; do
        lost=
        for pair in $family; do
          if [ -e "$pair.key" ] && ! { whole "$pair.key" && whole "$pair.crt"; }; then
            case $pair in
              *ca) if [ -n "$data" ]; then echo "the authority $pair is damaged, and the cluster has data"; exit 1; fi; lost=yes ;;
            esac
            rm -f "$pair.key" "$pair.crt"
          elif [ -n "$lost" ]; then rm -f "$pair.key" "$pair.crt"; fi
        done
        case $lost$family in 'yesca '*) rm -f /etc/kubernetes/*.conf ;; esac
      done
      if [ -e sa.key ] && ! { whole sa.key && whole sa.pub; }; then
        if [ -n "$data" ]; then echo 'the key that signs service accounts is damaged, and the cluster has data'; exit 1; fi
        rm -f sa.key sa.pub
      fi
      cd /etc/kubernetes
      for name in ${CONFIGS}; do
        if [ -e "$name" ] && ! grep -q client-key "$name"; then rm -f "$name"; fi
      done`,
    clues: [
      {
        match: /is damaged, and the cluster has data$/,
        means:
          'a key the running cluster depends on is damaged on the disk; making a new one would cut off everything signed with the old',
        try: 'put /etc/kubernetes/pki back from a backup, then run landfall apply again',
        diagnosis: 'H66',
      },
    ],
  };
}

function init(scene: Scene): Step {
  const { cluster } = scene;
  const ports = [apiPort(cluster), 10250, 10257, 10259, 2379, 2380];
  const met = [
    ...ports.map((port) => `Port-${port}`),
    'DirAvailable--var-lib-etcd',
    ...PARTS.manifests.map((path) => `FileAvailable-${path.replaceAll('/', '-')}`),
  ].join(',');
  return {
    id: 'control-plane/init',
    title: 'Make the cluster',
    why: 'kubeadm makes the keys and certificates, starts etcd and the control plane as pods that kubelet runs by itself, and writes into the new cluster what later nodes need to know. Its phases keep what they find whole, so an init that was cut short anywhere is brought to its end by running it again.',
    see: [
      'https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/',
      'article: Finally, a Cluster!',
    ],
    after: ['control-plane/kubeadm-config', 'control-plane/images', 'control-plane/no-torn-files'],
    disturbs: 'service',
    within: 30,
    awaits: 'the API server to show what kubeadm has written',
    probes: [objects(scene)],
    read: sh`
      part() { # NAME FILE...: whole, begun or absent
        name=$1; shift; there=0
        for path; do if [ -s "$path" ]; then there=$((there + 1)); fi; done
        if [ "$there" -eq 0 ]; then open="$open $name"; return; fi
        begun=yes
        if [ "$there" -lt $# ]; then open="$open $name"; fi
      }
      open=; begun=
      part certificates ${PARTS.certificates}
      part kubeconfigs ${PARTS.kubeconfigs}
      part manifests ${PARTS.manifests}
      part kubelet ${PARTS.kubelet}
      if [ -z "$begun" ]; then echo 'no cluster'
      elif [ "$(cat ${FILES.owner} 2>/dev/null)" != ${cluster.name} ]; then echo 'not ours: Landfall did not begin this'
      elif [ -n "$open" ]; then echo "half-done, open:$open"
      else
        found=$(probe cluster_objects 2>/dev/null)
        case $found in
          *answered) open=$(for name in ${OBJECTS}; do echo "$found" | grep -qxF "$name" || printf ' %s' "$name"; done) ;;
          *) [ -e ${FILES.initialised} ] || open=' what only the API server knows' ;;
        esac
        if [ -n "$open" ]; then echo "half-done, open:$open"; else echo initialised; fi
      fi`,
    want: 'initialised',
    make: sh`
      if [ "$(cat ${FILES.owner} 2>/dev/null)" != ${cluster.name} ]; then
        echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
      fi
      met=
      if [ -n "$(ls /etc/kubernetes/manifests 2>/dev/null)" ] || [ -e /var/lib/kubelet/config.yaml ]; then
        # An earlier try has come this far: that its own files and processes are there is no error.
        met=--ignore-preflight-errors=${met}
      fi
      kubeadm init --config ${FILES.kubeadm} --skip-token-print --skip-certificate-key-print --skip-phases=show-join-command $met
      date -u +%FT%TZ >${draft(FILES.initialised)}
      mv -fT ${draft(FILES.initialised)} ${FILES.initialised}`,
    undo: sh`
      if [ -e /etc/kubernetes/kubelet.conf ] || [ -d /etc/kubernetes/pki ] || [ -d /var/lib/etcd/member ] && kubeadm version >/dev/null 2>&1; then
        systemctl start crio 2>/dev/null || :
        config=/etc/kubernetes/admin.conf
        ${kubectl(scene)} get --raw /readyz >/dev/null 2>&1 || config=/nonexistent
        kubeadm reset --force --cri-socket ${CRI_SOCKET} --cleanup-tmp-dir --kubeconfig "$config"
      fi
      ${removePods}
      ${removeLinks}
      ${removeRules}
      rm -f ${FILES.initialised}`,
    writes: [FILES.initialised],
    clues: [
      {
        match: /^not ours: |is not marked as one of the cluster/,
        means: 'a control plane lies on this host that Landfall did not begin',
        try: 'take another host; or, when nothing of it is needed any more, kubeadm reset on this one',
        diagnosis: 'H21',
      },
      ...INIT_CLUES,
    ],
  };
}
