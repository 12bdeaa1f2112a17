import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { code } from './code.ts';
import { buildDeb } from './deb.ts';
import { containerdPrograms } from './gomodules.ts';
import { pinnedFolder } from './module.ts';
import type { Recipe } from './recipe.ts';

const made = code('containerdPackage.ts', 'deb.ts');

/** The releases Docker builds its package for, of those that lab hosts are of: distribution → code name → number. */
export const dockerReleases = {
  debian: { bookworm: '12', trixie: '13' },
  ubuntu: { noble: '24.04' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** As Docker ships it: for Docker itself, which needs no CRI. */
const config = `#   Made as Docker's package has it: without the part that kubelet speaks with.
disabled_plugins = ["cri"]

#root = "/var/lib/containerd"
#state = "/run/containerd"
#subreaper = true
#oom_score = 0

#[grpc]
#  address = "/run/containerd/containerd.sock"
#  uid = 0
#  gid = 0
`;

/** Docker's package starts its service when it is installed, and takes nothing of the data away when it is purged. */
const scripts = {
  postinst: `#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  systemctl enable containerd.service >/dev/null 2>&1 || true
  if [ -n "$2" ]; then systemctl restart containerd.service || true; else systemctl start containerd.service || true; fi
fi
`,
  prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --no-reload disable containerd.service >/dev/null 2>&1 || true
  systemctl stop containerd.service || true
fi
`,
  postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
`,
};

/** What containerd's package is made of. */
export interface ContainerdParts {
  readonly containerd: Recipe;
  readonly runc: Recipe;
}

/**
 * Gives the recipe for Docker's package `containerd.io` of each of {@link dockerReleases}, laid out as theirs: containerd, its shim,
 * its client and a runc of its own, in the place of the distribution's `containerd` and `runc`. Manual pages are not in it.
 */
export function containerdPackage(version: string, parts: ContainerdParts): Recipe {
  return {
    id: `packages-containerd-${version}`,
    title: `package of containerd ${version}`,
    inputs: { code: made, version },
    needs: [parts.containerd, parts.runc],
    seconds: 6,
    tools: ['go'],
    async build({ out, scratch, of }) {
      const module = await pinnedFolder(
        `containerd-${version}`,
        `github.com/containerd/containerd/v2@v${version}`,
      );
      const unit = (await readFile(join(module, 'containerd.service'), 'utf8')).replaceAll(
        '/usr/local/bin/',
        '/usr/bin/',
      );
      for (const [os, releases] of Object.entries(dockerReleases))
        for (const [codename, number] of Object.entries(releases)) {
          await buildDeb(
            {
              name: 'containerd.io',
              version: `${version}-1~${os}.${number}~${codename}`,
              section: 'devel',
              description: 'An open and reliable container runtime',
              homepage: 'https://containerd.io',
              depends: ['libc6', 'libseccomp2'],
              instead: ['containerd', 'runc'],
              files: {
                ...Object.fromEntries(
                  containerdPrograms.map((name) => [
                    `/usr/bin/${name}`,
                    { from: join(of(parts.containerd), name) },
                  ]),
                ),
                '/usr/bin/runc': { from: join(of(parts.runc), 'runc') },
                '/usr/lib/systemd/system/containerd.service': { text: unit },
                '/etc/containerd/config.toml': { text: config },
              },
              conffiles: ['/etc/containerd/config.toml'],
              scripts,
            },
            join(scratch, codename),
            join(out, os, codename),
          );
        }
    },
  };
}
