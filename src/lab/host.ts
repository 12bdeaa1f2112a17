import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { Problem } from '../model/problem.ts';
import { ACCOUNTS, keyPair } from './access.ts';
import { cloudSeed } from './cloud-seed.ts';
import { WITHHELD } from './concession.ts';
import { attempt, exec, lastLines } from './exec.ts';
import { HOST_LOOP } from './hostLoop.ts';
import { namespacePath, namesOf, portOf } from './names.ts';
import { whole } from './part.ts';
import { childOf, pidFrom, until } from './processes.ts';
import { type Lab, type LabHost, macOf, subnet } from './spec.ts';
import { sshPort } from './ssh-port.ts';

/** The folder of one host: its disk, its console's log, its flags. */
export const hostDir = (lab: Pick<Lab, 'dir'>, host: string): string => join(lab.dir, 'hosts', host);

/**
 * Makes what a host needs before its first boot, unless it is there: a clone of the golden disk, and the seed, the few
 * files that make the clone itself. `hostsFile` becomes its /etc/hosts, `key` opens its accounts.
 */
export async function makeHost(
  lab: Lab,
  host: LabHost,
  golden: string,
  hostsFile: string,
  key: string,
): Promise<void> {
  const dir = hostDir(lab, host.name);
  const disk = join(dir, 'disk.img');
  makeFolder(join(dir, 'root'));
  if (existsSync(disk)) return;
  const hostKey = join(dir, 'host_key');
  await keyPair(hostKey, host.name);
  const put = async (path: string, text: string, mode: number, owner?: string) => {
    const file = join(dir, 'seed', path);
    makeFolder(join(file, '..'));
    await writeFile(file, text);
    await chmod(file, mode);
    if (owner !== undefined) await exec(['chown', '-R', owner, join(file, '..')]);
  };
  await rm(join(dir, 'seed'), { recursive: true, force: true });
  await put('etc/hostname', `${host.name}\n`, 0o644);
  await put('etc/hosts', hostsFile, 0o644);
  // kubelet and CoreDNS want a name server. The depot's knows the lab's names, and says of all others that there are none.
  if (host.like === undefined)
    await put('etc/resolv.conf', `nameserver ${subnet(lab.network).depot}\n`, 0o644);
  else for (const { path, text } of cloudSeed(host, lab.network)) await put(path, text, 0o600);
  await put('etc/machine-id', crypto.randomUUID().replaceAll('-', '') + '\n', 0o444);
  await put('etc/ssh/ssh_host_ed25519_key', await readFile(hostKey, 'utf8'), 0o600);
  await put('etc/ssh/ssh_host_ed25519_key.pub', await readFile(`${hostKey}.pub`, 'utf8'), 0o644);
  for (const [index, account] of ACCOUNTS.entries()) {
    const home = account === 'root' ? 'root' : `home/${account}`;
    // The accounts of the image have the ids 1000 and 1001, in the order they were made.
    const id = index === 0 ? 0 : 999 + index;
    await put(`${home}/.ssh/authorized_keys`, key, 0o600, `${id}:${id}`);
    await exec(['chown', `${id}:${id}`, join(dir, 'seed', home)]);
    await chmod(join(dir, 'seed', home, '.ssh'), 0o700);
    await chmod(join(dir, 'seed', home), 0o700);
  }
  await whole(disk, async (part) => {
    await exec(['cp', '--sparse=always', '--reflink=auto', golden, part]);
  });
}

/** The process id of a host's loop, when the host is up or on its way. */
export function loopPid(lab: Pick<Lab, 'dir'>, host: string): Promise<number | undefined> {
  const dir = hostDir(lab, host);
  return pidFrom(join(dir, 'loop.pid'), dir);
}

