import { heredoc, sh } from '../shell/sh.ts';
import { calicoFile } from '../model/plugin-release.ts';
import { API_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { type KubernetesObject, manifest, manifestText } from './kinds/manifest.ts';
import { pinned } from './kinds/pinned.ts';
import { apiProbe, asked, kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import { UPSTREAM } from './places.ts';
import { type Installed, pathWords } from './plugin.ts';
import type { Clue, Step } from './step.ts';

const CRDS = { name: 'v1_crd_projectcalico_org.yaml', path: `${UPSTREAM}/calico-crds.yaml` } as const;
const OPERATOR = { name: 'tigera-operator.yaml', path: `${UPSTREAM}/tigera-operator.yaml` } as const;

const ENCAPSULATION = { vxlan: 'VXLAN', 'cross-subnet': 'VXLANCrossSubnet', none: 'None' } as const;

/** Most of the copies Calico runs of its parts that need no node of their own. */
const COPIES = 2;

/**
 * What the operator is told: one pool that is the cluster's pod network, rules in the same language kube-proxy writes
 * them in, and the address kubelet registered, whatever other devices the node has. BGP is spoken only where packets travel as they
 * are: then it is how nodes tell each other their routes. The CSI driver and the flexvolume serve a service mesh only.
 */
export function calicoObjects(
  { cluster }: Scene,
  { encapsulation, mtu }: Installed,
): readonly KubernetesObject[] {
  return [
    {
      apiVersion: 'operator.tigera.io/v1',
      kind: 'Installation',
      metadata: { name: 'default' },
      spec: {
        variant: 'Calico',
        controlPlaneReplicas: Math.min(COPIES, cluster.nodes.length),
        kubeletVolumePluginPath: 'None',
        flexVolumePath: 'None',
        calicoNetwork: {
          bgp: encapsulation === 'none' ? 'Enabled' : 'Disabled',
          linuxDataplane: 'Nftables',
          mtu,
          hostPorts: 'Enabled',
          nodeAddressAutodetectionV4: { kubernetes: 'NodeInternalIP' },
          ipPools: [
            {
              name: 'default-ipv4-ippool',
              cidr: cluster.network.pods,
              blockSize: 26,
              encapsulation: ENCAPSULATION[encapsulation],
              natOutgoing: 'Enabled',
              nodeSelector: 'all()',
              // The list belongs to one owner as a whole, and the operator adds these where they are missing.
              allowedUses: ['Workload', 'Tunnel'],
              assignmentMode: 'Automatic',
              disableBGPExport: false,
              disableNewAllocations: false,
            },
          ],
        },
      },
    },
    {
      apiVersion: 'operator.tigera.io/v1',
      kind: 'APIServer',
      metadata: { name: 'default' },
      spec: {},
    },
  ];
}

const OPERATOR_CLUES: readonly Clue[] = [
  {
    match: /not within the platform's configured pod network CIDR|Could not resolve CalicoNetwork IPPool/,
    means: "Calico's pool is not the pod network the cluster was made with",
    try: 'put network.pods in cluster.yaml back to what the cluster has: kubectl -n kube-system get configmap kubeadm-config -o yaml | grep podSubnet',
    diagnosis: 'H48',
  },
  {
    match: /no matches for kind "(Installation|APIServer)"/,
    means:
      'the API server does not know the words of the operator yet: its definitions are missing or not yet established',
    try: 'landfall apply again; kubectl get crd installations.operator.tigera.io -o yaml says what is amiss',
  },
];

/** Calico by its operator, from upstream's own files. */
export function calicoSteps(scene: Scene, release: Installed): readonly Step[] {
  const api = { ask: kubectl(scene), ready: apiProbe(scene) };
  const { version } = release;
  const objects = calicoObjects(scene, release);
  const sum = (url: string) => scene.lock.network.files[url] ?? '';
  const file = ({ name, path }: typeof CRDS | typeof OPERATOR) => {
    const url = calicoFile(version, name);
    return { url, sha256: sum(url), path };
  };
  return [
    pinned(
      {
        id: 'network/calico-crds-file',
        title: `Fetch the definitions of Calico ${version}`,
        why: 'Calico keeps its settings in the cluster as objects of its own kinds. The file that defines them is taken from the release and compared with the sum landfall.lock holds, so that everybody who applies it applies the same.',
        see: [
          'https://docs.tigera.io/calico/latest/getting-started/kubernetes/self-managed-onprem/onpremises',
        ],
      },
      file(CRDS),
    ),
    pinned(
      {
        id: 'network/calico-operator-file',
        title: `Fetch the operator of Calico ${version}`,
        why: 'The operator is a program in the cluster that installs Calico, keeps it as it should be and upgrades it. Its manifest gives it wide rights, so it is worth a look before it is applied, as every manifest is.',
        see: [calicoFile(version, OPERATOR.name)],
      },
      file(OPERATOR),
    ),
    manifest(
      {
        id: 'network/calico-crds',
        title: "Define Calico's kinds in the cluster",
        why: 'The API server refuses an object of a kind it does not know. The definitions are applied by the server: they are too long for the note that kubectl would otherwise keep on each.',
        see: ['https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/'],
        after: ['network/calico-crds-file', 'control-plane/api-ready'],
        long: true,
        clues: API_CLUES,
      },
      api,
      { file: CRDS.path },
    ),
    manifest(
      {
        id: 'network/calico-operator',
        title: 'Put the operator of Calico into the cluster',
        why: 'It runs with the network of its node, so it starts before there is a network for pods, and makes that network.',
        see: ['https://kubernetes.io/docs/concepts/extend-kubernetes/operator/'],
        after: ['network/calico-operator-file', 'network/calico-crds'],
        long: true,
        clues: API_CLUES,
      },
      api,
      { file: OPERATOR.path },
    ),
    installation(scene, release, objects),
  ];
}

function installation(scene: Scene, release: Installed, objects: readonly KubernetesObject[]): Step {
  const ask = kubectl(scene);
  const step = manifest(
    {
      id: 'network/calico',
      title: `Tell the operator which Calico this cluster wants`,
      why: `Kubernetes says that every pod reaches every other by its address, and leaves the doing to a plugin. Calico gives each node blocks of ${scene.cluster.network.pods} and enforces NetworkPolicy. ${pathWords(release)}. Without a plugin no node becomes ready.`,
      see: ['https://docs.tigera.io/calico/latest/reference/installation/api'],
      after: ['network/calico-operator'],
      clues: [...OPERATOR_CLUES, ...API_CLUES],
    },
    { ask, ready: apiProbe(scene) },
    objects,
  );
  return {
    ...step,
    make: sh`
      ${ask} wait --for=condition=Established --timeout=25s ${['installations', 'apiservers'].map((kind) => `crd/${kind}.operator.tigera.io`)}
      ${ask} apply --server-side --field-manager=landfall --force-conflicts -f - ${heredoc(manifestText(objects))}`,
  };
}

/** What Calico says of itself: its operator judges every part and writes down what is amiss. */
export function calicoHealth(scene: Scene, clues: readonly Clue[]): Step {
  const line = [
    '{.metadata.name}',
    '{.status.conditions[?(@.type=="Available")].status}',
    '{.status.conditions[?(@.type=="Degraded")].status}',
    '{.status.conditions[?(@.type=="Degraded")].message}',
  ].join('|');
  const statuses = asked(
    scene,
    'calico_statuses',
    sh`${kubectl(scene)} get tigerastatuses.operator.tigera.io -o jsonpath=${`{range .items[*]}${line}{"\\n"}{end}`} 2>/dev/null`,
  );
  return check(
    {
      id: 'network/calico-available',
      title: "Hear from Calico's operator that all is well",
      why: 'A pod that runs is not yet a network that works. The operator looks at each part it has installed and says which is available and which is degraded, and why.',
      see: ['https://docs.tigera.io/calico/latest/reference/installation/api'],
      after: ['network/calico'],
      within: 300,
      awaits: 'every part of Calico to be available',
      probes: [statuses],
      clues: [...OPERATOR_CLUES, ...clues],
    },
    {
      read: sh`
        probe ${statuses.name} | awk -F '|' '
          $1 == "calico" { seen = 1 }
          $2 != "True" || $3 == "True" { print $1 ": " ($4 == "" ? "not available yet" : $4); bad = 1 }
          END { if (!seen) print "the operator has said nothing yet"; else if (!bad) print "all available" }'`,
      want: 'all available',
    },
  );
}
