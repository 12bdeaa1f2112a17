import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { HANDS } from './hands.ts';
import { SWAP_GENERATOR } from './host-breaks.ts';
import { cleared, clusterYaml, type Desk, desk, freshLab, put, well, wellOnHost } from './harness.ts';
import { differences, type Snapshot, snapshot } from './snapshot.ts';

/*
 * The host's own settings, on a host that is as providers deliver them: named otherwise, its name beside 127.0.1.1, swap from
 * three sides, netplan with IPv6, cloud-init that writes names anew. Each choice of cluster.yaml is made, stays after a reboot,
 * can be changed for another, and is taken back. The host has neither boot loader nor netplan: their files are laid out as
 * Ubuntu lays them, and `update-grub` is a script that reads them as grub-mkconfig does.
 */

const NAME = 'test-host';
const HOST = 'cp-0';

const NETPLAN = `# This file is generated from information provided by the datasource.
network:
    version: 2
    ethernets:
        eth9:
            addresses:
            - 2a01:4f9:c010:1234::1/64
            dhcp4: true
            match:
                macaddress: 96:00:02:12:34:56
            nameservers:
                addresses:
                - 2a01:4ff:ff00::add:1
                - 2a01:4ff:ff00::add:2
            routes:
            -   on-link: true
                to: default
                via: fe80::1
            set-name: eth9
`;

const LAY_OUT = `
echo box.example.net >/etc/hostname; hostname box.example.net
sed -i "s/^[0-9.]* ${HOST}$/127.0.1.1\\t${HOST}.example.net ${HOST}/" /etc/hosts
printf '/swap.img\\tnone\\tswap\\tsw\\t0\\t0\\n' >>/etc/fstab
printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/zramswap.service
systemctl enable -q --now zramswap.service
${SWAP_GENERATOR}
mkdir -p /etc/netplan /boot/grub /etc/default/grub.d /etc/cloud/cloud.cfg.d
cat >/etc/netplan/50-cloud-init.yaml <<'END'
${NETPLAN}END
chmod 0600 /etc/netplan/50-cloud-init.yaml
printf 'preserve_hostname: false\\nmanage_etc_hosts: true\\n' >/etc/cloud/cloud.cfg
printf 'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\\nGRUB_CMDLINE_LINUX=""\\n' >/etc/default/grub
printf 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"\\n' >/etc/default/grub.d/50-cloudimg-settings.cfg
cat >/usr/sbin/update-grub <<'END'
#!/bin/sh
. /etc/default/grub
for x in /etc/default/grub.d/*.cfg; do . "$x"; done
{
  printf '\\tlinux\\t/boot/vmlinuz-6.8.0 root=UUID=1 ro %s %s\\n' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"
  printf '\\t\\tlinux\\t/boot/vmlinuz-6.8.0 root=UUID=1 ro recovery %s\\n' "$GRUB_CMDLINE_LINUX"
} >/boot/grub/grub.cfg
END
chmod 0755 /usr/sbin/update-grub; update-grub
systemctl disable -q --now logrotate.timer`;

const ALL = `host:
  ipv6: absent
  time: { servers: [1.debian.pool.ntp.org, 0.debian.pool.ntp.org] }
  journal: { maxUse: 200M, maxDays: 30 }
`;

let lab: Lab;
let place: Desk;
let before: Snapshot;

const look = async (script: string): Promise<string> => (await wellOnHost(lab, HOST, script)).trim();

/** The steps of the phase that are not right, and how plan calls them. */
async function open(): Promise<Readonly<Record<string, string>>> {
  const plan = JSON.parse((await well(place, 'plan', '--json', '--only', 'prepare')).stdout) as Plan;
  const findings = plan.hosts.flatMap((host) => host.findings).filter((f) => f.forecast !== 'right');
  return Object.fromEntries(findings.map((f) => [f.step, f.forecast]));
}

async function choose(section: string): Promise<void> {
  put(place, 'cluster.yaml', clusterYaml(lab, section));
  await well(place, 'apply', '--yes', '--only', 'preflight', '--only', 'prepare');
  expect(await open()).toEqual({});
}

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  await wellOnHost(lab, HOST, `${HANDS}\n${LAY_OUT}`);
  before = await snapshot(lab, HOST, false);
});

afterAll(() => cleared(NAME, place));

