import { existsSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { attempt, exec } from './exec.ts';
import { locked } from './lock.ts';
import { readMachine } from './machine.ts';
import { RUN_DIR } from './place.ts';

/**
 * Settings that belong to the whole machine: those the lab makes, and those that kubelet and kube-proxy in a host make
 * (they cannot know that they share a kernel). Remembered when the first lab comes up, put back when the last goes down.
 */
const WATCHED = [
  'net/netfilter/nf_conntrack_max',
  'fs/inotify/max_user_instances',
  'fs/inotify/max_user_watches',
  'fs/file-max',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/pid_max',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'vm/swappiness',
  'vm/max_map_count',
] as const;

/** Kernel modules hosts may need and cannot load themselves: tried where the kernel has modules, no error where not. */
const MODULES = ['loop', 'overlay', 'br_netfilter', 'nf_conntrack', 'vxlan', 'ip_set', 'fuse'] as const;

/**
 * Limits that are raised before any host is made: to what Landfall's own steps ask for, so that no host sees another one raise
 * them, or put them back. All hosts count as one user, and 128 watchers, the usual value, are used up by about 11 of them.
 */
const LIMITS: Readonly<Record<string, number>> = {
  'fs/inotify/max_user_instances': 8192,
  'fs/inotify/max_user_watches': 1_048_576,
  'vm/max_map_count': 262_144,
};

/**
 * What kube-proxy computes from its defaults (32768 a CPU, at least 131072): it writes the value unless it is exactly
 * this, which it may not from inside a network namespace, and ends.
 */
export function conntrackMax(cpus: number): number {
  return Math.max(32_768 * cpus, 131_072);
}

interface Remembered {
  readonly values: Readonly<Record<string, string>>;
  /** Whether the lab mounted the hugetlb hierarchy: kubelet always sets its limits. */
  readonly hugetlb: boolean;
}

const remembered = join(RUN_DIR, 'settings.json');
const lock = join(RUN_DIR, 'settings.lock');
const labs = join(RUN_DIR, 'labs');
const HUGETLB = '/sys/fs/cgroup/hugetlb';

const sysctl = (name: string): string => join('/proc/sys', name);
const value = (name: string): Promise<string> => readFile(sysctl(name), 'utf8').then((text) => text.trim());

/** Notes that the lab `name`, whose folder is `dir`, is up, and makes the machine's settings unless another lab has. */
export function claimMachine(name: string, dir: string): Promise<void> {
  return locked(
    lock,
    `lab ${name} makes the machine's settings`,
    async () => {
      makeFolder(labs);
      if (!existsSync(remembered)) await make();
      await writeFile(join(labs, name), `${dir}\n`);
    },
    () => undefined,
  );
}

async function make(): Promise<void> {
  if (existsSync('/lib/modules')) for (const module of MODULES) await attempt(['modprobe', '-q', module]);
  const values: Record<string, string> = {};
  for (const name of WATCHED) if (existsSync(sysctl(name))) values[name] = await value(name);
  const machine = readMachine();
  const hugetlb = machine.cgroup === 'v1' && !machine.controllers.some(({ name }) => name === 'hugetlb');
  const before: Remembered = { values, hugetlb };
  await writeFile(remembered, JSON.stringify(before));
  if (hugetlb) {
    makeFolder(HUGETLB);
    await exec(['mount', '-t', 'cgroup', '-o', 'hugetlb', 'cgroup', HUGETLB]);
  }
  await set('net/netfilter/nf_conntrack_max', String(conntrackMax(machine.cpus)));
  for (const [name, least] of Object.entries(LIMITS))
    if (Number(values[name]) < least) await set(name, String(least));
}

async function set(name: string, wanted: string): Promise<void> {
  if (!existsSync(sysctl(name)) || (await value(name)) === wanted) return;
  await writeFile(sysctl(name), wanted);
}

/** Notes that the lab is gone; when it was the last one, puts the machine's settings back as they were. */
export function releaseMachine(name: string): Promise<void> {
  return locked(
    lock,
    `lab ${name} restores the machine's settings`,
    async () => {
      await rm(join(labs, name), { force: true });
      if ((await readdir(labs).catch(() => [])).length > 0 || !existsSync(remembered)) return;
      const before = JSON.parse(await readFile(remembered, 'utf8')) as Remembered;
      for (const [setting, was] of Object.entries(before.values)) await set(setting, was);
      if (before.hugetlb) {
        await attempt(['umount', HUGETLB]);
        await rmdir(HUGETLB).catch(() => undefined);
      }
      await rm(remembered);
    },
    () => undefined,
  );
}

/** The labs noted as up on this machine: name and folder. */
export async function claimedLabs(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(labs).catch(() => []))
    found.set(name, (await readFile(join(labs, name), 'utf8')).trim());
  return found;
}
