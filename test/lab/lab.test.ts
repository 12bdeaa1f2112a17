import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import { depotPid } from '../../src/lab/depot/daemon.ts';
import { labDown, loopDevices } from '../../src/lab/down.ts';
import { attempt, type Ended } from '../../src/lab/exec.ts';
import { parseFault } from '../../src/lab/fault.ts';
import { forwarding } from '../../src/lab/forward.ts';
import { fromOutside, initPid, loopPid } from '../../src/lab/host.ts';
import { findLab } from '../../src/lab/lab.ts';
import { ensureTools, readMachine } from '../../src/lab/machine.ts';
import { namespacePath, namesOf } from '../../src/lab/names.ts';
import { labNamespaces } from '../../src/lab/network.ts';
import { powerCut, reboot } from '../../src/lab/power.ts';
import { findProcesses, signal } from '../../src/lab/processes.ts';
import { claimedLabs } from '../../src/lab/settings.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { sshArgv } from '../../src/lab/ssh.ts';
import { labStatus } from '../../src/lab/status.ts';
import { labUp } from '../../src/lab/up.ts';

const NAME = 'labtest';
const OTHER = 'labtest-two';
const quiet = () => undefined;
const setting = (name: string) => readFileSync(`/proc/sys/${name}`, 'utf8').trim();
const WATCHED = ['net/netfilter/nf_conntrack_max', 'fs/inotify/max_user_instances', 'vm/overcommit_memory'];
/** Prints whether something lies over the kernel's list of swap, and the list. */
const SWAPS = 'findmnt -n -o TARGET /proc/swaps; cat /proc/swaps';
const NO_SWAP = `/proc/swaps\n${readFileSync('/proc/swaps', 'utf8').split('\n')[0]}`;

let lab: Lab;
let before: readonly string[];
let othersBefore: number;

/** Runs a command on a lab host, by ssh. */
const on = async (host: string, command: string, user?: string, which: Lab = lab): Promise<Ended> =>
  attempt(
    await sshArgv(which, host, user === undefined ? { command: [command] } : { user, command: [command] }),
  );
/** What a command on a lab host printed. */
const said = async (host: string, command: string): Promise<string> =>
  (await on(host, command)).stdout.trim();
const fault = (line: string): Promise<string> => breakLab(NAME, parseFault(lab, line.split(' ')));
const bootId = (host: string): Promise<string> => said(host, 'cat /proc/sys/kernel/random/boot_id');
const forwarderPids = (): Promise<readonly number[]> =>
  findProcesses({ commandHas: [join(lab.dir, 'forward.json')], namespaces: [] });
/** What the server on a host's port 6443 says to those who come by the port that leads there, as soon as it is there. */
async function answerOf(address: string): Promise<string> {
  const port = (await forwarding(lab)).ports[address] ?? 0;
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const answer = await text(connect(port, '127.0.0.1')).catch(() => '');
    if (answer !== '') return answer.trim();
  }
  return '';
}
/** Of 100 packets from one host to another, how many come back. */
async function answered(from: string, to: string): Promise<number> {
  const { stdout } = await on(from, `ping -q -c 100 -i 0.01 -W 1 ${to}`);
  return Number(/(\d+) received/.exec(stdout)?.[1]);
}

beforeAll(async () => {
  await ensureTools(true);
  process.env.XDG_STATE_HOME = mkdtempSync(join(tmpdir(), 'landfall-state-'));
  process.env.LANDFALL_DEPOT = mkdtempSync(join(tmpdir(), 'landfall-depot-'));
  const www = join(process.env.LANDFALL_DEPOT, 'www/pkgs.k8s.io');
  mkdirSync(www, { recursive: true });
  writeFileSync(join(www, 'InRelease'), 'signed\n-----BEGIN PGP SIGNATURE-----\n');
  before = WATCHED.map(setting);
  othersBefore = (await claimedLabs()).size;
  lab = await labUp({ name: NAME, hosts: [{ name: 'cp-0' }, { name: 'worker-0' }] }, quiet);
});

