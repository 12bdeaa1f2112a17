import { readFile, readdir, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { closure, debianIndex } from './debian.ts';
import { epoch } from './deb.ts';
import { type Layer, layer } from './oci.ts';
import { entriesOf, unpack } from './rootfs.ts';
import { tar, type TarEntry } from './tar.ts';

/** A text file of an image. */
export function text(path: string, content: string, mode = 0o644): TarEntry {
  return { path, type: 'file', mode, data: Buffer.from(content) };
}

/** A program of an image, out of a file of this machine. */
export async function program(path: string, from: string, xattrs?: TarEntry['xattrs']): Promise<TarEntry> {
  const data = await readFile(from);
  return { path, type: 'file', mode: 0o755, data, ...(xattrs === undefined ? {} : { xattrs }) };
}

export const folder = (path: string, mode = 0o755): TarEntry => ({ path, type: 'directory', mode });
export const link = (path: string, target: string): TarEntry => ({
  path,
  type: 'symlink',
  mode: 0o777,
  target,
});

/** Gives a layer of the given entries, at the depot's epoch. */
export function layerOf(entries: readonly TarEntry[]): Layer {
  return layer(tar(entries, epoch));
}

/** The users upstream's images know, and those of the images made here. */
const users = [
  text(
    'etc/passwd',
    [
      'root:x:0:0:root:/root:/bin/sh',
      'www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin',
      'nginx:x:101:101:nginx:/nonexistent:/usr/sbin/nologin',
      'user-defined-in-image:x:1000:1000::/:/bin/sh',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
      'nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin',
      '',
    ].join('\n'),
  ),
  text(
    'etc/group',
    [
      'root:x:0:',
      'tty:x:5:',
      'www-data:x:33:',
      'nginx:x:101:',
      'user-defined-in-image:x:1000:',
      'group-defined-in-image:x:50000:user-defined-in-image',
      'nogroup:x:65534:',
      'nonroot:x:65532:',
      '',
    ].join('\n'),
  ),
  text(
    'etc/nsswitch.conf',
    'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
  ),
];

const folders = [
  folder('etc'),
  folder('root', 0o700),
  folder('tmp', 0o1777),
  folder('home'),
  folder('home/nonroot', 0o700),
];

/** A layer for programs that need nothing: users, names, a folder for temporary files, the certificates of public authorities. */
export async function staticBase(debianFolder: string, scratch: string): Promise<Layer> {
  const tree = join(scratch, 'certificates');
  await mkdir(tree);
  await unpack(debianFolder, only(await debianIndex(debianFolder), 'ca-certificates'), tree);
  return layerOf([
    ...folders,
    ...users,
    folder('etc/ssl'),
    folder('etc/ssl/certs'),
    text('etc/ssl/certs/ca-certificates.crt', await bundle(tree)),
  ]);
}

/** What no image needs though packages ask for it: they are not installed but only unpacked. */
const withoutAll = (
  'debconf dpkg perl perl-base init-system-helpers lsb-base sysvinit-utils systemd udev passwd adduser ucf openssl ' +
  'install-info libpam-modules python3 diffutils debianutils'
).split(' ');

const basePackages = [
  'base-files',
  'bash',
  'coreutils',
  'dash',
  'findutils',
  'grep',
  'hostname',
  'libc-bin',
  'netbase',
  'procps',
  'sed',
];

/** A layer of a small Debian: a shell and the programs one expects beside it. */
export async function debianBase(debianFolder: string, scratch: string): Promise<Layer> {
  const index = await debianIndex(debianFolder);
  const tree = join(scratch, 'base');
  const certificates = join(scratch, 'base-certificates');
  await mkdir(tree);
  await mkdir(certificates);
  await unpack(debianFolder, only(index, 'ca-certificates'), certificates);
  await unpack(debianFolder, closure(index, basePackages, withoutAll), tree);
  const own = [...folders, ...users, text('etc/ssl/certs/ca-certificates.crt', await bundle(certificates))];
  return layerOf([
    ...(await entriesOf(tree)).filter((entry) => !own.some((other) => other.path === entry.path)),
    ...own,
  ]);
}

/** Gives what Debian packages bring beyond {@link debianBase}, as entries for a layer on top of it. */
export async function beyondBase(
  debianFolder: string,
  names: readonly string[],
  scratch: string,
): Promise<readonly TarEntry[]> {
  const index = await debianIndex(debianFolder);
  const base = new Set(closure(index, basePackages, withoutAll));
  const more = closure(index, names, withoutAll).filter((stanza) => !base.has(stanza));
  const tree = join(scratch, `beyond-${names.join('-')}`);
  await mkdir(tree);
  await unpack(debianFolder, more, tree);
  const merged = ['bin', 'sbin', 'lib', 'lib64'];
  return (await entriesOf(tree)).filter((entry) => !merged.includes(entry.path));
}

const only = (index: Awaited<ReturnType<typeof debianIndex>>, name: string): typeof index =>
  index.filter((stanza) => stanza['Package'] === name);

/** Gives all certificates of an unpacked ca-certificates package as one file. */
async function bundle(tree: string): Promise<string> {
  const from = join(tree, 'usr/share/ca-certificates/mozilla');
  const names = (await readdir(from)).sort();
  return (await Promise.all(names.map((name) => readFile(join(from, name), 'utf8')))).join('');
}

/** Links the names `iptables` and its kin go by to the kernel's newer interface, as Debian's alternatives do. */
export const iptablesLinks: readonly TarEntry[] = ['iptables', 'ip6tables'].flatMap((name) =>
  ['', '-save', '-restore'].map((ending) => link(`usr/sbin/${name}${ending}`, `${name}-nft${ending}`)),
);
