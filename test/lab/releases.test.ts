import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labDown } from '../../src/lab/down.ts';
import { attempt } from '../../src/lab/exec.ts';
import { requireLab } from '../../src/lab/lab.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { cleared, clusterYaml, type Desk, desk, landfall, put, well, wellOnHost } from './harness.ts';
import { eventually } from './live.ts';
import { differences, snapshot, type Snapshot } from './snapshot.ts';

/*
 * Hosts of other kinds than Debian 12 with sshd as a service: what they are, and that a cluster comes up on them, with everything
 * about the host made otherwise than it came, holds through a reboot, and is taken back. The lab is made by the command a user
 * would type.
 */

const NAME = 'test-releases';
let lab: Lab;
let place: Desk;

beforeAll(async () => {
  place = desk();
  await labDown(NAME, () => undefined).catch(() => undefined);
  const up = ['lab', 'up', '--quiet', '--name', NAME];
  await well(place, ...up, '--host', 'thirteen', '--release', 'trixie', '--sshd', 'socket');
  await well(place, ...up, '--host', 'noble', '--like', 'ubuntu');
  lab = await requireLab(NAME);
  // What a system does at its first boot alone is over then; the other one is rebooted below.
  await reboot(NAME, 'thirteen');
});

afterAll(() => cleared(NAME, place));

const said = async (host: string, script: string): Promise<string> =>
  (await wellOnHost(lab, host, script)).trim();

/** What a command prints for whoever logs in at this port; nothing where nobody can. */
async function atPort(host: string, port: number, command = 'hostname'): Promise<string> {
  const known = ['-o', `HostKeyAlias=${host}`, '-o', 'ConnectTimeout=5'];
  const { stdout } = await attempt(['ssh', '-F', lab.sshConfig, ...known, '-p', `${port}`, host, command]);
  return stdout.trim();
}

const bootId = (host: string): Promise<string> => said(host, 'cat /proc/sys/kernel/random/boot_id');

describe('a host of Debian 13', () => {
  test('has booted, and says what it is', async () => {
    expect(
      await said('thirteen', '. /etc/os-release; echo $ID $VERSION_ID; systemctl is-system-running'),
    ).toBe('debian 13\nrunning');
    expect(await said('thirteen', 'cat /etc/landfall-lab')).not.toContain('ubuntu');
  });

  test('has sshd started by its socket, which sshd’s own port does not move', async () => {
    const state = 'systemctl is-enabled ssh.socket ssh.service; systemctl is-active ssh.socket';
    expect(await said('thirteen', `{ ${state}; } || :`)).toBe('enabled\ndisabled\nactive');
    await said(
      'thirteen',
      'echo Port 2222 >/etc/ssh/sshd_config.d/port.conf; systemctl daemon-reload; systemctl stop ssh.service; systemctl restart ssh.socket',
    );
    expect([await atPort('thirteen', 2222), await atPort('thirteen', 22)]).toEqual(['', 'thirteen']);
    await said('thirteen', 'rm /etc/ssh/sshd_config.d/port.conf');
  });
});

describe('a host that looks like Ubuntu', () => {
  test('says what it is and how far that goes', async () => {
    expect(await said('noble', '. /etc/os-release; echo $ID $VERSION_ID; systemctl is-system-running')).toBe(
      'ubuntu 24.04\nrunning',
    );
    expect(await said('noble', 'grep -c ^ubuntu: /etc/landfall-lab')).toBe('7');
  });

  test('is laid out by cloud-init and netplan, at every boot anew', async () => {
    const [boot] = [await bootId('noble'), await said('noble', 'echo 192.0.2.1 gone >>/etc/hosts')];
    await reboot(NAME, 'noble');
    expect(await bootId('noble')).not.toBe(boot);
    const { address } = lab.hosts.find(({ name }) => name === 'noble') ?? {};
    expect(await said('noble', 'cloud-init status --wait >/dev/null || :; hostname; cat /etc/hosts')).toMatch(
      /^noble\n[^]*^127\.0\.1\.1 noble noble$/m,
    );
    expect(await said('noble', 'cat /etc/hosts')).not.toContain('192.0.2.1');
    expect(await said('noble', 'netplan get ethernets.eth0.addresses; networkctl status eth0')).toMatch(
      new RegExp(`^- "${address}/24"\\n- "fd77:[^]*State: .*\\(configured\\)`),
    );
    expect(await said('noble', 'stat -c %a /etc/netplan/50-cloud-init.yaml; readlink /etc/resolv.conf')).toBe(
      '600\n../run/systemd/resolve/stub-resolv.conf',
    );
    expect(await said('noble', 'getent ahostsv4 pkgs.k8s.io | head -n 1')).toMatch(/^10\.77\.\d+\.3 /);
    expect(await said('noble', 'cat /etc/ssh/sshd_config.d/50-cloud-init.conf')).toBe(
      'PasswordAuthentication yes',
    );
  });

  test('has its socket follow sshd’s port', async () => {
    const again = 'systemctl daemon-reload; systemctl restart ssh.socket';
    await said('noble', `echo Port 2222 >/etc/ssh/sshd_config.d/10-port.conf; ${again}`);
    expect([await atPort('noble', 2222), await atPort('noble', 22)]).toEqual(['noble', '']);
    await atPort('noble', 2222, `rm /etc/ssh/sshd_config.d/10-port.conf; ${again}`);
    expect(await atPort('noble', 22)).toBe('noble');
  });

  test('has snapd, what a node has no use for, and what keeps a node from its work', async () => {
    const drop = '/usr/lib/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf';
    expect(await said('noble', `cat ${drop} | grep Max; systemctl is-active snapd.service`)).toBe(
      'InhibitDelayMaxSec=30\nactive',
    );
    expect(await said('noble', "dpkg-query -W -f '${Package} ' packagekit polkitd udisks2")).toBe(
      'packagekit polkitd udisks2',
    );
  });
});