afterAll(async () => {
  for (const name of [NAME, OTHER]) await labDown(name, quiet).catch(quiet);
  rmSync(process.env.XDG_STATE_HOME ?? '', { recursive: true, force: true });
  rmSync(process.env.LANDFALL_DEPOT ?? '', { recursive: true, force: true });
});

describe('a lab host', () => {
  it('is logged in to by ssh, as root and as users with and without a password for sudo', async () => {
    expect(await said('cp-0', 'id -u; hostname; ps -o comm= 1')).toBe('0\ncp-0\nsystemd');
    expect((await on('cp-0', 'sudo -n id -u', 'ops')).stdout.trim()).toBe('0');
    expect((await on('cp-0', 'sudo -n id -u', 'deploy')).stderr).toContain('a password is required');
    expect((await on('cp-0', 'echo landfall | sudo -S id -u', 'deploy')).stdout.trim()).toBe('0');
  });

  it('is refused when its host key is another', async () => {
    const known = join(lab.dir, 'known_hosts');
    const text = readFileSync(known, 'utf8');
    writeFileSync(known, text.replace('10.77.', '10.78.').replaceAll(/cp-0 ssh/g, 'x ssh'));
    expect((await on('cp-0', 'true')).stderr).toContain('Host key verification failed');
    writeFileSync(known, text);
    expect((await on('cp-0', 'true')).code).toBe(0);
  });

  it('is a machine of its own', async () => {
    const facts =
      'cat /proc/sys/kernel/random/boot_id /etc/machine-id; ip -o -4 addr show eth0 | cut -d" " -f7';
    const [a, b] = await Promise.all(['cp-0', 'worker-0'].map((host) => said(host, facts)));
    for (const [index, line] of (a ?? '').split('\n').entries()) expect(line).not.toBe(b?.split('\n')[index]);
    expect(a).not.toContain(setting('kernel/random/boot_id'));
  });

  it('has finished booting, and every unit is well', async () => {
    expect(await said('cp-0', 'systemctl is-system-running; systemctl --failed --no-legend')).toBe('running');
  });

  it('says what was conceded to this machine', async () => {
    const marker = await said('cp-0', 'cat /etc/landfall-lab');
    expect(marker).toMatch(/^clock: /m);
    expect(/^cgroup-v1: /m.test(marker)).toBe(readMachine().cgroup === 'v1');
  });

  it('has none of what Landfall has to bring, and nothing of the machine it was made on', async () => {
    expect(await said('cp-0', 'command -v chronyd conntrack iptables nft socat jq kubelet crio')).toBe('');
    expect(
      await said(
        'cp-0',
        'cat /etc/apt/sources.list; ls /etc/apt/sources.list.d /etc/apt/apt.conf.d | grep mmdeb',
      ),
    ).toMatch(
      /^deb http:\/\/deb\.debian\.org\/debian bookworm main\s+\/etc\/apt\/apt\.conf\.d:|^deb http:\/\/deb\.debian\.org\/debian bookworm main$/,
    );
  });

  it('has a list of swap of its own, empty, in place of the machine’s', async () => {
    expect(await said('cp-0', SWAPS)).toBe(NO_SWAP);
  });

  it('cannot set the clock, which is the whole machine’s', async () => {
    expect((await on('cp-0', 'date -s @0')).code).not.toBe(0);
  });
});

