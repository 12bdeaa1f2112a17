import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { concessions, type ImageFile, markerFile } from './concession.ts';
import { type OnLabEvent, reported } from './event.ts';
import { attempt, exec } from './exec.ts';
import { locked } from './lock.ts';
import type { Machine } from './machine.ts';
import { builtinModules, kernelConfig } from './modules.ts';
import { cacheDir, contentKey } from './place.ts';
import { aptOptions, imageSources, parseTargets, TARGET_FORMAT } from './sources.ts';
import type { Release } from './spec.ts';

/** What a minimal server has after installation; nothing that Landfall has to install itself. */
const PACKAGES = (
  'systemd systemd-sysv systemd-timesyncd libpam-systemd dbus udev openssh-server sudo ca-certificates curl gpg ' +
  'iproute2 iputils-ping netbase procps kmod logrotate cron less vim-tiny e2fsprogs util-linux mount login passwd ' +
  'hostname tzdata bash-completion'
).split(' ');

/** The password of the user `deploy`, whose sudo asks for it. A lab host can be reached from this machine alone. */
export const DEPLOY_PASSWORD = 'landfall';

/** Counted up when the code below makes another image from the same inputs. */
const RECIPE = '3';

/** What a golden disk is made of, beside the recipe in this file. */
export interface ImageInputs {
  readonly machine: Machine;
  readonly release: Release;
  readonly diskGiB: number;
  /** PEM of the authority that signs the depot's certificates. */
  readonly authority: string;
  /** Armoured public key of the depot's Debian suite, when the depot has one of its own. */
  readonly depotKey?: string;
}

/**
 * The golden disk hosts are cloned from: an ext4 image with a minimal Debian server and the machine's concessions.
 * Made once (20 to 40 s) and kept by content; gives its path.
 */
export async function goldenDisk(inputs: ImageInputs, on: OnLabEvent): Promise<string> {
  const conceded = concessions(inputs.machine, inputs.release);
  const modules = existsSync(`/lib/modules/${inputs.machine.kernel}`) ? '' : builtinModules(kernelConfig());
  const files = imageFiles(
    inputs,
    markerFile(conceded),
    conceded.flatMap((one) => one.files),
  );
  const diversions = conceded.flatMap((one) => one.diversions ?? []);
  const key = contentKey(
    RECIPE,
    baseKey(inputs.release),
    String(inputs.diskGiB),
    inputs.machine.kernel,
    modules,
    JSON.stringify([files, diversions, USERS]),
  );
  const disk = join(cacheDir(), 'golden', `${inputs.release}-${key}.img`);
  if (existsSync(disk)) return disk;
  return locked(
    `${disk}.lock`,
    'making the golden disk',
    async () => {
      if (existsSync(disk)) return disk;
      const base = await baseTree(inputs.release, on);
      await reported(
        on,
        'image/disk',
        'the golden disk every host is cloned from (about 8 s, once)',
        async () => {
          const tree = `${disk}.tree`;
          await rm(tree, { recursive: true, force: true });
          await mkdir(tree, { recursive: true });
          await exec(['tar', '-C', tree, '--numeric-owner', '-xpf', base]);
          await furnish(tree, inputs.machine.kernel, modules, files, diversions);
          const part = `${disk}.part`;
          await rm(part, { force: true });
          await exec(['truncate', '-s', `${inputs.diskGiB}G`, part]);
          // No blocks set aside for root: a full disk is full for everybody. Tables are zeroed when first used.
          await exec([
            'mkfs.ext4',
            '-q',
            '-F',
            '-m',
            '0',
            '-L',
            'root',
            '-d',
            tree,
            '-E',
            'lazy_itable_init=1,lazy_journal_init=1',
            part,
          ]);
          await rm(tree, { recursive: true, force: true });
          await rename(part, disk);
        },
      );
      return disk;
    },
    (holder) => on({ is: 'lab', what: 'image/disk', state: 'goes-on', text: `waiting: ${holder}` }),
  );
}

const baseKey = (release: Release): string => contentKey(RECIPE, release, PACKAGES.join(' '));

/** A tar of the minimal system as Debian's packages make it, nothing of the lab in it. */
async function baseTree(release: Release, on: OnLabEvent): Promise<string> {
  const tar = join(cacheDir(), 'base', `${release}-${baseKey(release)}.tar`);
  if (existsSync(tar)) return tar;
  await mkdir(dirname(tar), { recursive: true });
  const targets = parseTargets(await exec(['apt-get', 'indextargets', '--format', TARGET_FORMAT]));
  const options = aptOptions(await exec(['apt-config', 'dump', 'Acquire']));
  await reported(
    on,
    'image/base',
    `a minimal ${release} from the machine's package sources (about 25 s, once)`,
    async (progress) => {
      const part = `${tar}.${process.pid}.part`;
      await exec(
        [
          'mmdebstrap',
          '--variant=minbase',
          '--mode=root',
          '--format=tar',
          `--include=${PACKAGES.join(',')}`,
          ...options.map((option) => `--aptopt=${option}`),
          release,
          part,
          ...imageSources(targets, release),
        ],
        { onLine: (line) => (line.startsWith('I: ') ? progress(line.slice(3)) : undefined) },
      );
      await rename(part, tar);
    },
  );
  return tar;
}

const USERS = [
  'useradd -m -s /bin/bash ops',
  'useradd -m -s /bin/bash -G sudo deploy',
  `printf 'deploy:%s\\n' ${DEPLOY_PASSWORD} | chpasswd`,
  // Not the account's password: root comes in by key alone.
  'passwd -q -l root',
  // No device: a lab has no console, and gettys would only fail and be started again.
  'systemctl -q mask console-getty.service getty.target',
  'systemctl -q enable ssh.service',
  'update-ca-certificates --fresh >/dev/null',
];

function imageFiles(inputs: ImageInputs, marker: string, more: readonly ImageFile[]): readonly ImageFile[] {
  const { release } = inputs;
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
const INIT = `#!/bin/sh
# The first process of a lab host: makes the host's own cgroup controllers writable, then becomes systemd.
if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  for controller in /sys/fs/cgroup/*/; do
    case $controller in */unified/ | */systemd/) ;; *) mount -o remount,bind,rw "$controller" ;; esac
  done
  export SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
  export SYSTEMD_PROC_CMDLINE="systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
fi
mount --make-rshared /
exec /lib/systemd/systemd
`;

/** Turns a plain Debian tree into a lab host's. */
async function furnish(
  tree: string,
  kernel: string,
  modules: string,
  files: readonly ImageFile[],
  diversions: readonly { readonly from: string; readonly to: string }[],
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
  for (const command of USERS) await exec(['chroot', tree, 'sh', '-c', command]);
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
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file.text);
  await chmod(path, file.mode ?? 0o644);
}

/** Reads a depot's public key where it has one. */
export async function depotKey(depot: string): Promise<string | undefined> {
  const file = join(depot, 'landfall-lab.asc');
  return existsSync(file) ? readFile(file, 'utf8') : undefined;
}
