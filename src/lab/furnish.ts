import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import type { Concession, ImageFile } from './concession.ts';
import { attempt, exec } from './exec.ts';
import type { ImageInputs } from './image.ts';
import type { HostKind } from './kind.ts';

/** The password of the user `deploy`, whose sudo asks for it. A lab host can be reached from this machine alone. */
export const DEPLOY_PASSWORD = 'landfall';

/** What is run in every tree, each by a shell in it. */
const COMMANDS = [
  'useradd -m -s /bin/bash ops',
  'useradd -m -s /bin/bash -G sudo deploy',
  `printf 'deploy:%s\\n' ${DEPLOY_PASSWORD} | chpasswd`,
  // Not the account's password: root comes in by key alone.
  'passwd -q -l root',
  // No device: a lab has no console, and gettys would only fail and be started again.
  'systemctl -q mask console-getty.service getty.target',
  'update-ca-certificates --fresh >/dev/null',
];

/** What is run in the tree of a host of this kind once all files lie there, those of the concessions last. */
export function imageCommands(kind: HostKind, conceded: readonly Concession[]): readonly string[] {
  const [on, off] = kind.sshd === 'socket' ? ['socket', 'service'] : ['service', 'socket'];
  return [
    ...COMMANDS,
    `systemctl -q disable ssh.${off} 2>/dev/null`,
    `systemctl -q enable ssh.${on}`,
    ...conceded.flatMap(({ commands = [] }) => commands),
  ];
}

/** Every file laid into a host's image: the lab's own, then those of the concessions. */
export function imageFiles(
  inputs: ImageInputs,
  marker: string,
  more: readonly ImageFile[],
): readonly ImageFile[] {
  const { release } = inputs.kind;
  return [
    { path: '/etc/landfall-lab', text: marker },
    { path: '/etc/apt/sources.list', text: `deb http://deb.debian.org/debian ${release} main\n` },
    { path: '/usr/local/share/ca-certificates/landfall-lab.crt', text: inputs.authority },
    ...(inputs.depotKey === undefined
      ? []
      : [{ path: '/etc/apt/trusted.gpg.d/landfall-lab.asc', text: inputs.depotKey }]),
    { path: '/etc/sudoers.d/ops', text: 'ops ALL=(ALL) NOPASSWD: ALL\n', mode: 0o440 },
    { path: '/usr/local/sbin/lab-init', text: INIT, mode: 0o755 },
    { path: '/etc/default/locale', text: 'LANG=C.UTF-8\n' },
    { path: '/etc/fstab', text: '# The root disk is mounted by the lab.\n' },
    ...more,
  ];
}

// systemd asks once at start whether it may write the controllers, and if not ignores them for ever; then containers
// land in the wrong cgroup. On a cgroup-v2 machine there is nothing to remount. systemd 257 wants to be forced to v1.
// The kernel has one list of swap for the whole machine: the host gets its heading alone, in the kernel's own words.
const INIT = `#!/bin/sh
# The first process of a lab host: makes the host's own cgroup controllers writable and hides the machine's swap, then
# becomes systemd.
if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  for controller in /sys/fs/cgroup/*/; do
    case $controller in */unified/ | */systemd/) ;; *) mount -o remount,bind,rw "$controller" ;; esac
  done
  export SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
  export SYSTEMD_PROC_CMDLINE="systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
fi
if [ -e /proc/swaps ]; then
  head -n 1 /proc/swaps >/run/lab-swaps
  mount --bind /run/lab-swaps /proc/swaps
fi
if [ -e /usr/local/lib/lab/init ]; then . /usr/local/lib/lab/init; fi
mount --make-rshared /
exec /lib/systemd/systemd
`;

/** Turns a plain Debian tree into a lab host's. */
export async function furnish(
  tree: string,
  kernel: string,
  modules: string,
  files: readonly ImageFile[],
  diversions: readonly { readonly from: string; readonly to: string }[],
  commands: readonly string[],
): Promise<void> {
  await exec(['find', join(tree, 'dev'), '-mindepth', '1', '-delete']);
  for (const name of await readdir(join(tree, 'etc/ssh')))
    if (name.startsWith('ssh_host_')) await rm(join(tree, 'etc/ssh', name));
  // Of the machine's own: mmdebstrap leaves them where it found them useful.
  for (const file of ['etc/apt/apt.conf.d/99mmdebstrap', 'etc/resolv.conf', 'etc/hostname'])
    await rm(join(tree, file), { force: true });
  await exec([
    'find',
    join(tree, 'etc/apt/sources.list.d'),
    join(tree, 'var/lib/apt/lists'),
    '-type',
    'f',
    '-delete',
  ]);
  for (const { from, to } of diversions)
    await exec([
      'chroot',
      tree,
      'dpkg-divert',
      '--local',
      '--quiet',
      '--no-rename',
      '--divert',
      to,
      '--add',
      from,
    ]);
  for (const file of files) await put(tree, file);
  for (const command of commands) await exec(['chroot', tree, 'sh', '-c', command]);
  for (const [home, user] of [
    ['root', 'root'],
    ['home/ops', 'ops'],
    ['home/deploy', 'deploy'],
  ] as const) {
    await exec(['chroot', tree, 'install', '-d', '-m', '700', '-o', user, '-g', user, `/${home}/.ssh`]);
  }
  if (modules === '') return;
  await put(tree, { path: `/lib/modules/${kernel}/modules.builtin`, text: modules });
  await put(tree, { path: `/lib/modules/${kernel}/modules.order`, text: '' });
  await attempt(['chroot', tree, 'depmod', kernel]);
}

async function put(tree: string, file: ImageFile): Promise<void> {
  const path = join(tree, file.path);
  makeFolder(dirname(path));
  await writeFile(path, file.text);
  await chmod(path, file.mode ?? 0o644);
}