describe('the network', () => {
  it('leads nowhere', async () => {
    expect(await said('cp-0', 'ip -4 route')).toBe(
      'default via 10.77.N.1 dev eth0 \n10.77.N.0/24 dev eth0 proto kernel scope link src 10.77.N.11'.replaceAll(
        'N',
        String(lab.network),
      ),
    );
    const names = namesOf(NAME);
    const bridge = ['nsenter', `--net=${namespacePath(names.bridge)}`];
    expect((await attempt([...bridge, 'ip', '-4', 'route', 'show', 'default'])).stdout).toBe('');
    expect((await attempt([...bridge, 'cat', '/proc/sys/net/ipv4/ip_forward'])).stdout.trim()).toBe('0');
    const links = (await attempt([...bridge, 'ip', '-o', 'link'])).stdout.trim().split('\n');
    expect(links.map((line) => line.split(': ')[1]?.replace(/@.*/, '')).sort()).toEqual([
      'br0',
      'lo',
      'p11',
      'p12',
      'p2',
      'p3',
    ]);
  });

  it('is asked from outside in the operator’s namespace', async () => {
    const address = lab.hosts[0]?.address ?? '';
    const ask = ['perl', join(lab.dir, 'relay.pl'), address, '22'];
    expect((await attempt([...fromOutside(lab, ask)])).stdout).toMatch(/^SSH-2\.0-/);
    expect((await attempt(['ip', 'route'])).stdout).not.toContain('10.77.');
  });

  it('is entered from an ordinary shell by a port for each host, which leads to its API server', async () => {
    for (const { name } of lab.hosts)
      await on(name, 'systemd-run -q --unit=answer systemd-socket-activate -l 6443 --inetd -a hostname');
    expect(await Promise.all(lab.hosts.map(({ address }) => answerOf(address)))).toEqual([
      'cp-0',
      'worker-0',
    ]);
    const { ports } = await forwarding(lab);
    const listening = (await attempt(['ss', '-Hltn'])).stdout;
    for (const port of Object.values(ports))
      expect(listening.match(new RegExp(String.raw`\S+:${port}\b`, 'g'))).toEqual([`127.0.0.1:${port}`]);
    for (const { name } of lab.hosts) await on(name, 'systemctl stop answer');
  });

  it('leads upstream’s names to the depot, whose certificate hosts trust', async () => {
    expect((await on('cp-0', 'curl -fsS https://pkgs.k8s.io/InRelease')).stdout).toContain('signed');
    expect((await on('cp-0', 'curl -fsS https://registry.k8s.io/v2/')).stdout).toBe('{}');
  });
});

