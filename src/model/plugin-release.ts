import type { Encapsulation, NetworkPlugin } from './cluster.ts';

/** A plugin Landfall installs. */
export type InstalledPlugin = Exclude<NetworkPlugin, 'none'>;

/** A release of a network plugin: what Landfall was written and tried with. */
export interface PluginRelease {
  /** The plugin's name as its own project writes it. */
  readonly title: string;
  /** Without a leading v. */
  readonly version: string;
  /** The Kubernetes minors its project tests it with; undefined when it names none. */
  readonly minors?: readonly number[];
  /** Its ways between nodes, the one it is used with when nothing speaks for another first. */
  readonly encapsulations: readonly [Encapsulation, ...Encapsulation[]];
  readonly replacesKubeProxy: boolean;
  /** SHA-256 (hex) of what is fetched from upstream, by address. */
  readonly files: Readonly<Record<string, string>>;
  /** The images it runs from. */
  readonly images: readonly string[];
}

/** Where a release of Calico keeps a manifest: the file of its git tag. */
export function calicoFile(version: string, name: string): string {
  return `https://raw.githubusercontent.com/projectcalico/calico/v${version}/manifests/${name}`;
}

/** Cilium's chart, as its project's own chart repository serves it. */
export function ciliumChart(version: string): string {
  return `https://helm.cilium.io/cilium-${version}.tgz`;
}

/** The release of Helm that renders Cilium's chart. */
export const HELM_VERSION = '3.21.3';

/** Helm's own archive of its program. @param architecture dpkg's word, which is Go's too for the two that are known. */
export function helmArchive(architecture: string): string {
  return `https://get.helm.sh/helm-v${HELM_VERSION}-linux-${architecture}.tar.gz`;
}

const CALICO = '3.32.1';
const CILIUM = '1.20.2';

/**
 * The releases that are installed. Where the sums are from and how to add a release: docs/decisions/0006-network-plugins.md.
 */
export const PLUGIN_RELEASES: Readonly<Record<InstalledPlugin, PluginRelease>> = {
  flannel: {
    title: 'flannel',
    version: '0.28.10',
    encapsulations: ['vxlan', 'cross-subnet', 'none'],
    replacesKubeProxy: false,
    files: {},
    images: ['ghcr.io/flannel-io/flannel:v0.28.10', 'ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3'],
  },
  calico: {
    title: 'Calico',
    version: CALICO,
    minors: [34, 35, 36],
    encapsulations: ['cross-subnet', 'vxlan', 'none'],
    replacesKubeProxy: false,
    files: {
      [calicoFile(CALICO, 'v1_crd_projectcalico_org.yaml')]:
        '192f8b2d934ef24b62e86b7e1a6e1762d1c8af26a916f78057bc13fa5ed60f71',
      [calicoFile(CALICO, 'tigera-operator.yaml')]:
        'f18e073794207d372606bc3ea6f8fd73972f86d6828f4ba666dfe0d4aa8ab07f',
    },
    images: [
      'quay.io/tigera/operator:v1.42.3',
      ...['node', 'cni', 'typha', 'kube-controllers', 'apiserver'].map(
        (name) => `quay.io/calico/${name}:v${CALICO}`,
      ),
    ],
  },
  cilium: {
    title: 'Cilium',
    version: CILIUM,
    minors: [33, 34, 35, 36],
    encapsulations: ['vxlan', 'none'],
    replacesKubeProxy: true,
    files: {
      [ciliumChart(CILIUM)]: 'b2afd87b7f75f875f92a14559f14f59b7babbb479d968e3fd625a20bf30ec20e',
      [helmArchive('amd64')]: '15e041a93a590dce8100f39385cd98c84a765c9e36aeeb9e2dc6ff9e4769e2e0',
      [helmArchive('arm64')]: '67f58155079ff9ffab98ba5c88daff0ed9b542f3a4732f5dd426dde7dd0f5244',
    },
    images: [
      `quay.io/cilium/cilium:v${CILIUM}`,
      `quay.io/cilium/operator-generic:v${CILIUM}`,
      'quay.io/cilium/cilium-envoy:v1.37.6-1789133542-cbec91f666af0bf742da986d43832932dbb26b82',
    ],
  },
};