/** What is true of the host whatever is chosen below. */
async function settled(): Promise<void> {
  const address = lab.hosts[0]?.address ?? '';
  expect(await look('hostname; cat /etc/hostname')).toBe(`${HOST}\n${HOST}`);
  expect(await look(`getent ahostsv4 ${HOST} | sort -u; hostname -f`)).toMatch(
    new RegExp(`^${address} +STREAM ${HOST}.example.net$`, 'm'),
  );
  expect(await look('grep -c "^[^#].*swap" /etc/fstab || :')).toBe('0');
  expect(
    await look('systemctl is-enabled dev-sdz3.swap zramswap.service || :; systemctl is-active zramswap || :'),
  ).toBe('masked\ndisabled\ninactive');
  expect(await look('systemctl list-units --type=swap --all --plain --no-legend --state=active,failed')).toBe(
    '',
  );
  expect(await look('systemctl is-enabled logrotate.timer; systemctl is-active logrotate.timer chrony')).toBe(
    'enabled\nactive\nactive',
  );
  expect(await look('chronyc waitsync 60 0 0 1 >/dev/null; chronyc -n -c tracking')).toMatch(/,Normal$/);
  expect(await look('sysctl -n fs.inotify.max_user_instances vm.max_map_count')).toBe('8192\n262144');
}

describe('the host’s own settings', () => {
  test('are made as cluster.yaml says', async () => {
    await choose(ALL);
    await settled();
    expect(await look('chronyc -n -c sources | wc -l; cat /etc/chrony/sources.d/landfall.sources')).toMatch(
      /pool 0\.debian\.pool\.ntp\.org iburst\npool 1\.debian\.pool\.ntp\.org iburst$/,
    );
    expect(await look('grep -v -e "^#" -e "^$" /etc/chrony/chrony.conf')).not.toMatch(/^(pool|server) /m);
    expect(
      await look('systemd-analyze cat-config systemd/journald.conf | grep -e ^SystemMaxUse -e ^MaxRet'),
    ).toBe('SystemMaxUse=200M\nMaxRetentionSec=30day');
    expect(await look('ip -6 -o addr')).toBe('');
    expect(
      await look('grep -c " ipv6.disable=1" /boot/grub/grub.cfg; grep -c tty1 /boot/grub/grub.cfg'),
    ).toBe('2\n1');
    expect(await look('stat -c %a /etc/netplan/50-cloud-init.yaml')).toBe('600');
    expect(parse(await look('cat /etc/netplan/50-cloud-init.yaml'))).toEqual({
      network: {
        version: 2,
        ethernets: {
          eth9: { dhcp4: true, match: { macaddress: '96:00:02:12:34:56' }, 'set-name': 'eth9' },
        },
      },
    });
  });

  test('can be changed for others, and those stay after a reboot', async () => {
    await choose('host: { ipv6: disabled, journal: { maxUse: 300M } }\n');
    expect(await look('grep -c ipv6.disable /boot/grub/grub.cfg || :')).toBe('0');
    expect(await look('grep -c "^pool" /etc/chrony/chrony.conf; ls /etc/chrony/sources.d')).toBe('1\nREADME');
    await reboot(NAME, HOST);
    await settled();
    expect(await look('ip -6 -o addr; sysctl -n net.ipv6.conf.all.disable_ipv6')).toBe('1');
    expect(await open()).toEqual({});
  });

  test('are given back where cluster.yaml leaves things to the host', async () => {
    await choose('host: { hostname: keep, nodeNames: false, swap: refuse }\n');
    expect(await look('ip -6 -o addr show dev eth0')).toContain('fe80::');
    expect(await look('cat /etc/netplan/50-cloud-init.yaml')).toBe(NETPLAN.trim());
    expect(await look('grep -c "^/swap.img" /etc/fstab; systemctl is-enabled zramswap dev-sdz3.swap')).toBe(
      '1\nenabled\ngenerated',
    );
  });

  test('are all taken back by a reset', async () => {
    await choose(ALL);
    await well(place, 'reset', '--cluster', NAME, '--yes');
    expect(differences(before, await snapshot(lab, HOST, false))).toEqual([]);
    expect(await look('hostname; cat /etc/hostname')).toBe('box.example.net\nbox.example.net');
    expect(await look('ip -6 -o addr show dev eth0')).toContain('fe80::');
    expect(await look('ls -d /var/lib/landfall || :')).toBe('');
  });
});
