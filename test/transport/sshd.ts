import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';

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

/** A real sshd on loopback in a root folder of its own. */
export interface Sshd {
  readonly address: '127.0.0.1';
  readonly port: number;
  /** The test's private key, which root and the admitted users accept. */
  readonly identityFile: string;
  /** The host's public keys, each `type base64`. */
  readonly hostKeys: readonly string[];
  /** A known_hosts file in which the host is known. */
  readonly knownHosts: string;
  /** An ssh_config file that names nothing but the key and the known_hosts file; a copy of it can be made hostile. */
  readonly config: string;
  /** A scratch folder of this machine, removed with the host. */
  readonly folder: string;
  /** The host's own file system as seen from this machine. */
  readonly root: string;
  /** What sshd wrote so far. */
  readonly log: () => Promise<string>;
  /** The process ids of the connections open now. */
  readonly sessions: () => Promise<readonly number[]>;
  /** Kills every open connection on the host's side, as a crash would; the daemon stays. Gives how many. */
  readonly cut: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Why a test host cannot be started here, or undefined when it can. */
export function cannotStartSshd(): string | undefined {
  if (process.platform !== 'linux') return 'a private sshd needs Linux namespaces';
  if (process.getuid?.() !== 0) return 'a private sshd needs root (unshare, mount, chroot)';
  return undefined;
}

/** The folder of Debian packages the host is made from when this machine has no sshd or sudo; filled once. */
async function packages(): Promise<string> {
  const folder = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'landfall-test',
    'sshd-packages',
  );
  const there = await readdir(folder).catch(() => []);
  const has = (name: string): boolean =>
    there.some((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
  if (has('openssh-server') && has('sudo')) return folder;
  await mkdir(join(folder, 'partial'), { recursive: true });
  const fetch = [
    'apt-get',
    'install',
    '-q',
    '-y',
    '--download-only',
    '--reinstall',
    '--no-install-recommends',
  ] as const;
  const got = await spawned([
    ...fetch,
    '-o',
    `Dir::Cache::archives=${folder}`,
    '-o',
    'APT::Sandbox::User=root',
    'openssh-server',
    'sudo',
  ]);
  if (got.status !== 0) throw new Error(`apt-get could not fetch openssh-server and sudo:\n${got.stderr}`);
  return folder;
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks until the answer is not undefined. @throws Error after `limit` milliseconds, saying what was waited for. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  limit = 30_000,
): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function speaksSsh(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', (data: Buffer) => {
      socket.destroy();
      resolve(data.toString().startsWith('SSH-') ? true : undefined);
    });
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
  });
}

const SUDOERS: Readonly<Record<NonNullable<SshdUser['sudo']>, (name: string) => string>> = {
  free: (name) => `${name} ALL=(ALL:ALL) NOPASSWD: ALL`,
  password: (name) => `${name} ALL=(ALL:ALL) ALL`,
  terminal: (name) => `Defaults:${name} requiretty\n${name} ALL=(ALL:ALL) NOPASSWD: ALL`,
  none: () => '',
};

/** Runs in a mount namespace of its own: makes the host's root of this machine's and goes over to it. */
const WORLD = `
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

async function furnish(folder: string, port: number, options: SshdOptions): Promise<readonly string[]> {
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

async function children(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

/** Every process in the mount namespace of another that is not ours: what scripts have left running on the host too. */
async function inWorldOf(pid: number): Promise<readonly number[]> {
  const world = (of: number | 'self'): Promise<string> => readlink(`/proc/${of}/ns/mnt`).catch(() => '');
  const [theirs, ours] = [await world(pid), await world('self')];
  if (theirs === '' || theirs === ours) return [];
  const all = (await readdir('/proc')).map(Number).filter((number) => number > 0);
  const worlds = await Promise.all(all.map(world));
  return all.filter((_, i) => worlds[i] === theirs);
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/**
 * Starts a real sshd on loopback. Its file system is this machine's with users, keys, sudo and `/tmp` of its own, in a mount
 * namespace that vanishes with it; processes and the network are this machine's. About 0.4 s.
 * Needs root on Linux; takes openssh-server and sudo from apt when this machine has none.
 * @throws Error with sshd's own words when it does not come up.
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const cannot = cannotStartSshd();
  if (cannot !== undefined) throw new Error(cannot);
  const debs = await packages();
  const folder = await mkdtemp(join(tmpdir(), 'landfall-sshd-'));
  await mkdir(join(folder, 'world'));
  await mkdir(join(folder, 'host'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const hostKeys = await furnish(folder, port, options);
  let said = '';
  const sudo = options.sudo === false ? 'no' : 'yes';
  const daemon: Program = start(
    ['unshare', '-m', '--propagation', 'private', 'sh', '-c', WORLD, 'world', folder, debs, sudo],
    { apart: true, onStderr: (text) => (said += text) },
  );
  const pid = daemon.pid as number;
  const over = { now: false };
  void daemon.ended.then(() => (over.now = true));
  const sessions = (): Promise<readonly number[]> => children(pid);
  const stop = async (): Promise<void> => {
    const inside = await inWorldOf(pid);
    daemon.kill('SIGKILL');
    killAll(inside);
    await daemon.ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually('sshd to answer', () => {
      if (over.now) throw new Error('sshd ended');
      return speaksSsh(port);
    });
  } catch (error) {
    await stop();
    throw new Error(`the test's sshd did not come up:\n${said}`, { cause: error });
  }
  return {
    address: '127.0.0.1',
    port,
    identityFile: join(folder, 'id'),
    hostKeys,
    knownHosts: join(folder, 'known_hosts'),
    config: join(folder, 'config'),
    folder,
    root: `/proc/${pid}/root`,
    log: () => Promise.resolve(said),
    sessions,
    cut: async () => {
      const open = await sessions();
      killAll(open);
      return open.length;
    },
    stop,
  };
}
