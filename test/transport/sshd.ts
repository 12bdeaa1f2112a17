import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, start } from '../../src/ssh/spawned.ts';
import { packages } from './packages.ts';
import { eventually, freePort } from './wait.ts';
import { type SshdOptions, WORLD, furnish } from './world.ts';

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
 * Needs root on Linux; takes openssh-server and sudo from apt when this machine has not both.
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
      // A user's connection is held by a second process below the first.
      const below = (await Promise.all(open.map(children))).flat();
      const names = await Promise.all(
        below.map((of) => readFile(`/proc/${of}/comm`, 'utf8').catch(() => '')),
      );
      killAll([...open, ...below.filter((_, i) => names[i]?.startsWith('sshd'))]);
      return open.length;
    },
    stop,
  };
}
