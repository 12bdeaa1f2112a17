import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labDown } from '../../src/lab/down.ts';
import { attempt } from '../../src/lab/exec.ts';
import { requireLab } from '../../src/lab/lab.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { cleared, clusterYaml, type Desk, desk, put, well, wellOnHost } from './harness.ts';

/*
 * Hosts of other kinds than Debian 12 with sshd as a service: what they are, and that a cluster comes up on them. The lab is
 * made by the command a user would type.
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

  test('has snapd to be purged, and what keeps a node from its work', async () => {
    const drop = '/usr/lib/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf';
    expect(await said('noble', `cat ${drop} | grep Max; systemctl is-active snapd.service`)).toBe(
      'InhibitDelayMaxSec=30\nactive',
    );
    await said('noble', 'DEBIAN_FRONTEND=noninteractive apt-get -qq purge snapd');
    expect(
      await said('noble', '! [ -e /var/lib/snapd ] || echo left; systemctl is-active snapd.service || :'),
    ).toBe('inactive');
  });
});

test.each(['thirteen', 'noble'])('%s carries a cluster, and a second plan is empty', async (name) => {
  put(place, 'cluster.yaml', clusterYaml({ ...lab, hosts: lab.hosts.filter((host) => host.name === name) }));
  await well(place, 'apply', '--yes');
  const plan = JSON.parse((await well(place, 'plan', '--exit-code', '--json')).stdout) as Plan;
  const findings = plan.hosts.flatMap((host) => host.findings);
  expect(findings.length).toBeGreaterThan(50);
  expect(findings.filter(({ forecast }) => forecast !== 'right')).toEqual([]);
});
