import {
  CONTAINERD_LOGINS,
  CONTAINERD_LOGINS_DIGEST,
  mirrored,
  type Mirror,
  type Registries,
} from '../model/registries.ts';
import { heredoc, lines, type Shell, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { draft, folder, inPlace } from './kinds/file.ts';
import type { Scene } from './phase.ts';
import { WISHED } from './places.ts';
import { loginsStep } from './registries.ts';
import type { Step } from './step.ts';

const SEE = {
  hosts: 'https://github.com/containerd/containerd/blob/main/docs/hosts.md',
  registry: 'https://github.com/containerd/containerd/blob/main/docs/cri/registry.md',
};

const HEAD = '# Written by Landfall: where images are pulled from.';

/** Where the images of a registry really are, when that is not its name. */
const SERVERS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/**
 * Where containerd pulls images from, and as whom. The mirrors it looks for at each pull; the logins it reads when it starts, so
 * they come before the step that starts it anew.
 */
export function containerdRegistrySteps({ cluster }: Scene): readonly Step[] {
  const { registries } = cluster;
  if (registries === undefined) return [];
  return [
    ...(registries.mirrors.length === 0 ? [] : [mirrors(registries)]),
    ...(registries.logins.length === 0 ? [] : [logins(registries)]),
  ];
}

/** What containerd is told of the mirrors of one registry: hosts.toml. */
export function hostsText(of: string, all: readonly Mirror[]): string {
  const tables = all
    .filter((mirror) => mirror.of === of)
    .flatMap(({ at, insecure }) => {
      const [host = '', ...path] = at.split('/');
      const where = [`${host}/v2`, ...path].join('/');
      // One that may be without TLS is asked with it first, whoever vouches for it.
      return insecure
        ? [table(`https://${where}`, ['skip_verify = true']), table(`http://${where}`, [])]
        : [table(`https://${where}`, [])];
    });
  return [`${HEAD}\nserver = ${text(`https://${SERVERS[of] ?? of}`)}`, ...tables].join('\n\n').concat('\n');
}

function table(address: string, more: readonly string[]): string {
  return [
    `[host.${text(address)}]`,
    'capabilities = ["pull", "resolve"]',
    'override_path = true',
    ...more,
  ].join('\n');
}

/** A text as TOML writes it. */
function text(value: string): string {
  return JSON.stringify(value);
}

function mirrors(registries: Registries): Step {
  const dir = WISHED.certs;
  const files = mirrored(registries)
    .map((of) => ({ path: `${dir}/${of}/hosts.toml`, content: hostsText(of, registries.mirrors) }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const paths = files.map(({ path }) => path);
  const ours = sh`grep -lsxF ${HEAD} ${`${dir}/`}*/hosts.toml`;
  const write = files.map(
    ({ path, content }) => sh`
      mkdir -p ${folder(path)}
      cat >${draft(path)} ${heredoc(content)}
      chmod 0644 ${draft(path)}
      chown root:root ${draft(path)}
      ${inPlace(path)}`,
  );
  const remove = sh`while read -r path; do rm -f "$path"; rmdir "\${path%/*}" 2>/dev/null || :; done`;
  return {
    id: 'runtime/mirrors',
    title: 'Pull images by way of the mirrors',
    why: 'Each node pulls its own images. By a mirror they come past a registry that is slow, counts downloads or turns this network away, and images keep the names that kubeadm and every chart know them by. containerd has a folder for each registry, and looks into it at each pull.',
    see: [SEE.hosts],
    read: sh`
      { ${ours}; ls ${paths} 2>/dev/null; } | sort -u | while read -r path; do
        stat -c '%n %04a %U:%G' "$path"
        cat "$path"
      done | grep . || echo absent`,
    want: files
      .flatMap(({ path, content }) => [
        `${path} 0644 root:root`,
        ...content.split('\n').filter((line) => line !== ''),
      ])
      .join('\n'),
    make: lines(
      sh`
        # A registry that is on the list no more has none.
        ${ours} | grep -vxF ${paths.flatMap((path) => ['-e', path])} | ${remove}`,
      ...write,
    ),
    undo: sh`
      rm -f ${paths.map(draft)}
      ${ours} | ${remove}
      rmdir ${dir} 2>/dev/null || :`,
    clues: DISK_CLUES,
  };
}

function logins(registries: Registries): Step {
  const path = WISHED.containerdLogins;
  const step = loginsStep(registries, {
    why: 'A registry that asks who pulls turns away whoever does not say. containerd has the passwords in this one file, which root alone can read, and reads it when it starts. Of what is in it only this is told: whether it is what you gave.',
    see: SEE.registry,
    path,
    text: {
      slot: CONTAINERD_LOGINS,
      is: 'the text of that file with your passwords: a table for each registry',
    },
    digest: CONTAINERD_LOGINS_DIGEST,
  });
  return {
    ...step,
    undo: sh`
      ${step.undo as Shell}
      rmdir ${folder(path)} 2>/dev/null || :`,
  };
}
