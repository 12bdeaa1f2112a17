import { chmod, copyFile, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesUnder } from './artefacts.ts';
import { exec } from './exec.ts';

/** Where a file of a package comes from. */
export type Content =
  | { readonly text: string }
  /** A file to copy. */
  | { readonly from: string }
  /** Where a symbolic link points. */
  | { readonly link: string };

/** A Debian package to be built. */
export interface Deb {
  readonly name: string;
  readonly version: string;
  readonly section: string;
  readonly description: string;
  readonly depends?: readonly string[];
  readonly recommends?: readonly string[];
  /** Packages it stands in for, and cannot be installed beside. */
  readonly instead?: readonly string[];
  readonly homepage: string;
  /** Absolute path → content. Programs get mode 755 when they lie under a `bin` or `libexec` folder, else 644. */
  readonly files: Readonly<Record<string, Content>>;
  /** Folders that are part of the package though nothing lies in them. */
  readonly folders?: readonly string[];
  /** Configuration files the user may change and dpkg then keeps. */
  readonly conffiles?: readonly string[];
  /** Maintainer scripts: `prerm`, `postrm`, … */
  readonly scripts?: Readonly<Record<string, string>>;
}

/** The time everything the depot packs carries, in seconds since 1970: 1 January 2025, so that the same inputs give the same bytes. */
export const epoch = 1_735_689_600;

/** The epoch as ISO 8601. */
export const epochText = new Date(epoch * 1000).toISOString().replace('.000', '');

/** Gives the name dpkg gives a package's file: its version's epoch is left out. */
export function debFile(name: string, version: string, architecture = 'amd64'): string {
  return `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`;
}

/** What upstream's build service puts behind the version of its first build. */
export const revision = '-1.1';

/** Maintainer scripts of a package with a unit: stopped when removed; after an upgrade systemd reads it again. */
export function unitScripts(unit: string, restart: boolean): Readonly<Record<string, string>> {
  const again = restart
    ? `if [ "$1" = upgrade ] && [ -d /run/systemd/system ]; then\n  systemctl try-restart ${unit} || true\nfi\n`
    : '';
  return {
    prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --no-reload disable ${unit} >/dev/null 2>&1 || true
  systemctl stop ${unit} || true
fi
`,
    postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
${again}`,
  };
}

/**
 * Writes a package's control file.
 *
 * @param size what it takes when installed, in KiB
 */
export function controlOf(deb: Deb, size: number): string {
  const list = (values: readonly string[] | undefined): string | undefined =>
    values === undefined || values.length === 0 ? undefined : values.join(', ');
  const fields: Readonly<Record<string, string | undefined>> = {
    Package: deb.name,
    Version: deb.version,
    Architecture: 'amd64',
    Maintainer: 'Landfall depot <depot@landfall.invalid>',
    'Installed-Size': String(size),
    Section: deb.section,
    Priority: 'optional',
    Depends: list(deb.depends),
    Recommends: list(deb.recommends),
    Provides: list(deb.instead),
    Conflicts: list(deb.instead),
    Replaces: list(deb.instead),
    Homepage: deb.homepage,
    Description: deb.description,
  };
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/**
 * Builds a Debian package with dpkg-deb; the same bytes for the same content.
 *
 * @param tree an empty folder to lay the package out in
 * @param into the folder the `.deb` goes to
 */
export async function buildDeb(deb: Deb, tree: string, into: string): Promise<void> {
  const put = async (path: string, content: Content, mode: number): Promise<void> => {
    const file = join(tree, path);
    await mkdir(dirname(file), { recursive: true });
    if ('link' in content) return symlink(content.link, file);
    if ('text' in content) await writeFile(file, content.text);
    else await copyFile(content.from, file);
    await chmod(file, mode);
  };
  for (const [name, text] of Object.entries(deb.scripts ?? {})) await put(`DEBIAN/${name}`, { text }, 0o755);
  if (deb.conffiles !== undefined && deb.conffiles.length > 0)
    await put('DEBIAN/conffiles', { text: `${deb.conffiles.join('\n')}\n` }, 0o644);
  for (const [path, content] of Object.entries(deb.files))
    await put(path, content, /\/(s?bin|libexec)\//.test(path) ? 0o755 : 0o644);
  for (const folder of deb.folders ?? []) await mkdir(join(tree, folder), { recursive: true });
  const sizes = await Promise.all(
    (await filesUnder(tree)).map(async (path) => (await stat(join(tree, path))).size),
  );
  const size = Math.ceil(sizes.reduce((sum, bytes) => sum + bytes, 0) / 1024);
  await put('DEBIAN/control', { text: controlOf(deb, size) }, 0o644);
  await exec(['find', tree, '-type', 'd', '-exec', 'chmod', '755', '{}', '+']);
  await mkdir(into, { recursive: true });
  const argv = ['dpkg-deb', '--root-owner-group', '-Zzstd', '-z1', '--build', tree];
  await exec([...argv, join(into, debFile(deb.name, deb.version))], {
    env: { SOURCE_DATE_EPOCH: String(epoch) },
  });
}
