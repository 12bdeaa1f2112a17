import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Upstream's names that lead to the depot on every lab host: package repositories, registries with the hosts that give
 * out their tokens, downloads, and the time servers of Debian's chrony and systemd-timesyncd.
 */
export const DEPOT_NAMES = [
  'pkgs.k8s.io',
  'prod-cdn.packages.k8s.io',
  'download.opensuse.org',
  'download.docker.com',
  'deb.debian.org',
  'security.debian.org',
  'registry.k8s.io',
  'ghcr.io',
  'docker.io',
  'registry-1.docker.io',
  'auth.docker.io',
  'quay.io',
  'dl.k8s.io',
  'github.com',
  'raw.githubusercontent.com',
  '0.debian.pool.ntp.org',
  '1.debian.pool.ntp.org',
  '2.debian.pool.ntp.org',
  '3.debian.pool.ntp.org',
] as const;

/** The names a depot's folder holds something of, which are to lead to it too. */
export async function folderNames(folder: string): Promise<readonly string[]> {
  const lists = await Promise.all(
    ['www', 'registry'].map((kind) => readdir(join(folder, kind)).catch(() => [])),
  );
  return lists.flat().filter((name) => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name));
}

/** The lines of a lab host's /etc/hosts: itself, the other hosts, and every name that leads to the depot. */
export function hostsFile(
  self: { readonly name: string; readonly address: string },
  hosts: readonly { readonly name: string; readonly address: string }[],
  depot: string,
  more: readonly string[] = [],
): string {
  const names = new Set([...DEPOT_NAMES, ...more]);
  return `127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
${self.address} ${self.name}
${hosts
  .filter(({ name }) => name !== self.name)
  .map(({ name, address }) => `${address} ${name}\n`)
  .join('')}# Upstream's names lead to the lab's depot.
${[...names].map((name) => `${depot} ${name}\n`).join('')}`;
}