describe('a fault', () => {
  it('reboot: comes back by itself with what was on the disk', async () => {
    const [boot] = [await bootId('cp-0'), await said('cp-0', 'echo kept > /root/kept; sync')];
    await reboot(NAME, 'cp-0');
    expect(await bootId('cp-0')).not.toBe(boot);
    expect(await said('cp-0', `cat /root/kept; ${SWAPS}`)).toBe(`kept\n${NO_SWAP}`);
  });

  it('reboot from inside: is followed', async () => {
    const boot = await bootId('worker-0');
    await on('worker-0', 'systemctl reboot');
    let now = boot;
    for (const end = Date.now() + 60_000; (now === boot || now === '') && Date.now() < end; )
      now = await bootId('worker-0');
    expect(now).toMatch(/^[0-9a-f-]{36}$/);
    expect(now).not.toBe(boot);
  });

  it('power cut: the address answers nothing, and the disk is there again afterwards', async () => {
    const boot = await bootId('cp-0');
    await on('cp-0', 'echo kept > /root/kept2; sync');
    await powerCut(NAME, 'cp-0');
    expect((await labStatus(NAME)).hosts.map(({ state }) => state)).toEqual(['down', 'up']);
    expect(await loopDevices(join(lab.dir, 'hosts', 'cp-0'))).toEqual([]);
    expect(await answered('worker-0', lab.hosts[0]?.address ?? '')).toBe(0);
    await fault('start cp-0');
    expect(await said('cp-0', 'cat /root/kept2')).toBe('kept');
    expect(await bootId('cp-0')).not.toBe(boot);
  });

  it('power loss: what was synced is there afterwards, what was not is lost', async () => {
    await on('worker-0', 'echo kept > /root/synced; sync; echo lost > /root/unsynced');
    await fault('power-loss worker-0');
    await fault('start worker-0');
    expect(await said('worker-0', 'cat /root/synced /root/unsynced 2>/dev/null')).toBe('kept');
  });

  it('stop and start', async () => {
    await fault('stop worker-0');
    expect(await initPid(lab, 'worker-0')).toBeUndefined();
    await fault('start worker-0');
    expect((await on('worker-0', 'true')).code).toBe(0);
  });

  it('link down: pulled, though the host reboots; then up', async () => {
    const address = lab.hosts[1]?.address ?? '';
    await fault('link-down worker-0');
    expect(await answered('cp-0', address)).toBe(0);
    const init = await initPid(lab, 'worker-0');
    signal(init ?? 0, 39);
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const now = await initPid(lab, 'worker-0');
      if (now !== undefined && now !== init) break;
    }
    expect(await answered('cp-0', address)).toBe(0);
    await fault('link-up worker-0');
    expect(await answered('cp-0', address)).toBe(100);
  });

  it('partition: only the two no longer hear each other', async () => {
    const [a, b] = lab.hosts.map(({ address }) => address);
    await fault('partition cp-0 worker-0');
    expect([await answered('cp-0', b ?? ''), await answered('worker-0', a ?? '')]).toEqual([0, 0]);
    expect((await on('cp-0', 'curl -fsS https://registry.k8s.io/v2/')).code).toBe(0);
    await fault('heal');
    expect(await answered('cp-0', b ?? '')).toBe(100);
  });

  it('loss: of 100 packets there and back about half get through at 30 percent', async () => {
    await fault('loss worker-0 30');
    const through = await answered('cp-0', lab.hosts[1]?.address ?? '');
    expect(through).toBeGreaterThan(20);
    expect(through).toBeLessThan(80);
    await fault('loss worker-0 0');
    expect(await answered('cp-0', lab.hosts[1]?.address ?? '')).toBe(100);
  });

  it('disk full: a real ENOSPC, and room again', async () => {
    await fault('disk-full cp-0');
    const { stderr, code } = await on('cp-0', 'dd if=/dev/zero of=/root/more bs=4k count=1');
    expect([code, stderr]).toEqual([1, expect.stringContaining('No space left on device')]);
    expect((await labStatus(NAME)).faults).toEqual(['disk-full cp-0']);
    await fault('disk-free cp-0');
    expect((await on('cp-0', 'dd if=/dev/zero of=/root/more bs=4k count=1')).code).toBe(0);
  });

  it('of the depot: refused, missing, unavailable, changed after it was signed; and healed', async () => {
    const ask = (path: string) => on('cp-0', `curl -sS -w ' %{http_code}' https://pkgs.k8s.io/${path}`);
    await fault('depot-down');
    expect((await ask('InRelease')).stderr).toMatch(/Connection refused|Couldn't connect/);
    await fault('depot-up');
    await fault('depot-missing pkgs.k8s.io/InRelease');
    expect((await ask('InRelease')).stdout).toMatch(/404$/);
    await fault('heal');
    await fault('depot-unavailable pkgs.k8s.io');
    expect((await ask('InRelease')).stdout).toMatch(/503$/);
    await fault('heal');
    await fault('depot-unsigned pkgs.k8s.io');
    expect((await ask('InRelease')).stdout).toContain('changed after it was signed');
    expect((await labStatus(NAME)).faults).toEqual(['depot-unsigned pkgs.k8s.io']);
    await fault('heal');
    expect((await ask('InRelease')).stdout).toMatch(/^signed\n.*\n 200$/);
    expect((await labStatus(NAME)).faults).toEqual([]);
  });
});

