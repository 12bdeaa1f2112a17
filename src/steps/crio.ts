import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { draft, folder, putBack, inPlace } from './kinds/file.ts';
import { lineIn, lineOut } from './kinds/line.ts';
import { enabled, service } from './kinds/unit.ts';
import { CRI_SOCKET } from './node.ts';
import type { Scene } from './phase.ts';
import { BEFORE, FILES, WISHED } from './places.ts';
import { ownConflists } from './plugin.ts';
import { serviceProxySteps } from './proxy.ts';
import { registrySteps } from './registries.ts';
import type { Clue, Probe, Step } from './step.ts';

/**
 * The images this kubeadm wants, full references, a line each. It needs no network for that: the version is given. Where the
 * network plugin stands in for kube-proxy, its image is left out.
 */
export function kubeadmImages({ cluster, lock }: Pick<Scene, 'cluster' | 'lock'>): Probe {
  const all = sh`kubeadm config images list --kubernetes-version ${`v${lock.kubernetes}`} 2>/dev/null`;
  return {
    name: 'kubeadm_images',
    run: cluster.network.kubeProxy === 'replace' ? sh`${all} | grep -v /kube-proxy:` : all,
  };
}

/** Network configurations that packages leave behind and no cluster of ours wants. */
const STRAYS = [
  '/etc/cni/net.d/100-crio-bridge.conf',
  '/etc/cni/net.d/100-crio-bridge.conflist',
  '/etc/cni/net.d/10-crio-bridge.conf',
  '/etc/cni/net.d/10-crio-bridge.conflist',
  '/etc/cni/net.d/200-loopback.conf',
  '/etc/cni/net.d/200-loopback.conflist',
  '/etc/cni/net.d/87-podman-bridge.conflist',
] as const;

/** The file the old package left, which points to a program it does not bring any more. */
const OLD_RUNC = '/etc/crio/crio.conf.d/01-crio-runc.conf';

const CRIO_CLUES: readonly Clue[] = [
  {
    match: /invalid runtime_path for runtime/,
    means: 'a drop-in left by an old package points to a program that is gone',
    try: `remove ${OLD_RUNC}; the package's own 10-crio.conf names programs that are there`,
    diagnosis: 'H14',
  },
  {
    match: /\/var\/lib\/crio\/(version|clean\.shutdown).*no such file/,
    means: 'the folder CRI-O keeps its books in is missing',
    try: 'mkdir -p /var/lib/crio',
    diagnosis: 'H15',
  },
  {
    match: /invalid log_level|toml: |unknown configuration|line \d+ .*(expected|unexpected)/i,
    means: 'a file in /etc/crio is not what CRI-O can read',
    try: 'crio config 2>&1 | head shows which; move your own file out of /etc/crio/crio.conf.d',
  },
];

