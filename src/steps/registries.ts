import { LOGINS, LOGINS_DIGEST, mirrored, type Registries } from '../model/registries.ts';
import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { draft, folder, inPlace } from './kinds/file.ts';
import { ownFile } from './kinds/own-file.ts';
import type { Scene } from './phase.ts';
import { WISHED } from './places.ts';
import type { Secret, Slot, Step } from './step.ts';

const SEE = {
  registries: 'https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md',
  auth: 'https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md',
  crio: 'https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md',
};

/**
 * Where CRI-O pulls images from, and as whom: for kubeadm, which pulls through it, and for every pod. CRI-O reads the file of
 * mirrors and the name of the file of logins when it starts, so these come before the step that starts it anew; the logins
 * themselves it reads at each pull.
 */
export function registrySteps({ cluster }: Scene): readonly Step[] {
  const { registries } = cluster;
  if (registries === undefined) return [];
  return [
    ...(registries.mirrors.length === 0 ? [] : [mirrors(registries), lastWord(registries)]),
    ...(registries.logins.length === 0 ? [] : [logins(registries), loginsNamed()]),
  ];
}

function mirrors(registries: Registries): Step {
  return ownFile(
    {
      id: 'runtime/mirrors',
      title: 'Pull images by way of the mirrors',
      why: 'Each node pulls its own images. By a mirror they come past a registry that is slow, counts downloads or turns this network away, and images keep the names that kubeadm and every chart know them by.',
      see: [SEE.registries],
    },
    { path: WISHED.mirrors, content: mirrorsText(registries) },
  );
}

/** The file of mirrors: containers-registries.conf(5). */
export function mirrorsText(registries: Registries): string {
  const tables = mirrored(registries).flatMap((of) => [
    ['[[registry]]', `prefix = ${text(of)}`, `location = ${text(of)}`],
    ...registries.mirrors
      .filter((mirror) => mirror.of === of)
      .map(({ at, insecure }) => [
        '[[registry.mirror]]',
        `location = ${text(at)}`,
        ...(insecure ? ['insecure = true'] : []),
      ]),
  ]);
  return ['# Written by Landfall: where images are pulled from.', ...tables.map((t) => t.join('\n'))]
    .join('\n\n')
    .concat('\n');
}

/** A text as TOML writes it. */
function text(value: string): string {
  return JSON.stringify(value);
}

function lastWord(registries: Registries): Step {
  const dir = folder(WISHED.mirrors);
  const lines = mirrored(registries).flatMap((of) => [`prefix=${text(of)}`, `location=${text(of)}`]);
  return check(
    {
      id: 'runtime/mirrors-last-word',
      title: 'See that no other file has the last word on these registries',
      why: 'Of two files that speak of one registry the runtime takes the one whose name sorts last, whole: the mirrors of the other are forgotten, and nobody is told.',
      see: [SEE.registries],
      after: ['runtime/mirrors'],
      clues: [
        {
          match: /^\/etc\/containers\//,
          means:
            'a file that comes after ours speaks of the same registry, so its mirrors hold and ours do not',
          try: 'move what is wanted of it into registries.mirrors of cluster.yaml, and the file away',
        },
      ],
    },
    {
      read: sh`
        after=
        for path in ${`${dir}/`}*.conf; do
          if [ "$path" = ${WISHED.mirrors} ]; then after=yes
          elif [ -n "$after" ] && tr -d ' \t' <"$path" | grep -qxF ${lines.flatMap((line) => ['-e', line])}; then echo "$path"; fi
        done 2>/dev/null | grep . || echo none`,
      want: 'none',
    },
  );
}

function logins(registries: Registries): Step {
  return loginsStep(registries, {
    why: 'A registry that asks who pulls turns away whoever does not say. The passwords lie in this one file, which root alone can read and CRI-O reads at each pull. Of what is in it only this is told: whether it is what you gave.',
    see: SEE.auth,
    path: WISHED.logins,
    text: {
      slot: LOGINS,
      is: 'the text of that file with your passwords, as containers-auth.json(5) has it',
    },
    digest: LOGINS_DIGEST,
  });
}

/** A file of passwords, as a runtime reads it. */
interface LoginsFile {
  readonly why: string;
  readonly see: string;
  readonly path: string;
  /** Its whole text. */
  readonly text: Secret;
  /** The slot of its SHA-256, by which it is compared. */
  readonly digest: Slot;
}

/** The logins of the registries that ask, in a file of one runtime's own form. */
export function loginsStep({ logins: all }: Registries, { why, see, path, text, digest }: LoginsFile): Step {
  const names = all.map(({ at, user }) => `${user} at ${at}`).join('\n');
  return {
    id: 'runtime/logins',
    title: 'Log in to the registries that ask',
    why,
    see: [see],
    secrets: [text, { slot: digest, is: 'its SHA-256, the end of its last line included' }],
    read: sh`
      if [ -e ${path} ]; then
        stat -c '%04a %U:%G' ${path}
        if [ "$(sha256sum <${path} | cut -c 1-64)" = "$(slot ${digest})" ]; then printf '%s\n' ${names}
        else echo 'other logins than cluster.yaml names, or other passwords'; fi
      else echo absent; fi`,
    want: `0600 root:root\n${names}`,
    make: sh`
      mkdir -p ${folder(path)}
      umask 077
      printf '%s\n' "$(slot ${text.slot})" >${draft(path)}
      chmod 0600 ${draft(path)}
      chown root:root ${draft(path)}
      ${inPlace(path)}`,
    undo: sh`rm -f ${draft(path)} ${path}`,
    clues: DISK_CLUES,
  };
}

function loginsNamed(): Step {
  const line = `"${WISHED.logins}"`;
  return ownFile(
    {
      id: 'runtime/logins-named',
      title: 'Tell CRI-O where the logins are',
      why: 'Without this CRI-O pulls as nobody, whatever lies on the disk. kubeadm and kubelet pull through it, so this holds for the control plane and for every pod.',
      see: [SEE.crio],
    },
    {
      path: WISHED.loginsNamed,
      content: `# Written by Landfall: where the logins of registries are.\n[crio.image]\nglobal_auth_file = ${line}\npause_image_auth_file = ${line}\n`,
    },
  );
}
