import { constants, existsSync, readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { cpus, release as kernelRelease } from 'node:os';
import { delimiter, join } from 'node:path';
import { Problem } from '../model/problem.ts';
import { type OnLabEvent, reported } from './event.ts';
import { attempt, exec } from './exec.ts';

/** What this machine is like, as far as the lab must know. */
export interface Machine {
  readonly root: boolean;
  readonly cgroup: 'v1' | 'v2';
  /** v1: the mounted controllers and `systemd`, each with the folder it is mounted on. */
  readonly controllers: readonly { readonly name: string; readonly mount: string }[];
  /** Capabilities that no process here can have, by name (`CAP_SYS_RESOURCE`). */
  readonly missingCapabilities: readonly string[];
  readonly kernel: string;
  readonly cpus: number;
}

/** Capability names in the order of their bits (linux/capability.h). */
const CAPABILITIES = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ');

/** Names of the capabilities whose bit is not set in a `CapBnd` mask of /proc/PID/status (hexadecimal). */
export function missingCapabilities(mask: string): readonly string[] {
  const bits = BigInt(`0x${mask}`);
  return CAPABILITIES.filter((_, bit) => (bits & (1n << BigInt(bit))) === 0n).map((name) => `CAP_${name}`);
}

/**
 * Which cgroup hierarchies are mounted, read from /proc/self/mounts. v2 means: no v1 controller is mounted anywhere
 * (a hybrid machine, with v1 controllers and an empty v2 tree beside them, counts as v1).
 */
export function cgroupsOf(mounts: string): Pick<Machine, 'cgroup' | 'controllers'> {
  const controllers = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === 'cgroup')
    .flatMap(([, mount = '', , options = '']) => {
      const words = options.split(',');
      const named = words.find((word) => word.startsWith('name='))?.slice('name='.length);
      const name = named ?? words.find((word) => KNOWN_CONTROLLERS.has(word));
      return name === undefined ? [] : [{ name, mount }];
    });
  return { cgroup: controllers.some(({ name }) => name !== 'systemd') ? 'v1' : 'v2', controllers };
}

const KNOWN_CONTROLLERS: ReadonlySet<string> = new Set(
  'cpu cpuacct cpuset memory devices freezer blkio pids hugetlb net_cls net_prio perf_event rdma misc'.split(
    ' ',
  ),
);

/** Looks at the machine; changes nothing. */
export function readMachine(): Machine {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return {
    root: process.getuid?.() === 0,
    ...cgroupsOf(readFileSync('/proc/self/mounts', 'utf8')),
    missingCapabilities: missingCapabilities(mask),
    kernel: kernelRelease(),
    cpus: cpus().length,
  };
}

/** Programs the lab runs, and the Debian package each comes in. */
const TOOLS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['mmdebstrap', 'mmdebstrap'],
  ['systemd-nspawn', 'systemd-container'],
  ['nft', 'nftables'],
  ['ip', 'iproute2'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['openssl', 'openssl'],
  ['ssh', 'openssh-client'],
  ['ssh-keygen', 'openssh-client'],
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['setsid', 'util-linux'],
  ['flock', 'util-linux'],
  ['losetup', 'mount'],
  ['perl', 'perl-base'],
  ['gpg', 'gpg'],
];

/** Debian's keys, without which its packages cannot be checked on a machine that is not Debian. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Debian packages (of programs neither on `path` nor in `also`) that are to be installed before a lab can be made here; empty when all is there. */
export async function missingTools(
  path: string = process.env.PATH ?? '',
  also: readonly string[] = ['/usr/sbin', '/sbin'],
): Promise<readonly string[]> {
  const dirs = [...path.split(delimiter), ...also];
  const there = (program: string) =>
    Promise.any(dirs.map((dir) => access(join(dir, program), constants.X_OK))).then(
      () => true,
      () => false,
    );
  const found = await Promise.all(TOOLS.map(([program]) => there(program)));
  const missing = TOOLS.filter((_, index) => found[index] !== true).map(([, name]) => name);
  return [...new Set([...missing, ...(existsSync(KEYRING) ? [] : ['debian-archive-keyring'])])].sort();
}

/**
 * Sees to it that every program the lab needs is there. With `install`, as root, on a machine with apt, installs what
 * is missing; else throws `lab/tools`, which lists all of it with the line that installs it.
 */
export async function ensureTools(install: boolean, on: OnLabEvent = () => undefined): Promise<void> {
  const missing = await missingTools();
  if (missing.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  const apt = existsSync('/usr/bin/apt-get');
  if (!install || !apt || process.getuid?.() !== 0)
    throw new Problem({
      code: 'lab/tools',
      summary: `the lab needs programs that are not installed here: ${missing.join(', ')}`,
      try: apt
        ? `${process.getuid?.() === 0 ? '' : 'sudo '}${line}`
        : 'install them; the lab is made for Debian and Ubuntu, whose package names these are',
      exit: 1,
    });
  await reported(on, 'tools', `installing what the lab needs: ${missing.join(' ')}`, async (progress) => {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const words = line.split(' ');
    const first = await attempt(words, { env, onLine: progress });
    if (first.code === 0) return;
    // The usual reason: package lists that were never fetched, or are older than the archive.
    await exec(['apt-get', 'update'], { env, onLine: progress });
    await exec(words, { env, onLine: progress });
  });
}

/** Throws `lab/root` unless we are root: namespaces, mounts and loop devices belong to root. */
export function requireRoot(machine: Machine): void {
  if (machine.root) return;
  throw new Problem({
    code: 'lab/root',
    summary: 'a lab can only be made by root',
    why: 'it needs network namespaces, loop devices and mounts of its own',
    try: 'sudo landfall lab up',
    exit: 1,
  });
}