/** The container runtime: installed by now, and made to do what kubelet expects of it. */
export function runtimeSteps(scene: Scene): readonly Step[] {
  return [
    strayNetworks(ownConflists(scene.cluster.network.plugin)),
    oldRunc(),
    stateFolder(),
    pauseImage(scene),
    crictl(),
    ...registrySteps(scene),
    ...serviceProxySteps(scene),
    service(
      {
        id: 'runtime/crio',
        title: 'Run CRI-O, now and after every boot',
        why: 'The package installs CRI-O but neither starts nor enables it: without this the node would be dead after its first reboot. And what was written to its files since its start is only paper until it is started again.',
        see: ['https://github.com/cri-o/cri-o/blob/main/docs/crio.8.md'],
        after: ['packages/installed', 'runtime/programs', 'runtime/pause-image'],
        disturbs: 'service',
        within: 30,
        awaits: 'CRI-O',
        clues: CRIO_CLUES,
      },
      {
        unit: 'crio',
        // Programs in Go read whom they trust once, when they start.
        reads: [
          '/etc/crio',
          '/etc/containers',
          '/etc/systemd/system/crio.service.d',
          ...(scene.cluster.trust === undefined ? [] : [WISHED.authorities]),
        ],
        program: '/usr/bin/crio',
        socket: '/var/run/crio/crio.sock',
      },
    ),
    check(
      {
        id: 'runtime/answers',
        title: 'Hear CRI-O answer',
        why: 'kubelet and kubeadm speak with the runtime through its socket. A unit that runs is not yet a runtime that answers. That it calls its network not ready is right: the network plugin comes into the cluster, so there must be a cluster first.',
        see: ['https://kubernetes.io/docs/tasks/debug/debug-cluster/crictl/'],
        after: ['runtime/crio', 'runtime/crictl'],
        within: 30,
        awaits: 'CRI-O to answer',
        clues: [
          {
            match: /unknown service runtime\.v1|Unimplemented/,
            means: 'what answers on that socket does not speak the interface kubelet uses',
            try: 'systemctl status crio; look whether containerd was given this socket',
            diagnosis: 'H13',
          },
          {
            match: /no such file or directory|connection refused/,
            means: 'nobody listens on the socket: CRI-O does not run',
            try: 'systemctl status crio; journalctl -u crio -n 50',
            diagnosis: 'H11',
          },
          ...CRIO_CLUES,
        ],
      },
      {
        read: sh`
          said=$(timeout 10 crictl info -o go-template --template ${'{{range .status.conditions}}{{.type}} {{.status}}{{"\\n"}}{{end}}'}) || :
          printf '%s\n' "$said" | grep '^RuntimeReady ' || echo 'no answer'`,
        want: 'RuntimeReady true',
      },
    ),
    enabled(
      {
        id: 'runtime/kubelet-enabled',
        title: 'Start kubelet at every boot',
        why: 'kubelet runs the control plane itself, as pods of its own; after a reboot everything waits for it. kubeadm starts it, but a boot must, too. Until then it stops and starts again every ten seconds, which is as it should be: it has no configuration yet.',
        see: ['https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/'],
        after: ['packages/installed'],
      },
      'kubelet',
    ),
  ];
}

/** @param allowed the files the plugin itself writes; undefined when somebody else installs the plugin and may write any. */
function strayNetworks(allowed: readonly string[] | undefined): Step {
  const others =
    allowed === undefined
      ? sh`:`
      : sh`find /etc/cni/net.d -maxdepth 1 '(' -name '*.conf' -o -name '*.conflist' -o -name '*.json' ')' ${allowed.flatMap((name) => ['!', '-name', name])} 2>/dev/null`;
  return {
    id: 'runtime/no-stray-networks',
    title: 'Leave the network to the network plugin',
    why: 'The runtime takes the first file it finds in /etc/cni/net.d, whoever left it there. The node then turns Ready before the real plugin runs, and pods get addresses nobody routes.',
    see: ['https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/'],
    read: sh`
      found=$({ ls ${STRAYS} 2>/dev/null; ${others}; } | sort -u)
      echo "$found" | sed 's/^$/none/'`,
    want: 'none',
    make: sh`rm -f ${STRAYS}`,
    clues: [
      {
        match: /^\/etc\/cni\/net\.d\//,
        means:
          'a network configuration lies there that is neither known rubbish nor the plugin’s: podman, Docker or an earlier cluster left it',
        try: 'when nothing needs it any more, remove it; to keep it, rename it to end in .disabled',
        diagnosis: 'H16',
      },
    ],
  };
}

