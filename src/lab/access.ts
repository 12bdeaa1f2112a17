import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { replaceFile } from '../files/replace.ts';
import { quote } from '../shell/sh.ts';
import { exec } from './exec.ts';
import { namespacePath, namesOf } from './names.ts';
import { RELAY } from './relay.ts';
import type { LabHost } from './spec.ts';

/** Names of the accounts on every lab host that the lab's key opens: root, sudo without a password, sudo with one. */
export const ACCOUNTS = ['root', 'ops', 'deploy'] as const;

/**
 * The text of a lab's ssh_config. Each connection enters the operator's network namespace first, so that the lab is
 * reached from an ordinary shell; host keys are the hosts' real ones and always checked.
 */
export function sshConfigText(lab: string, dir: string, hosts: readonly LabHost[]): string {
  const inConfig = (path: string) => `"${path.replaceAll('%', '%%')}"`;
  const relay = quote(join(dir, 'relay.pl')).replaceAll('%', '%%');
  const alias = hosts.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n`);
  return `# Landfall's lab "${lab}". Try: ssh -F ${quote(join(dir, 'ssh_config'))} ${hosts[0]?.name ?? 'HOST'}
${alias.join('')}
Host ${hosts.flatMap(({ name, address }) => [name, address]).join(' ')}
  User root
  IdentityFile ${inConfig(join(dir, 'id_ed25519'))}
  IdentitiesOnly yes
  UserKnownHostsFile ${inConfig(join(dir, 'known_hosts'))}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ProxyCommand nsenter --net=${namespacePath(namesOf(lab).operator)} perl ${relay} %h %p
`;
}

/** The lines of known_hosts for hosts whose public keys (`ssh-ed25519 AAAA… comment`) are given by host name. */
export function knownHostsText(hosts: readonly LabHost[], keys: ReadonlyMap<string, string>): string {
  return hosts
    .flatMap(({ name, address }) => {
      const key = keys.get(name)?.trim().split(' ').slice(0, 2).join(' ');
      return key === undefined ? [] : [`${address},${name} ${key}\n`];
    })
    .join('');
}

/** Makes the lab's own key pair, once; gives its public half. */
export async function operatorKey(lab: string, dir: string): Promise<string> {
  const file = join(dir, 'id_ed25519');
  await keyPair(file, `landfall lab ${lab}`);
  return readFile(`${file}.pub`, 'utf8');
}

/** Makes an ed25519 key pair in FILE and FILE.pub unless it is there. (RSA too, as `ssh-keygen -A` would, takes seconds.) */
export async function keyPair(file: string, comment: string): Promise<void> {
  if (existsSync(file)) return;
  await exec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
}

/** Writes ssh_config, known_hosts and the relay into the lab's folder. Gives the path of the ssh_config. */
export async function writeAccess(lab: string, dir: string, hosts: readonly LabHost[]): Promise<string> {
  makeFolder(dir);
  const keys = new Map<string, string>();
  for (const { name } of hosts)
    keys.set(name, await readFile(join(dir, 'hosts', name, 'host_key.pub'), 'utf8').catch(() => ''));
  const config = join(dir, 'ssh_config');
  // Connections are begun by them while a host is added.
  replaceFile(join(dir, 'relay.pl'), RELAY);
  replaceFile(join(dir, 'known_hosts'), knownHostsText(hosts, keys));
  replaceFile(config, sshConfigText(lab, dir, hosts));
  return config;
}