/** The process id, on this machine, of a host's first process; undefined when it is not up. */
export async function initPid(lab: Pick<Lab, 'dir'>, host: string): Promise<number | undefined> {
  const text = await readFile(join(hostDir(lab, host), 'nspawn.pid'), 'utf8').catch(() => '');
  const nspawn = Number(text.trim());
  if (!(nspawn > 0)) return undefined;
  const child = await childOf(nspawn);
  // Before nspawn has come to it, its child is a helper of its own in this machine's process namespace.
  const status = child === undefined ? '' : await readFile(`/proc/${child}/status`, 'utf8').catch(() => '');
  return /^NSpid:\s+\d+\s+1$/m.test(status) ? child : undefined;
}

/** Starts a host's loop, detached: it outlives this process. Does nothing when it runs. */
export async function startHost(lab: Lab, host: LabHost): Promise<void> {
  if ((await loopPid(lab, host.name)) !== undefined) return;
  const dir = hostDir(lab, host.name);
  const script = await loopScript(lab);
  await rm(join(dir, 'ended'), { force: true });
  const names = namesOf(lab.name);
  const log = await open(join(dir, 'console.log'), 'a', 0o600);
  const child = spawn('sh', [script, 'loop', dir], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      HOST_DIR: dir,
      HOST_NAME: host.name,
      MACHINE: names.machine(host.name),
      NETNS: names.host(host.name),
      BRIDGE_NETNS: names.bridge,
      PORT: portOf(host.address),
      MAC: macOf(host.address),
      ADDRESS: `${host.address}/24`,
      GATEWAY: subnet(lab.network).bridge,
      CGROUP: `${names.cgroup}/${host.name}`,
      DROP: WITHHELD.join(','),
    },
  });
  child.on('error', () => undefined);
  child.unref();
  await log.close();
  await until(async () => ((await loopPid(lab, host.name)) === undefined ? undefined : true), 5_000, 10);
}

/** The loop's script in the lab's folder. Replaced, never rewritten: a shell reads its script as it goes, and others may be at it. */
async function loopScript(lab: Lab): Promise<string> {
  const script = join(lab.dir, 'host.sh');
  if ((await readFile(script, 'utf8').catch(() => '')) === HOST_LOOP) return script;
  const part = `${script}.${crypto.randomUUID()}`;
  await writeFile(part, HOST_LOOP);
  await rename(part, script);
  return script;
}

/**
 * Waits until a login by ssh succeeds and the host has finished booting. Gives the milliseconds it took.
 * Throws `lab/boot` with the console's last lines when the host ends or does not answer within `limit` milliseconds.
 */
export async function awaitLogin(lab: Lab, host: LabHost, limit = 90_000): Promise<number> {
  const start = performance.now();
  let saw = '';
  const up = await until(
    async () => {
      if ((await loopPid(lab, host.name)) === undefined) return false;
      const { code, stderr } = await attempt([
        ...['ssh', '-F', lab.sshConfig, '-o', 'ConnectTimeout=5', '-o', 'BatchMode=yes'],
        ...['-p', String(await sshPort(lab, host.name)), host.name],
        'timeout 30 systemctl is-system-running --wait >/dev/null; true',
      ]);
      saw = stderr;
      return code === 0 ? true : undefined;
    },
    limit,
    100,
  );
  if (up === true) return Math.round(performance.now() - start);
  const console = await readFile(join(hostDir(lab, host.name), 'console.log'), 'utf8').catch(() => '');
  throw new Problem({
    code: 'lab/boot',
    summary: up === false ? `${host.name} ended while it booted` : `${host.name} does not answer by ssh`,
    host: host.name,
    saw: lastLines(`${console}\n${saw}`, 15),
    more: join(hostDir(lab, host.name), 'console.log'),
  });
}

/** How often the host has booted since it was last started. */
export async function bootCount(lab: Pick<Lab, 'dir'>, host: string): Promise<number> {
  return Number((await readFile(join(hostDir(lab, host), 'boots'), 'utf8').catch(() => '0')).trim());
}

/** The argv that runs a program where questions "from outside" are asked: in the operator's network namespace. */
export const fromOutside = (lab: Pick<Lab, 'name'>, argv: readonly string[]): readonly string[] => [
  'nsenter',
  `--net=${namespacePath(namesOf(lab.name).operator)}`,
  ...argv,
];
