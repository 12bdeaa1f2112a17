import { runtimeOf } from '../model/runtime.ts';
import { sh } from '../shell/sh.ts';
import { CONTAINERD_CLUES, containerdFiles, containerdService } from './containerd.ts';
import { containerdRegistrySteps } from './containerd-registries.ts';
import { CRIO_CLUES, crioFiles, crioService } from './crio.ts';
import { check } from './kinds/check.ts';
import { lineIn, lineOut } from './kinds/line.ts';
import { putBack } from './kinds/file.ts';
import { enabled } from './kinds/unit.ts';
import type { Scene } from './phase.ts';
import { BEFORE, FILES } from './places.ts';
import { ownConflists } from './plugin.ts';
import { serviceProxySteps } from './proxy.ts';
import { registrySteps } from './registries.ts';
import { criSocket, runtimeParts } from './runtime-parts.ts';
import type { Step } from './step.ts';

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

/** The container runtime: installed by now, and made to do what kubelet expects of it. */
export function runtimeSteps(scene: Scene): readonly Step[] {
  const isCrio = runtimeOf(scene.cluster, scene.node) === 'cri-o';
  return [
    strayNetworks(ownConflists(scene.cluster.network.plugin)),
    ...(isCrio ? crioFiles(scene) : containerdFiles(scene)),
    crictl(scene),
    ...(isCrio ? registrySteps(scene) : containerdRegistrySteps(scene)),
    ...serviceProxySteps(scene),
    isCrio ? crioService(scene) : containerdService(scene),
    answers(scene),
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

function answers(scene: Scene): Step {
  const { title, unit } = runtimeParts(scene);
  const isCrio = runtimeOf(scene.cluster, scene.node) === 'cri-o';
  return check(
    {
      id: 'runtime/answers',
      title: `Hear ${title} answer`,
      why: 'kubelet and kubeadm speak with the runtime through its socket. A unit that runs is not yet a runtime that answers. That it calls its network not ready is right: the network plugin comes into the cluster, so there must be a cluster first.',
      see: ['https://kubernetes.io/docs/tasks/debug/debug-cluster/crictl/'],
      after: [isCrio ? 'runtime/crio' : 'runtime/containerd', 'runtime/crictl'],
      within: 30,
      awaits: `${title} to answer`,
      clues: [
        {
          match: /unknown service runtime\.v1|Unimplemented/,
          means: isCrio
            ? 'what answers on that socket does not speak the interface kubelet uses'
            : 'containerd runs, and what kubelet speaks with is switched off or did not start in it: the file its package brings switches it off',
          try: isCrio
            ? 'systemctl status crio; look whether containerd was given this socket'
            : 'containerd config dump | grep disabled_plugins; ctr plugins ls | grep cri; journalctl -u containerd -n 50',
          diagnosis: 'H13',
        },
        {
          match: /no such file or directory|connection refused/,
          means: `nobody listens on the socket: ${title} does not run`,
          try: `systemctl status ${unit}; journalctl -u ${unit} -n 50`,
          diagnosis: 'H11',
        },
        ...(isCrio ? CRIO_CLUES : CONTAINERD_CLUES),
      ],
    },
    {
      read: sh`
        said=$(timeout 10 crictl info -o go-template --template ${'{{range .status.conditions}}{{.type}} {{.status}}{{"\\n"}}{{end}}'}) || :
        printf '%s\n' "$said" | grep '^RuntimeReady ' || echo 'no answer'`,
      want: 'RuntimeReady true',
    },
  );
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

function crictl(scene: Scene): Step {
  const { title } = runtimeParts(scene);
  const socket = criSocket(scene);
  const path = FILES.crictl;
  return {
    id: 'runtime/crictl',
    title: `Tell crictl where ${title} listens`,
    why: 'crictl shows what really runs on the node when Kubernetes itself does not answer. Without this it tries one socket after the other and fails slowly.',
    see: ['https://kubernetes.io/docs/tasks/debug/debug-cluster/crictl/'],
    after: ['packages/installed'],
    read: sh`sed -n 's/^runtime-endpoint: *//p' ${path} 2>/dev/null | tr -d '"' | grep . || echo 'not set'`,
    want: socket,
    make: lineIn(path, '^runtime-endpoint:', `runtime-endpoint: ${socket}`),
    // The package of CRI-O brings the file with the same line, in quotes: that one goes with the package.
    undo: sh`
      if [ -e ${BEFORE + path} ]; then
        ${putBack(path)}
      else
        ${lineOut(path, `^runtime-endpoint: ${socket}$`)}
      fi`,
    writes: [path],
  };
}
