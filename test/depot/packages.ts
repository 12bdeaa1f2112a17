import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { code } from './code.ts';
import { buildDeb, type Content, type Deb, revision, unitScripts } from './deb.ts';
import type { Recipe } from './recipe.ts';
import type { Release } from './release.ts';

const made = code('packages.ts', 'deb.ts');

const kubeletService = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

const kubeadmDropIn = `# How kubeadm has the kubelet started.
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# Written by kubeadm init and kubeadm join: sets KUBELET_KUBEADM_ARGS.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# The user's own, which wins: KUBELET_EXTRA_ARGS.
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

/** What the packages of a Kubernetes minor are made of. */
export interface PackageParts {
  readonly kubernetes: Recipe;
  readonly crictl: Recipe;
  readonly cniPlugins: Recipe;
}

/** Gives the recipe for the five packages of a Kubernetes minor's repository, laid out as upstream's (kubernetes/release, krel templates). */
export function kubernetesPackages(release: Release, cniVersion: string, parts: PackageParts): Recipe {
  const version = release.kubernetes;
  return {
    id: `packages-kubernetes-${version}`,
    title: `packages of Kubernetes ${version}`,
    inputs: { code: made, release: JSON.stringify(release), cniVersion },
    needs: [parts.kubernetes, parts.crictl, parts.cniPlugins],
    seconds: 5,
    tools: [],
    async build({ out, scratch, of }) {
      const bin = (name: string): Readonly<Record<string, Content>> => ({
        [`/usr/bin/${name}`]: { from: join(of(parts.kubernetes), name) },
      });
      const shared = { version: `${version}${revision}`, homepage: 'https://kubernetes.io' };
      const keep = { text: '' };
      const plugins = await readdir(of(parts.cniPlugins));
      const debs: readonly Deb[] = [
        {
          ...shared,
          name: 'kubeadm',
          section: 'admin',
          description: 'Command-line utility for administering a Kubernetes cluster',
          files: {
            ...bin('kubeadm'),
            '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf': { text: kubeadmDropIn },
          },
        },
        {
          ...shared,
          name: 'kubelet',
          section: 'net',
          description: 'Node agent for Kubernetes clusters',
          depends: ['iptables (>= 1.4.21)', 'kubernetes-cni (>= 1.2.0)', 'mount', 'util-linux'],
          files: {
            ...bin('kubelet'),
            '/usr/lib/systemd/system/kubelet.service': { text: kubeletService },
            '/etc/default/kubelet': { text: 'KUBELET_EXTRA_ARGS=\n' },
            '/etc/kubernetes/manifests/.kubelet-keep': keep,
            '/var/lib/kubelet/.kubelet-keep': keep,
          },
          conffiles: ['/etc/default/kubelet'],
          scripts: unitScripts('kubelet.service', false),
        },
        {
          ...shared,
          name: 'kubectl',
          section: 'admin',
          description: 'Command-line utility for interacting with a Kubernetes cluster',
          files: bin('kubectl'),
        },
        {
          ...shared,
          name: 'cri-tools',
          version: `${release.criTools}${revision}`,
          section: 'admin',
          description: 'Command-line utility for interacting with a container runtime',
          files: { '/usr/bin/crictl': { from: join(of(parts.crictl), 'crictl') } },
        },
        {
          ...shared,
          name: 'kubernetes-cni',
          version: `${cniVersion}${revision}`,
          section: 'net',
          description: 'Binaries required to provision kubernetes container networking',
          files: {
            ...Object.fromEntries(
              plugins.map((name) => [`/opt/cni/bin/${name}`, { from: join(of(parts.cniPlugins), name) }]),
            ),
            '/etc/cni/net.d/.kubernetes-cni-keep': keep,
          },
        },
      ];
      for (const deb of debs) await buildDeb(deb, join(scratch, deb.name), out);
    },
  };
}
