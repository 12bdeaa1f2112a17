import { sh } from '../shell/sh.ts';
import { draft, folder, putBack, inPlace } from './kinds/file.ts';
import { service } from './kinds/unit.ts';
import { kubeadmImages } from './kubeadm-images.ts';
import type { Scene } from './phase.ts';
import { FILES, WISHED } from './places.ts';
import { RUNTIME_PARTS } from './runtime-parts.ts';
import type { Clue, Step } from './step.ts';

/** The file the old package left, which points to a program it does not bring any more. */
const OLD_RUNC = '/etc/crio/crio.conf.d/01-crio-runc.conf';

/** Troubles of CRI-O's start. */
export const CRIO_CLUES: readonly Clue[] = [
  {
    match: /invalid runtime_path for runtime/,
    means: 'a drop-in left by an old package points to a program that is gone',
    try: `remove ${OLD_RUNC}; the package's own 10-crio.conf names programs that are there`,
    diagnosis: 'H14',
  },
  {
    match: /\/var\/lib\/crio\/(version|clean\.shutdown).*no such file/,
    means: 'the folder CRI-O keeps its books in is missing',
    try: 'mkdir -p /var/lib/crio',
    diagnosis: 'H15',
  },
  {
    match: /invalid log_level|toml: |unknown configuration|line \d+ .*(expected|unexpected)/i,
    means: 'a file in /etc/crio is not what CRI-O can read',
    try: 'crio config 2>&1 | head shows which; move your own file out of /etc/crio/crio.conf.d',
  },
];

/** What CRI-O reads, before it is started with it. */
export function crioFiles(scene: Scene): readonly Step[] {
  return [oldRunc(), stateFolder(), pauseImage(scene)];
}

/** CRI-O itself. */
export function crioService(scene: Scene): Step {
  const { unit, program, socket } = RUNTIME_PARTS['cri-o'];
  return service(
    {
      id: 'runtime/crio',
      title: 'Run CRI-O, now and after every boot',
      why: 'The package installs CRI-O but neither starts nor enables it: without this the node would be dead after its first reboot. And what was written to its files since its start is only paper until it is started again.',
      see: ['https://github.com/cri-o/cri-o/blob/main/docs/crio.8.md'],
      after: ['packages/installed', 'runtime/programs', 'runtime/pause-image'],
      disturbs: 'service',
      within: 30,
      awaits: 'CRI-O',
      clues: CRIO_CLUES,
    },
    {
      unit,
      // Programs in Go read whom they trust once, when they start.
      reads: [
        '/etc/crio',
        '/etc/containers',
        folder(WISHED.crioProxy),
        ...(scene.cluster.trust === undefined ? [] : [WISHED.authorities]),
      ],
      program,
      socket,
    },
  );
}

function oldRunc(): Step {
  return {
    id: 'runtime/programs',
    title: 'Point CRI-O only at programs that are there',
    why: 'An old CRI-O package left a file that names a runc it no longer brings, and CRI-O refuses to start over it. The current package names its own programs.',
    see: [
      'https://github.com/opencontainers/runtime-spec',
      'https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md',
    ],
    read: sh`
      gone=$(sed -n 's/^[[:space:]]*runtime_path *= *"\([^"]*\)".*/\1/p' /etc/crio/crio.conf /etc/crio/crio.conf.d/*.conf 2>/dev/null |
        sort -u | while read -r path; do [ -e "$path" ] || echo "$path is not there"; done)
      echo "$gone" | sed 's/^$/all there/'`,
    want: 'all there',
    make: sh`rm -f ${OLD_RUNC}`,
    clues: [
      {
        match: / is not there$/,
        means:
          'a file in /etc/crio names a program that does not exist, and it is not the one Landfall knows to be rubbish',
        try: 'grep -rn runtime_path /etc/crio shows which; correct or remove it',
        diagnosis: 'H14',
      },
    ],
  };
}

function stateFolder(): Step {
  return {
    id: 'runtime/state-folder',
    title: 'Have the folder CRI-O keeps its books in',
    why: 'CRI-O notes there how it was stopped, to know at its start whether containers must be cleared away. Packages of old did not create it.',
    see: ['https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md'],
    after: ['packages/installed'],
    read: sh`if [ -d /var/lib/crio ]; then echo there; else echo absent; fi`,
    want: 'there',
    make: sh`mkdir -p /var/lib/crio`,
  };
}

function pauseImage(scene: Scene): Step {
  const path = FILES.crio;
  return {
    id: 'runtime/pause-image',
    title: 'Hold pods open with the image kubeadm names',
    why: 'Each pod begins with a tiny container that holds its network. CRI-O and kubeadm each have their own idea of its version; when they differ, a second image is pulled from somewhere unplanned, and one of the two is cleared away as unused.',
    see: ['https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md'],
    after: ['packages/installed'],
    probes: [kubeadmImages(scene)],
    read: sh`
      asked=$(probe kubeadm_images | grep '/pause:')
      has=$(sed -n 's/^pause_image = "\(.*\)"$/\1/p' ${path} 2>/dev/null)
      if [ -z "$asked" ]; then echo 'kubeadm does not say'
      elif [ "$has" = "$asked" ]; then echo 'the one kubeadm names'
      else echo "kubeadm names $asked, the file names $has"; fi`,
    want: 'the one kubeadm names',
    make: sh`
      asked=$(probe kubeadm_images | grep '/pause:')
      mkdir -p ${folder(path)}
      printf '# Written by Landfall: the image kubeadm expects.\n[crio.image]\npause_image = "%s"\n' "$asked" >${draft(path)}
      ${inPlace(path)}`,
    undo: putBack(path),
    writes: [path],
    clues: [
      {
        match: /sandbox image.*inconsistent/,
        means: "kubeadm found another pause image in CRI-O's configuration",
        try: 'crio config 2>/dev/null | grep pause_image; look for another file in /etc/crio/crio.conf.d that comes later',
        diagnosis: 'H28',
      },
    ],
  };
}
