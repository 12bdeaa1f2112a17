import { stringify } from 'yaml';
import { ciliumChart, helmArchive, HELM_VERSION } from '../model/plugin-release.ts';
import { overhead } from '../model/pod-path.ts';
import { sh } from '../shell/sh.ts';
import { API_CLUES, DISK_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { file } from './kinds/file.ts';
import { manifest } from './kinds/manifest.ts';
import { pinned } from './kinds/pinned.ts';
import { apiProbe, kubectl, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES, UPSTREAM } from './places.ts';
import { type Installed, pathWords, PLUGIN_MARKS } from './plugin.ts';
import type { Clue, Probe, Step } from './step.ts';

const HELM = `${UPSTREAM}/helm.tar.gz`;
const CHART = `${UPSTREAM}/cilium.tgz`;

/** Most of the copies of Cilium's operator. */
const COPIES = 2;

/** Where Cilium answers a load balancer that asks whether this node serves: kube-proxy's own port. */
const HEALTH_PORT = 10256;

/**
 * What Cilium's chart is told. Addresses come from the slice each node has of the pod network; Hubble is there for `hubble
 * observe` on a node and listens on no port, as that would need certificates of its own. Cilium wants the MTU of the
 * network below, and takes off by itself what a tunnel needs.
 */
export function ciliumValues({ cluster }: Scene, { encapsulation, mtu }: Installed): string {
  const { endpoint, network, nodes } = cluster;
  const values = {
    ipam: { mode: 'kubernetes' },
    ...(encapsulation === 'none'
      ? { routingMode: 'native', autoDirectNodeRoutes: true, ipv4NativeRoutingCIDR: network.pods }
      : { routingMode: 'tunnel', tunnelProtocol: 'vxlan' }),
    MTU: mtu + overhead(encapsulation),
    ...(network.kubeProxy === 'replace'
      ? {
          kubeProxyReplacement: true,
          kubeProxyReplacementHealthzBindAddr: `0.0.0.0:${HEALTH_PORT}`,
          k8sServiceHost: endpoint.host,
          k8sServicePort: endpoint.port,
        }
      : { kubeProxyReplacement: false }),
    operator: { replicas: Math.min(COPIES, nodes.length) },
    rollOutCiliumPods: true,
    hubble: {
      listenAddress: null,
      tls: { enabled: false },
      peerService: { clusterDomain: network.domain },
    },
  };
  return `# Written by Landfall: what Cilium's chart is told about ${cluster.name}.\n${stringify(values, { lineWidth: 0 })}`;
}

/** The chart as objects: the program is taken out of its archive for the moment it is needed, and talks to no cluster. */
function rendered({ lock, facts }: Scene): Probe {
  const program = `linux-${facts.architecture}/helm`;
  return {
    name: 'cilium_objects',
    run: sh`
      (
        dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
        tar -xzf ${HELM} -C "$dir" ${program} 2>/dev/null &&
          HOME=$dir "$dir"/${program} template cilium ${CHART} --namespace kube-system --kube-version ${lock.kubernetes} \
            --values ${FILES.ciliumValues}
      )`,
  };
}

/** Cilium from its own chart. */
export function ciliumSteps(scene: Scene, release: Installed): readonly Step[] {
  const { lock, facts } = scene;
  const { version } = release;
  const sum = (url: string) => lock.network.files[url] ?? '';
  const helm = helmArchive(facts.architecture);
  const chart = ciliumChart(version);
  const probe = rendered(scene);
  return [
    pinned(
      {
        id: 'network/helm',
        title: `Fetch Helm ${HELM_VERSION}, to read a chart with`,
        why: "Cilium's project publishes a chart and no manifest. Helm fills the chart in, on this host and without asking the cluster; what comes out is applied like every other manifest here, so Helm keeps no books in the cluster.",
        see: ['https://helm.sh/docs/helm/helm_template/'],
      },
      { url: helm, sha256: sum(helm), path: HELM },
    ),
    pinned(
      {
        id: 'network/cilium-chart',
        title: `Fetch the chart of Cilium ${version}`,
        why: 'A chart is a manifest with blanks. This one names its images by digest, so its own sum, which landfall.lock holds, pins all that will run.',
        see: ['https://docs.cilium.io/en/stable/installation/k8s-install-helm/'],
      },
      { url: chart, sha256: sum(chart), path: CHART },
    ),
    file(
      {
        id: 'network/cilium-values',
        title: 'Write down what Cilium is told',
        why: `Everything the chart would guess or leave to a default that depends on the machine. ${pathWords(release)}.`,
        see: ['https://docs.cilium.io/en/stable/helm-reference/'],
        clues: DISK_CLUES,
      },
      { path: FILES.ciliumValues, content: ciliumValues(scene, release) },
    ),
    {
      ...manifest(
        {
          id: 'network/cilium',
          title: `Put ${release.title} ${release.version} into the cluster`,
          why: 'Kubernetes says that every pod reaches every other by its address, and leaves the doing to a plugin. Cilium does it with programs it loads into the kernel (eBPF), and enforces NetworkPolicy there. Without a plugin no node becomes ready.',
          see: ['https://docs.cilium.io/en/stable/'],
          after: ['network/helm', 'network/cilium-chart', 'network/cilium-values', 'control-plane/api-ready'],
          probes: [probe],
          long: true,
          clues: [
            {
              match: /^Error: .*(values don't meet|execution error|parse error)/,
              means: 'the chart refuses what it is told: values of another release than the chart, mostly',
              try: 'landfall apply --only network; if it stays, it is a fault of Landfall: tell its authors, with this text',
            },
            ...API_CLUES,
          ],
        },
        { ask: kubectl(scene), ready: apiProbe(scene) },
        { printed: sh`probe ${probe.name}` },
      ),
    },
  ];
}

/** What an agent of Cilium says of itself and of the way to the other nodes. */
export function ciliumHealth(scene: Scene, clues: readonly Clue[]): Step {
  const { namespace, daemonSet } = PLUGIN_MARKS.cilium;
  const api = apiProbe(scene);
  return check(
    {
      id: 'network/cilium-status',
      title: 'Hear from Cilium that all is well',
      why: 'A pod that runs is not yet a network that works. Cilium knows whether its programs are in the kernel, whether it hears the API server, and whether each node answers.',
      see: ['https://docs.cilium.io/en/stable/operations/troubleshooting/'],
      after: ['network/cilium'],
      within: 180,
      awaits: 'Cilium to be well',
      probes: [api],
      clues,
    },
    {
      read: sh`
        said=${SILENT}
        [ "$(probe ${api.name})" = ok ] && said=$(${kubectl(scene)} -n ${namespace} exec ${`daemonset/${daemonSet}`} -c cilium-agent -- cilium-dbg status --brief 2>&1)
        printf '%s\n' "$said" | tail -n 5`,
      want: 'OK',
    },
  );
}
