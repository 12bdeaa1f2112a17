import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { concessions, markerFile } from './concession.ts';
import { type OnLabEvent, reported } from './event.ts';
import { exec } from './exec.ts';
import { furnish, imageCommands, imageFiles } from './furnish.ts';
import { locked } from './lock.ts';
import type { Machine } from './machine.ts';
import { builtinModules, kernelConfig } from './modules.ts';
import { whole } from './part.ts';
import { contentKey } from './content-key.ts';
import { cacheDir } from './place.ts';
import { aptOptions, imageSources, parseTargets, TARGET_FORMAT } from './sources.ts';
import type { HostKind } from './kind.ts';
import { UBUNTU_PACKAGES } from './ubuntu.ts';

/** What a minimal server has after installation; nothing that Landfall has to install itself. */
const PACKAGES = (
  'systemd systemd-sysv systemd-timesyncd libpam-systemd dbus udev openssh-server sudo ca-certificates curl gpg ' +
  'iproute2 iputils-ping netbase procps kmod logrotate cron less vim-tiny e2fsprogs util-linux mount login passwd ' +
  'hostname tzdata bash-completion'
).split(' ');

/** Counted up when the code below makes another image from the same inputs. */
const RECIPE = '4';

/** What a golden disk is made of, beside the recipe in this file. */
export interface ImageInputs {
  readonly machine: Machine;
  readonly kind: HostKind;
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
  const conceded = concessions(inputs.machine, inputs.kind);
  const modules = existsSync(`/lib/modules/${inputs.machine.kernel}`) ? '' : builtinModules(kernelConfig());
  const files = imageFiles(
    inputs,
    markerFile(conceded),
    conceded.flatMap((one) => one.files),
  );
  const diversions = conceded.flatMap((one) => one.diversions ?? []);
  const commands = imageCommands(inputs.kind, conceded);
  const key = contentKey(
    RECIPE,
    baseKey(inputs.kind),
    String(inputs.diskGiB),
    inputs.machine.kernel,
    modules,
    JSON.stringify([files, diversions, commands]),
  );
  const disk = join(cacheDir(), 'golden', `${inputs.kind.release}-${key}.img`);
  if (existsSync(disk)) {
    await utimes(disk, new Date(), new Date());
    return disk;
  }
  return locked(
    `${disk}.lock`,
    'making the golden disk',
    async () => {
      if (existsSync(disk)) return disk;
      const base = await baseTree(inputs.kind, on);
      await reported(
        on,
        'image/disk',
        'the golden disk every host is cloned from (about 8 s, once)',
        async () => {
          await whole(disk, async (part) => {
            const tree = `${part}.tree`;
            makeFolder(tree);
            await exec(['tar', '-C', tree, '--numeric-owner', '-xpf', base]);
            await furnish(tree, inputs.machine.kernel, modules, files, diversions, commands);
            await exec(['truncate', '-s', `${inputs.diskGiB}G`, part]);
            // No blocks set aside for root: a full disk is full for everybody. Tables are zeroed when first used.
            const lazy = 'lazy_itable_init=1,lazy_journal_init=1';
            await exec(['mkfs.ext4', '-q', '-F', '-m', '0', '-L', 'root', '-d', tree, '-E', lazy, part]);
            await rm(tree, { recursive: true, force: true });
          });
          await prune(dirname(disk));
        },
      );
      return disk;
    },
    (holder) => on({ is: 'lab', what: 'image/disk', state: 'goes-on', text: `waiting: ${holder}` }),
  );
}

/** How many golden disks are kept: those used last. Each takes 300 to 600 MB. */
const KEPT = 6;

async function prune(dir: string): Promise<void> {
  const disks = (await readdir(dir)).filter((name) => name.endsWith('.img')).map((name) => join(dir, name));
  const used = await Promise.all(disks.map(async (file) => ({ file, when: (await stat(file)).mtimeMs })));
  const old = used.sort((a, b) => b.when - a.when).slice(KEPT);
  for (const { file } of old) for (const suffix of ['', '.lock']) await rm(file + suffix, { force: true });
}

const packagesOf = ({ like }: HostKind): readonly string[] =>
  like === 'ubuntu' ? [...PACKAGES, ...UBUNTU_PACKAGES] : PACKAGES;
const baseKey = (kind: HostKind): string => contentKey(RECIPE, kind.release, packagesOf(kind).join(' '));

/** A tar of the system as Debian's packages make it, nothing of the lab in it. */
async function baseTree(kind: HostKind, on: OnLabEvent): Promise<string> {
  const { release, like } = kind;
  const tar = join(cacheDir(), 'base', `${release}-${baseKey(kind)}.tar`);
  if (existsSync(tar)) return tar;
  const targets = parseTargets(await exec(['apt-get', 'indextargets', '--format', TARGET_FORMAT]));
  const options = aptOptions(await exec(['apt-config', 'dump', 'Acquire']));
  const text = `a ${like === undefined ? 'minimal' : 'usual'} ${release} from the machine's package sources (about 25 s, once)`;
  return locked(
    `${tar}.lock`,
    'making the base tree',
    async () => {
      if (existsSync(tar)) return tar;
      await reported(on, 'image/base', text, (progress) =>
        whole(tar, async (part) => {
          await exec(
            [
              'mmdebstrap',
              '--variant=minbase',
              '--mode=root',
              '--format=tar',
              `--include=${packagesOf(kind).join(',')}`,
              ...options.map((option) => `--aptopt=${option}`),
              release,
              part,
              ...imageSources(targets, release),
            ],
            { onLine: (line) => (line.startsWith('I: ') ? progress(line.slice(3)) : undefined) },
          );
        }),
      );
      return tar;
    },
    (holder) => on({ is: 'lab', what: 'image/base', state: 'goes-on', text: `waiting: ${holder}` }),
  );
}

/** Reads a depot's public key where it has one. */
export async function depotKey(depot: string): Promise<string | undefined> {
  const file = join(depot, 'landfall-lab.asc');
  return existsSync(file) ? readFile(file, 'utf8') : undefined;
}