function oldRunc(): Step {
  return {
    id: 'runtime/programs',
    title: 'Point CRI-O only at programs that are there',
    why: 'An old CRI-O package left a file that names a runc it no longer brings, and CRI-O refuses to start over it. The current package names its own programs.',
    see: [
      'https://github.com/opencontainers/runtime-spec',
      'https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md',
    ],
    read: sh`
      gone=$(sed -n 's/^[[:space:]]*runtime_path *= *"\([^"]*\)".*/\1/p' /etc/crio/crio.conf /etc/crio/crio.conf.d/*.conf 2>/dev/null |
        sort -u | while read -r path; do [ -e "$path" ] || echo "$path is not there"; done)
      echo "$gone" | sed 's/^$/all there/'`,
    want: 'all there',
    make: sh`rm -f ${OLD_RUNC}`,
    clues: [
      {
        match: / is not there$/,
        means:
          'a file in /etc/crio names a program that does not exist, and it is not the one Landfall knows to be rubbish',
        try: 'grep -rn runtime_path /etc/crio shows which; correct or remove it',
        diagnosis: 'H14',
      },
    ],
  };
}

function stateFolder(): Step {
  return {
    id: 'runtime/state-folder',
    title: 'Have the folder CRI-O keeps its books in',
    why: 'CRI-O notes there how it was stopped, to know at its start whether containers must be cleared away. Packages of old did not create it.',
    see: ['https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md'],
    after: ['packages/installed'],
    read: sh`if [ -d /var/lib/crio ]; then echo there; else echo absent; fi`,
    want: 'there',
    make: sh`mkdir -p /var/lib/crio`,
  };
}

function pauseImage(scene: Scene): Step {
  const path = FILES.crio;
  return {
    id: 'runtime/pause-image',
    title: 'Hold pods open with the image kubeadm names',
    why: 'Each pod begins with a tiny container that holds its network. CRI-O and kubeadm each have their own idea of its version; when they differ, a second image is pulled from somewhere unplanned, and one of the two is cleared away as unused.',
    see: ['https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md'],
    after: ['packages/installed'],
    probes: [kubeadmImages(scene)],
    read: sh`
      asked=$(probe kubeadm_images | grep '/pause:')
      has=$(sed -n 's/^pause_image = "\(.*\)"$/\1/p' ${path} 2>/dev/null)
      if [ -z "$asked" ]; then echo 'kubeadm does not say'
      elif [ "$has" = "$asked" ]; then echo 'the one kubeadm names'
      else echo "kubeadm names $asked, the file names $has"; fi`,
    want: 'the one kubeadm names',
    make: sh`
      asked=$(probe kubeadm_images | grep '/pause:')
      mkdir -p ${folder(path)}
      printf '# Written by Landfall: the image kubeadm expects.\n[crio.image]\npause_image = "%s"\n' "$asked" >${draft(path)}
      ${inPlace(path)}`,
    undo: putBack(path),
    writes: [path],
    clues: [
      {
        match: /sandbox image.*inconsistent/,
        means: "kubeadm found another pause image in CRI-O's configuration",
        try: 'crio config 2>/dev/null | grep pause_image; look for another file in /etc/crio/crio.conf.d that comes later',
        diagnosis: 'H28',
      },
    ],
  };
}

function crictl(): Step {
  const path = FILES.crictl;
  return {
    id: 'runtime/crictl',
    title: 'Tell crictl where CRI-O listens',
    why: 'crictl shows what really runs on the node when Kubernetes itself does not answer. Without this it tries one socket after the other and fails slowly.',
    see: ['https://kubernetes.io/docs/tasks/debug/debug-cluster/crictl/'],
    after: ['packages/installed'],
    read: sh`sed -n 's/^runtime-endpoint: *//p' ${path} 2>/dev/null | tr -d '"' | grep . || echo 'not set'`,
    want: CRI_SOCKET,
    make: lineIn(path, '^runtime-endpoint:', `runtime-endpoint: ${CRI_SOCKET}`),
    // The package of CRI-O brings the file with the same line, in quotes: that one goes with the package.
    undo: sh`
      if [ -e ${BEFORE + path} ]; then
        ${putBack(path)}
      else
        ${lineOut(path, `^runtime-endpoint: ${CRI_SOCKET}$`)}
      fi`,
    writes: [path],
  };
}
