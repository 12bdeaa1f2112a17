import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { code } from './code.ts';
import { buildDeb, type Content, type Deb } from './deb.ts';
import { debianIndex } from './debian.ts';
import { exec } from './exec.ts';
import { moduleFolder } from './module.ts';
import type { Recipe } from './recipe.ts';
import type { Release } from './release.ts';

const made = code('packages.ts', 'deb.ts');

/** What upstream's build service puts behind the version of its first build. */
export const revision = '-1.1';

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

/** Maintainer scripts of a package with a unit: stopped when removed; after an upgrade systemd reads it again. */
function unitScripts(unit: string, restart: boolean): Readonly<Record<string, string>> {
  const again = restart
    ? `if [ "$1" = upgrade ] && [ -d /run/systemd/system ]; then\n  systemctl try-restart ${unit} || true\nfi\n`
    : '';
  return {
    prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --no-reload disable ${unit} >/dev/null 2>&1 || true
  systemctl stop ${unit} || true
fi
`,
    postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
${again}`,
  };
}

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
    seconds: 15,
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

const crioConf = ['crun', 'runc'].reduce(
  (conf, name) => `${conf}
[crio.runtime.runtimes.${name}]
runtime_path = "/usr/libexec/crio/${name}"
runtime_root = "/run/${name}"
monitor_path = "/usr/libexec/crio/conmon"
${name === 'crun' ? 'allowed_annotations = [\n    "io.containers.trace-syscall",\n]\n' : ''}`,
  `[crio.image]
signature_policy = "/etc/crio/policy.json"

[crio.runtime]
default_runtime = "crun"
`,
);

const crioService = `[Unit]
Description=Container Runtime Interface for OCI (CRI-O)
Documentation=https://github.com/cri-o/cri-o
Wants=network-online.target
Before=kubelet.service
After=network-online.target

[Service]
Type=notify
EnvironmentFile=-/etc/default/crio
Environment=GOTRACEBACK=crash
ExecStart=/usr/bin/crio \\
          $CRIO_CONFIG_OPTIONS \\
          $CRIO_RUNTIME_OPTIONS \\
          $CRIO_STORAGE_OPTIONS \\
          $CRIO_NETWORK_OPTIONS \\
          $CRIO_METRICS_OPTIONS
ExecReload=/bin/kill -s HUP $MAINPID
TasksMax=infinity
LimitNOFILE=1048576
LimitNPROC=1048576
LimitCORE=infinity
OOMScoreAdjust=-999
TimeoutStartSec=0
Restart=on-failure
RestartSec=10

[Install]
WantedBy=multi-user.target
Alias=cri-o.service
`;

/** What CRI-O's package is made of. */
export interface CrioParts {
  readonly crio: Recipe;
  readonly pinns: Recipe;
  readonly crun: Recipe;
  readonly runc: Recipe;
  readonly debian: Recipe;
}

/**
 * Gives the recipe for CRI-O's one package, laid out as upstream's (cri-o/packaging). Two differences: its monitor is
 * Debian's conmon, which is linked dynamically, so the package depends on its libraries; and `conmonrs` and
 * `crio-credential-provider` are not in it, as they are not published as Go modules.
 */
export function crioPackage(version: string, parts: CrioParts): Recipe {
  return {
    id: `packages-cri-o-${version}`,
    title: `package of CRI-O ${version}`,
    inputs: { code: made, version },
    needs: [parts.crio, parts.pinns, parts.crun, parts.runc, parts.debian],
    seconds: 4,
    tools: [],
    async build({ out, scratch, of }) {
      const module = await moduleFolder(`github.com/cri-o/cri-o@v${version}`);
      const conmon = (await debianIndex(of(parts.debian))).find((stanza) => stanza['Package'] === 'conmon');
      await mkdir(join(scratch, 'conmon'));
      await exec([
        'dpkg-deb',
        '-x',
        join(of(parts.debian), conmon?.['Filename'] as string),
        join(scratch, 'conmon'),
      ]);
      const environment = await readFile(join(module, 'contrib/sysconfig/crio'), 'utf8');
      const conffiles = {
        '/etc/containers/registries.conf.d/crio.conf': {
          text: 'unqualified-search-registries = ["docker.io"]\n',
        },
        '/etc/crictl.yaml': { from: join(module, 'crictl.yaml') },
        '/etc/default/crio': { text: environment.replaceAll('/etc/sysconfig/crio', '/etc/default/crio') },
        '/etc/cni/net.d/10-crio-bridge.conflist.disabled': {
          from: join(module, 'contrib/cni/10-crio-bridge.conflist'),
        },
      };
      await buildDeb(
        {
          name: 'cri-o',
          version: `${version}${revision}`,
          section: 'admin',
          description:
            'Open Container Initiative-based implementation of Kubernetes Container Runtime Interface',
          homepage: 'https://cri-o.io',
          depends: ['iptables', 'libc6', 'libcap2', 'libglib2.0-0', 'libseccomp2', 'libsystemd0'],
          recommends: ['kubernetes-cni'],
          files: {
            '/usr/bin/crio': { from: join(of(parts.crio), 'crio') },
            '/usr/bin/pinns': { from: join(of(parts.pinns), 'pinns') },
            '/usr/libexec/crio/conmon': { from: join(scratch, 'conmon/usr/bin/conmon') },
            '/usr/libexec/crio/crun': { from: join(of(parts.crun), 'crun') },
            '/usr/libexec/crio/runc': { from: join(of(parts.runc), 'runc') },
            '/usr/lib/systemd/system/crio.service': { text: crioService },
            '/usr/share/bash-completion/completions/crio': { from: join(module, 'completions/bash/crio') },
            '/usr/share/oci-umount/oci-umount.d/crio-umount.conf': { from: join(module, 'crio-umount.conf') },
            '/etc/crio/crio.conf.d/10-crio.conf': { text: crioConf },
            '/etc/crio/policy.json': { text: '{ "default": [{ "type": "insecureAcceptAnything" }] }\n' },
            ...conffiles,
          },
          folders: ['/var/lib/crio'],
          conffiles: Object.keys(conffiles).sort(),
          scripts: unitScripts('crio.service', true),
        },
        join(scratch, 'tree'),
        out,
      );
    },
  };
}