const PORT = 22322;

/** What no reset brings back: the lab's snapd is in no repository, and cloud-init and PackageKit write down what they have done. */
const BEYOND = /snapd|\/var\/lib\/(cloud|PackageKit|sgml-base)\/|packagekit\.service\tactive/;

/** All that may be wished of a host, each in another way than it comes. */
const WISHES = `host:
  ipv6: disabled
  time: { servers: [1.debian.pool.ntp.org, 0.debian.pool.ntp.org] }
  journal: { maxUse: 200M, maxDays: 30 }
  containerLogs: { maxSize: 20Mi, maxFiles: 3 }
  upgrade: 30d
  purge: [multipath-tools, packagekit, polkitd, snapd, udisks2]
  reboot: when-needed
  ssh: { port: ${PORT}, rootLogin: keys, passwords: false }
`;

describe.each(['thirteen', 'noble'])('a cluster on %s', (name) => {
  let before: Snapshot;

  const look = (script: string): Promise<string> => said(name, script);

  /** Steps that do not read as they should. */
  async function open(): Promise<readonly string[]> {
    const plan = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
    const findings = plan.hosts.flatMap((host) => host.findings);
    expect(findings.length).toBeGreaterThan(90);
    return findings.filter(({ forecast }) => forecast !== 'right').map(({ step }) => step);
  }

  /** What was wished, seen without Landfall. */
  async function asWished(): Promise<void> {
    expect([await atPort(name, PORT), await atPort(name, 22)]).toEqual([name, '']);
    expect(await look('sshd -T | grep -e ^passwordauth -e ^permitroot | sort')).toBe(
      'passwordauthentication no\npermitrootlogin without-password',
    );
    expect(await look('ip -6 -o addr; systemctl is-active chrony crio kubelet')).toBe(
      'active\nactive\nactive',
    );
    const { address } = lab.hosts.find((host) => host.name === name) ?? {};
    expect(await look(`hostname; getent ahostsv4 ${name} | awk '{ print $1 }' | sort -u`)).toBe(
      `${name}\n${address}`,
    );
    expect(await look('chronyc -n -c sources | wc -l; journalctl --disk-usage >/dev/null')).toMatch(/^[1-9]/);
    const status = "dpkg-query -W -f '${db:Status-Status}\\n' packagekit polkitd snapd udisks2 2>/dev/null";
    expect(await look(`${status} | grep -cx installed || :`)).toBe('0');
  }

  beforeAll(async () => {
    const hosts = lab.hosts.filter((host) => host.name === name);
    put(place, 'cluster.yaml', clusterYaml({ ...lab, hosts }, WISHES));
    before = await snapshot(lab, name, false);
  });

  test('is made and proven, with all of the host as wished, and a second plan is empty', async () => {
    await well(place, 'apply', '--yes', '--prove');
    expect(await open()).toEqual([]);
    await asWished();
  });

  test('is as it was after a reboot of the host', async () => {
    const boot = await bootId(name);
    await reboot(NAME, name);
    expect(await bootId(name)).not.toBe(boot);
    // What the API server says first is from before the reboot; the node then comes back step by step.
    await eventually(
      'the cluster to be back and proven',
      async () => ((await landfall(place, 'status', '--prove')).status === 0 ? true : undefined),
      180_000,
    );
    await asWished();
    expect(await open()).toEqual([]);
  });

  test('is taken back by a reset, and the host is as it was', async () => {
    // The lab's snapd is a stand-in that no repository has.
    await said(name, 'sed -i /^snapd$/d /var/lib/landfall/purged/packages 2>/dev/null || :');
    await well(place, 'reset', '--yes', '--cluster', NAME);
    const left = differences(before, await snapshot(lab, name, false));
    expect(left.filter((line) => !BEYOND.test(line))).toEqual([]);
    expect([await atPort(name, PORT), await atPort(name, 22)]).toEqual(['', name]);
  });
});