describe('labs', () => {
  it('are found by name', async () => {
    expect(await findLab(NAME)).toEqual(lab);
    expect(await findLab('no-such-lab')).toBeUndefined();
  });

  it('stand beside each other with hosts of the same name', async () => {
    const other = await labUp({ name: OTHER }, quiet);
    expect(other.network).not.toBe(lab.network);
    expect((await on('cp-0', 'hostname', undefined, other)).stdout.trim()).toBe('cp-0');
    await labDown(OTHER, quiet);
    expect((await on('cp-0', 'true')).code).toBe(0);
    expect(await labNamespaces(OTHER)).toEqual([]);
  });

  it('are not brought up twice at once, and the second is told by whom', async () => {
    const both = await Promise.allSettled([labUp({ name: NAME }, quiet), labUp({ name: NAME }, quiet)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = both.find((one) => one.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      code: 'lab/busy',
      exit: 5,
      summary: expect.stringContaining(`${process.pid}`),
    });
  });

  it('that were half killed are made whole by the next up', async () => {
    const orphan = await initPid(lab, 'cp-0');
    signal((await loopPid(lab, 'cp-0')) ?? 0, 'SIGKILL');
    signal((await depotPid(lab)) ?? 0, 'SIGKILL');
    const { ports } = await forwarding(lab);
    const forwarders = await forwarderPids();
    expect(forwarders.length).toBe(1);
    for (const pid of forwarders) signal(pid, 'SIGKILL');
    await powerCut(NAME, 'worker-0');
    expect(await labStatus(NAME)).toMatchObject({ state: 'partly', forwarding: { up: false, ports } });
    await labUp({ name: NAME }, quiet);
    expect(await labStatus(NAME)).toMatchObject({ state: 'up', forwarding: { up: true, ports } });
    await labUp({ name: NAME }, quiet);
    expect((await forwarderPids()).length).toBe(1);
    expect(await initPid(lab, 'cp-0')).not.toBe(orphan);
    expect((await on('worker-0', 'curl -fsS https://pkgs.k8s.io/InRelease')).code).toBe(0);
  });

  it('that were taken down but kept start again with the disks they had', async () => {
    await on('cp-0', 'echo kept > /root/kept3');
    const id = await said('cp-0', 'cat /etc/machine-id');
    const { ports } = await forwarding(lab);
    await powerCut(NAME, 'cp-0');
    await labDown(NAME, quiet, true);
    await nothingLeft(NAME);
    await labUp({ name: NAME }, quiet);
    expect(await said('cp-0', 'cat /root/kept3 /etc/machine-id')).toBe(`kept\n${id}`);
    expect(await forwarding(lab)).toEqual({ up: true, ports });
  });

  it('whose folder is gone are cleared away by their names', async () => {
    rmSync(join(lab.dir, 'lab.json'));
    rmSync(join(lab.dir, 'ssh_config'));
    expect(await findLab(NAME)).toBeUndefined();
    await labDown(NAME, quiet);
    await nothingLeft(NAME);
    lab = await labUp({ name: NAME }, quiet);
    expect((await on('cp-0', 'true')).code).toBe(0);
  });

  it('leave nothing behind when they go down', async () => {
    await labDown(NAME, quiet);
    await nothingLeft(NAME);
    expect(await findLab(NAME)).toBeUndefined();
    // The machine's settings are put back by the last lab that goes, which this is only when no other runs beside it.
    const alone = othersBefore === 0 && (await claimedLabs()).size === 0;
    expect(alone ? WATCHED.map(setting) : before).toEqual(before);
    await expect(labDown(NAME, quiet)).rejects.toMatchObject({ code: 'lab/none', exit: 2 });
  });
});

async function nothingLeft(name: string): Promise<void> {
  const names = namesOf(name);
  expect(await labNamespaces(name)).toEqual([]);
  expect(await loopDevices(lab.dir)).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(lab.dir);
  expect(await findProcesses({ commandHas: [], namespaces: [], cgroup: names.cgroup })).toEqual([]);
  const words = ['depot.json', 'host.sh', 'forward.json', 'relay.pl'].map((one) => join(lab.dir, one));
  expect(await findProcesses({ commandHas: words, namespaces: [] })).toEqual([]);
  const groups = await attempt(['find', '/sys/fs/cgroup', '-path', `*/${names.cgroup}`]);
  expect(groups.stdout).toBe('');
  const containers = readdirSync('/run/systemd/nspawn/propagate').filter((one) =>
    one.startsWith(names.machine('')),
  );
  expect(containers).toEqual([]);
  expect((await claimedLabs()).has(name)).toBe(false);
}
