import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/spec.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  type Ended,
  events,
  freshLab,
  landfall,
  put,
  start,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';
import { differences, snapshot, type Snapshot } from './snapshot.ts';

/*
 * A host's own packages and its kernel, on a host that has a past: packages that wait for an upgrade, held ones, some a node
 * has no use for, configuration changed by hand. The tests run in this order.
 */

const NAME = 'test-system';
const HOST = 'cp-0';

let lab: Lab;
let place: Desk;
let before: Snapshot;

const onHost = (script: string): Promise<string> => wellOnHost(lab, HOST, `${HANDS}\n${script}`);

const made = (ended: Ended): readonly string[] =>
  events(ended).flatMap((e) => (e.is === 'step' && e.state === 'made' ? [e.step as string] : []));

/** A repository of one's own, which apt takes for Debian's security updates. */
const HANDS = String.raw`
mkdir -p /root/repository
# package NAME VERSION [DEPENDS]: with one configuration file.
package() {
  at=$(mktemp -d); mkdir -p "$at/DEBIAN" "$at/etc"; chmod 0755 "$at"; echo "of the package" >"$at/etc/$1.conf"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nDepends: %s\nMaintainer: Nobody <nobody@localhost>\nDescription: made by hand\n' "$1" "$2" "$3" >"$at/DEBIAN/control"
  echo "/etc/$1.conf" >"$at/DEBIAN/conffiles"
  dpkg-deb -b "$at" "/root/repository/$1_$2.deb" >/dev/null; rm -rf "$at"
}
publish() {
  cd /root/repository
  for deb in *.deb; do dpkg-deb -f "$deb"; printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -c 1-64)"; done >Packages
  printf 'Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security\nDate: %s\nSHA256:\n %s %s Packages\n' \
    "$(date -Ru)" "$(sha256sum Packages | cut -c 1-64)" "$(stat -c %s Packages)" >Release
  cd /
  apt-get -qq update 2>/dev/null
}
version() { dpkg-query -W -f '${'${db:Status-Status} ${Version}'}\n' "$1" 2>/dev/null || echo none; }
`;

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab));
  await onHost(`
    package only-for-it 1 libc6; package udisks2 1 only-for-it; package waits 1 libc6; package held 1 libc6
    package polkitd 999 libc6; package needs-polkitd 1 polkitd
    echo 'deb [trusted=yes] file:/root/repository ./' >/etc/apt/sources.list.d/by-hand.list
    publish
    apt-get -qq -y --no-install-recommends install multipath-tools udisks2 waits held needs-polkitd >/dev/null 2>&1
    apt-mark -q hold held >/dev/null
    echo 'by hand' >/etc/waits.conf; echo 'by hand' >/etc/udisks2.conf; echo '# by hand' >/etc/multipath.conf`);
  before = await snapshot(lab, HOST, false);
  await onHost('package waits 2 libc6; package held 2 libc6; publish');
});

afterAll(() => cleared(NAME, place));

test('packages are upgraded, held ones and what was written into their files are left alone, and what is of no use goes', async () => {
  const plan = (await well(place, 'plan')).stdout;
  expect(plan).toMatch(/system\/purged[^]*- multipath-tools\n[^]*- udisks2\n[^]*\+ none/);
  expect(plan).not.toContain('- polkitd');
  expect(plan).toContain('packages that wait, as far as apt has heard: 1');
  await well(place, 'apply', '--yes', '--no-proof');
  expect(
    await onHost(
      'for p in waits held udisks2 only-for-it multipath-tools kpartx polkitd; do echo "$p $(version $p)"; done; cat /etc/waits.conf',
    ),
  ).toBe(
    'waits installed 2\nheld installed 1\nudisks2 none\nonly-for-it none\nmultipath-tools none\nkpartx none\npolkitd installed 999\nby hand\n',
  );
});

test('a plan stays empty though the archive moves on', async () => {
  await onHost('package waits 3 libc6; publish');
  expect((await landfall(place, 'plan', '--exit-code')).status).toBe(0);
});

test('words complete themselves in a shell that is no login, those of Kubernetes with the program that is installed', async () => {
  const said = await onHost(
    'for p in kubectl kubeadm crictl; do bash -ic "_completion_loader $p; complete -p $p" 2>/dev/null; done; bash -ic "_completion_loader systemctl; complete -p systemctl" 2>/dev/null',
  );
  expect(
    said
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1)),
  ).toEqual(['kubectl', 'kubeadm', 'crictl', 'systemctl']);
});

test('unattended-upgrades installs what is a security update, and touches nothing of Kubernetes, held or not', async () => {
  await onHost(
    'package cri-tools 999 libc6; package kubelet 999 libc6; publish; apt-mark -q unhold cri-tools >/dev/null',
  );
  expect(await onHost('apt-get -s upgrade | grep -e "^Inst cri-tools " | cut -d " " -f 1,2')).toBe(
    'Inst cri-tools\n',
  );
  expect(
    await onHost(
      'unattended-upgrade -v >/dev/null 2>&1; for p in waits held cri-tools kubelet; do version $p | sed "s/-.*//"; done',
    ),
  ).toMatch(/^installed 3\ninstalled 1\ninstalled 1\.36\.\d+\ninstalled 1\.36\.\d+\n$/);
  await onHost(
    'rm /root/repository/cri-tools_999.deb /root/repository/kubelet_999.deb; publish; apt-mark -q hold cri-tools >/dev/null',
  );
  expect((await landfall(place, 'plan', '--exit-code')).status).toBe(0);
});

