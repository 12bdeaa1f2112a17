import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { code } from './code.ts';
import { buildDeb, revision, unitScripts } from './deb.ts';
import { debianIndex } from './debian.ts';
import { exec } from './exec.ts';
import { pinnedFolder } from './module.ts';
import type { Recipe } from './recipe.ts';

const made = code('crioPackage.ts', 'deb.ts');

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
    tools: ['go'],
    async build({ out, scratch, of }) {
      const module = await pinnedFolder(`cri-o-${version}`, `github.com/cri-o/cri-o@v${version}`);
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
