import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawned } from '../../src/ssh/spawned.ts';

/** A user of the test host. */
export interface SshdUser {
  readonly name: string;
  /** What sudo says to them: everything without a password, a password first, only on a terminal, or not in sudoers. Default `none`. */
  readonly sudo?: 'free' | 'password' | 'terminal' | 'none';
  /** The login shell, `/bin/bash` when absent. */
  readonly shell?: string;
  /** The text of `~/.bashrc`, empty when absent. */
  readonly rc?: string;
  /** Whether the host lets the test's key in as this user; true when absent. */
  readonly admitted?: boolean;
}

/** How a test host differs from a plain one. */
export interface SshdOptions {
  /** Besides root, who is admitted with the test's key. */
  readonly users?: readonly SshdUser[];
  /** Root's `~/.bashrc`; empty when absent. */
  readonly rootRc?: string;
  /** Lines of sshd_config; they win over the defaults of this helper. */
  readonly config?: readonly string[];
  /** Types of host key, in `ssh-keygen -t` words; `['ed25519']` when absent. */
  readonly hostKeys?: readonly ('ed25519' | 'ecdsa' | 'rsa')[];
  /** Whether sudo is on the host; true when absent. */
  readonly sudo?: boolean;
  /** Shell text run as root inside the host before its sshd starts. */
  readonly prepare?: string;
}

const SUDOERS: Readonly<Record<NonNullable<SshdUser['sudo']>, (name: string) => string>> = {
  free: (name) => `${name} ALL=(ALL:ALL) NOPASSWD: ALL`,
  password: (name) => `${name} ALL=(ALL:ALL) ALL`,
  terminal: (name) => `Defaults:${name} requiretty\n${name} ALL=(ALL:ALL) NOPASSWD: ALL`,
  none: () => '',
};

/** Runs in a mount namespace of its own: makes the host's root of this machine's and goes over to it. */
export const WORLD = `
set -e
folder=$1 packages=$2 sudo=$3
mount -t tmpfs -o mode=0755 tmpfs "$folder/world"
cd "$folder/world"
mkdir up work root
mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root
for name in openssh-server openssh-sftp-server libwrap0 libwtmpdb0 sudo; do
  for file in "$packages/$name"_*.deb; do
    [ -e "$file" ] || continue
    dpkg-deb --fsys-tarfile "$file" | tar -x --keep-directory-symlink -C root
  done
done
[ "$sudo" = yes ] || rm -f root/usr/bin/sudo
mount --rbind /proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mount -t tmpfs -o mode=0755 tmpfs root/run
mount -t tmpfs -o mode=0700 tmpfs root/root
mount -t tmpfs -o mode=0755 tmpfs root/home
mkdir -p root/run/sshd root/etc/test
cp "$folder"/host/* root/etc/test/
rm -f root/etc/nologin root/run/nologin
while IFS=: read -r name uid shell; do
  [ "$uid" = 0 ] || echo "$name:x:$uid:$uid::/home/$name:$shell" >> root/etc/passwd
  [ "$uid" = 0 ] || echo "$name:x:$uid:" >> root/etc/group
  [ "$uid" = 0 ] || echo "$name:*:19000:0:99999:7:::" >> root/etc/shadow
  home=root/home/$name
  [ "$uid" != 0 ] || home=root/root
  mkdir -p "$home"
  cp "root/etc/test/$name.rc" "$home/.bashrc"
  chown -R "$uid:$uid" "$home"
done < root/etc/test/users
grep -q '^sshd:' root/etc/passwd || echo 'sshd:x:74:74::/run/sshd:/usr/sbin/nologin' >> root/etc/passwd
[ ! -e root/etc/sudoers ] || { cp root/etc/test/sudoers root/etc/sudoers; chmod 0440 root/etc/sudoers; }
chroot root sh -e /etc/test/prepare
exec chroot root /usr/sbin/sshd -D -e -f /etc/test/sshd_config
`;

async function keyPair(file: string, type: string): Promise<string> {
  const size = type === 'rsa' ? ['-b', '2048'] : [];
  await spawned(['ssh-keygen', '-q', '-t', type, ...size, '-N', '', '-C', 'test', '-f', file]);
  return (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
}

/**
 * Writes everything the host is made of into `FOLDER/host`, and the client's key, known_hosts and ssh_config beside it.
 * Gives the host's public keys.
 */
export async function furnish(
  folder: string,
  port: number,
  options: SshdOptions,
): Promise<readonly string[]> {
  const host = join(folder, 'host');
  const users: readonly SshdUser[] = [
    { name: 'root', ...(options.rootRc === undefined ? {} : { rc: options.rootRc }) },
    ...(options.users ?? []),
  ];
  const types = options.hostKeys ?? ['ed25519'];
  const hostKeys = await Promise.all(types.map((type) => keyPair(join(host, `host_${type}`), type)));
  const clientKey = await keyPair(join(folder, 'id'), 'ed25519');
  const put = (name: string, text: string): Promise<void> => writeFile(join(host, name), text);
  for (const user of users) {
    await put(`${user.name}.rc`, user.rc ?? '');
    await put(`${user.name}.keys`, user.admitted === false ? '' : `${clientKey}\n`);
  }
  await put(
    'users',
    users.map((u, i) => `${u.name}:${u.name === 'root' ? 0 : 2000 + i}:${u.shell ?? '/bin/bash'}\n`).join(''),
  );
  await put('prepare', options.prepare ?? '');
  await put(
    'sudoers',
    [
      'Defaults env_reset',
      'Defaults use_pty',
      'root ALL=(ALL:ALL) ALL',
      ...users.map((u) => SUDOERS[u.sudo ?? 'none'](u.name)),
    ].join('\n') + '\n',
  );
  await put(
    'sshd_config',
    [
      ...(options.config ?? []),
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      ...types.map((type) => `HostKey /etc/test/host_${type}`),
      'AuthorizedKeysFile /etc/test/%u.keys',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      // Here, unlike elsewhere in this file, the last line wins.
      ...((options.config ?? []).some((line) => line.startsWith('MaxStartups')) ? [] : ['MaxStartups 100']),
      'AcceptEnv LANG LC_*',
      'PidFile none',
      '',
    ].join('\n'),
  );
  await writeFile(
    join(folder, 'known_hosts'),
    hostKeys.map((key) => `[127.0.0.1]:${port} ${key}\n`).join(''),
  );
  await writeFile(
    join(folder, 'config'),
    [
      `IdentityFile ${join(folder, 'id')}`,
      'IdentitiesOnly yes',
      'IdentityAgent none',
      `UserKnownHostsFile ${join(folder, 'known_hosts')}`,
      'GlobalKnownHostsFile /dev/null',
      '',
    ].join('\n'),
  );
  return hostKeys;
}