test('apt’s daily work stands aside while a run has the host, and only then', async () => {
  const result = 'systemctl start apt-daily.service; systemctl show -p Result --value apt-daily.service';
  expect(await onHost(`systemctl reset-failed apt-daily.service; ${result}`)).toBe('success\n');
  expect(
    await onHost(
      `mkdir -p /run/landfall; printf '%s\n' run $$ >/run/landfall/holder; ${result}; rm /run/landfall/holder`,
    ),
  ).toBe('exec-condition\n');
  expect(await onHost(`mkdir -p /run/landfall; exec 9>>/run/landfall/work; flock 9; ${result}`)).toBe(
    'exec-condition\n',
  );
  expect(await onHost(result)).toBe('success\n');
});

test('somebody else who installs packages is named and waited for', async () => {
  await onHost(`
    rm /var/lib/landfall/upgraded
    cat >/root/held.pl <<'END'
use Fcntl; $0 = 'an-installer';
for my $path (@ARGV) { open(my $f, '>>', $path) or die; push @f, $f; my $l = pack('s s l! l! i', F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die }
sleep 600;
END
    systemd-run -q --unit=an-installer --service-type=exec perl /root/held.pl /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock`);
  const { child, ended } = start(place, ['apply', '--yes', '--json', '--no-proof']);
  let said = '';
  await new Promise<void>((seen) => {
    child.stdout?.on('data', (chunk: string) => {
      said += chunk;
      if (said.includes('which holds /var/lib/')) seen();
    });
    child.on('close', () => seen());
  });
  expect(said).toMatch(/waiting for process \d+ \(an-installer\), which holds \/var\/lib\//);
  await onHost('systemctl stop an-installer');
  const end = await ended;
  expect([end.status, made(end)]).toEqual([0, ['system/upgraded']]);
});

test('a member is not rebooted unless that is wanted; then the run follows it through, once', async () => {
  const boot = (): Promise<string> => onHost('cat /proc/sys/kernel/random/boot_id');
  await onHost('touch /run/reboot-required; echo libc6 >/run/reboot-required.pkgs');
  expect((await landfall(place, 'plan', '--exit-code')).status).toBe(0);
  put(place, 'cluster.yaml', clusterYaml(lab, 'host: { reboot: when-needed }\n'));
  const plan = (await well(place, 'plan')).stdout;
  expect(plan).toContain('asked for by libc6');
  expect(plan).toMatch(/Disturbs: .*system\/rebooted stops what runs on the node/);
  const first = await boot();
  const end = await landfall(place, 'apply', '--yes', '--json', '--no-proof');
  // The file says something new, so the cluster is told what it is run by now.
  expect([end.status, made(end)]).toEqual([0, ['system/rebooted', 'record/applied']]);
  const second = await boot();
  expect(second).not.toBe(first);
  expect((await landfall(place, 'plan', '--exit-code')).status).toBe(0);
  expect(await boot()).toBe(second);
});

test('a host that comes back as it went is told of, and not rebooted over and over', async () => {
  await onHost(`
    printf '[Unit]\\nDefaultDependencies=no\\nAfter=local-fs.target\\n[Service]\\nType=oneshot\\nExecStart=/bin/sh -c "echo >>/root/boots; touch /run/reboot-required"\\n[Install]\\nWantedBy=sysinit.target\\n' >/etc/systemd/system/again.service
    systemctl -q enable again; touch /run/reboot-required; : >/root/boots`);
  const end = await landfall(place, 'apply', '--yes', '--no-proof');
  expect([end.status, end.stderr]).toEqual([
    1,
    expect.stringMatching(/error\[system\/rebooted\][^]*boot loader chooses another kernel/),
  ]);
  expect(await onHost('wc -l </root/boots')).toBe('1\n');
  await onHost(
    'systemctl -q disable again; rm /etc/systemd/system/again.service /root/boots /run/reboot-required; systemctl daemon-reload',
  );
  // The run ended when the host was back; what it carries may still be coming up.
  await eventually('the node to be itself again', async () =>
    (await landfall(place, 'plan', '--exit-code')).status === 0 ? true : undefined,
  );
});

test('reset puts back what was purged, with its files as they were, and leaves only the upgrade', async () => {
  const end = await landfall(place, 'reset', '--cluster', NAME, '--yes');
  expect(end.stdout + end.stderr).not.toMatch(/^error/m);
  expect(end.status).toBe(0);
  const left = differences(before, await snapshot(lab, HOST, false));
  expect(
    left.filter((line) => !/\t(waits|\/root\/(repository\/.*|held\.pl)|\/var\/lib\/dpkg\/.*)\t/.test(line)),
  ).toEqual([]);
});
