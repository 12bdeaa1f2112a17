import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../../src/model/problem.ts';
import { packagesIndex, parseStanzas, type Stanza } from './apt.ts';
import { aptRoot, machineSources, sourcesOf } from './aptroot.ts';
import { sha256Of } from './artefacts.ts';
import type { Recipe } from './recipe.ts';

/**
 * What the depot has of a Debian release: each line is installed by itself on an empty system, and all that this would bring
 * is taken. Lines that would not go together are lines of their own. The depot's images are made of these, so that another
 * line here has all of them made anew: what only hosts install belongs to {@link hostPackages}.
 */
const basePackages: readonly string[] = [
  // a server as the installer leaves it
  '?essential ?priority(required) ?priority(important) systemd-sysv libpam-systemd dbus openssh-server sudo locales',
  'ca-certificates curl wget gpg gnupg apt-transport-https apt-utils less vim-tiny nano man-db bash-completion rsyslog cron',
  'logrotate iproute2 iputils-ping netbase ifupdown procps kmod lsof psmisc python3 dnsutils netcat-openbsd tcpdump ethtool',
  'systemd-timesyncd systemd-resolved',
  'ntpsec',
  // what clusters want
  'chrony conntrack socat ebtables ipset iptables nftables haproxy keepalived jq rsync open-iscsi nfs-common parted',
  'containerd runc etcd-client conmon lvm2 xfsprogs cryptsetup multipath-tools',
  'unattended-upgrades needrestart ufw apparmor apparmor-utils auditd',
  'nginx-light',
];

/** What else hosts may be asked to install; lines as in {@link basePackages}. */
const hostPackages: readonly string[] = [
  'systemd-zram-generator libnss-resolve fio',
  'zram-tools',
  // as cloud images have them
  'cloud-init cloud-guest-utils netplan.io polkitd udisks2 packagekit',
];

/** Gives the recipe for the packages of a Debian release that images and ordinary servers are made of. */
export function debian(release: string): Recipe {
  return part(`debian-${release}`, `Debian ${release} packages`, release, basePackages);
}

/** Gives the recipe for more packages of a Debian release, which only hosts install. */
export function debianForHosts(release: string): Recipe {
  return part(`debian-${release}-hosts`, `more Debian ${release} packages`, release, hostPackages);
}

/** A recipe for a part of a Debian release: package files as the archive has them, and their index entries. */
function part(id: string, title: string, release: string, lines: readonly string[]): Recipe {
  return {
    id,
    title,
    inputs: { packages: lines.join('\n') },
    needs: [],
    seconds: 15,
    tools: ['debian-archive-keyring'],
    async build({ out, scratch, far }) {
      const apt = await aptRoot(scratch, sourcesOf(release, await machineSources()), 'deb');
      for (const [index, line] of lines.entries()) {
        far(0.1 + (0.8 * index) / lines.length, line);
        await apt.run('apt-get', ['install', '-y', '--download-only', ...line.split(' ')]);
      }
      const files = (await readdir(apt.archives)).filter((name) => name.endsWith('.deb'));
      const asked = files.map((file) => {
        const [name, version] = file.split('_').map(decodeURIComponent);
        return `${name}=${version}`;
      });
      const stanzas = parseStanzas(await apt.run('apt-cache', ['show', ...asked]));
      const bySum = new Map(stanzas.map((stanza) => [stanza['SHA256'], stanza]));
      const taken: Stanza[] = [];
      for (const file of files) {
        const stanza = bySum.get(await sha256Of(join(apt.archives, file)));
        const path = stanza?.['Filename'];
        if (stanza === undefined || path === undefined)
          throw new Problem({
            code: 'depot/debian',
            summary: `the archive does not list ${file} as it was downloaded`,
          });
        await mkdir(dirname(join(out, path)), { recursive: true });
        await rename(join(apt.archives, file), join(out, path));
        taken.push(stanza);
      }
      await writeFile(join(out, 'Packages'), packagesIndex(taken));
    },
  };
}

/** Reads the index of what such a recipe has taken. */
export async function debianIndex(folder: string): Promise<readonly Stanza[]> {
  return parseStanzas(await readFile(join(folder, 'Packages'), 'utf8'));
}

/** Gives the names of the packages a control field asks for, each with its alternatives, without version and architecture. */
export function parseDepends(field: string): readonly (readonly string[])[] {
  return field
    .split(',')
    .map((one) => one.split('|').map((name) => name.trim().replace(/[\s(:[].*$/s, '')))
    .filter(([first]) => first !== undefined && first !== '');
}

/**
 * Gives packages with everything they depend on, sorted by name, out of an index.
 *
 * @param without packages that are left out, with what only they would bring
 * @throws Problem when something they depend on is not in the index
 */
export function closure(
  index: readonly Stanza[],
  names: readonly string[],
  without: readonly string[],
): readonly Stanza[] {
  const byName = new Map<string, Stanza>();
  for (const stanza of index)
    for (const [name] of parseDepends(stanza['Provides'] ?? ''))
      if (!byName.has(name as string)) byName.set(name as string, stanza);
  for (const stanza of index) byName.set(stanza['Package'] as string, stanza);
  const taken = new Set<Stanza>();
  const visit = (alternatives: readonly string[], by: string): void => {
    if (alternatives.some((name) => without.includes(name))) return;
    const stanza = alternatives.map((name) => byName.get(name)).find((found) => found !== undefined);
    if (stanza === undefined)
      throw new Problem({
        code: 'depot/debian',
        summary: `${by} needs ${alternatives.join(' or ')}, which the depot has not`,
      });
    if (taken.has(stanza) || without.includes(stanza['Package'] as string)) return;
    taken.add(stanza);
    for (const field of ['Pre-Depends', 'Depends'])
      for (const need of parseDepends(stanza[field] ?? '')) visit(need, stanza['Package'] as string);
  };
  for (const name of names) visit([name], 'an image');
  return [...taken].sort((a, b) => ((a['Package'] as string) < (b['Package'] as string) ? -1 : 1));
}
