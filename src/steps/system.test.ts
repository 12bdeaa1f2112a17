import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allSteps, HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import type { Host } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { sh } from '../shell/sh.ts';
import { ACTS } from './places.ts';
import type { Step } from './step.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

/** A program that stands in for one of the machine's: its text is shell. */
function stands(program: string, text: string): void {
  put(`bin/${program}`, `#!/bin/sh\n${text}\n`, 0o755);
}

/** A program that prints this, whatever it is asked. */
const says = (program: string, text: string): void => stands(program, `cat <<'END'\n${text}\nEND`);

const at = (host: Partial<Host>, facts: Partial<Facts> = {}) =>
  scene({ ...HARBOUR, host: { ...HARBOUR.host, ...host } }, facts);

const of = (id: string, host: Partial<Host> = {}, facts: Partial<Facts> = {}): Step =>
  inRoot(root, step(id, at(host, facts)));

const look = (id: string, host: Partial<Host> = {}, facts: Partial<Facts> = {}): string =>
  read(of(id, host, facts), join(root, 'bin'));

describe('the upgrade of all packages', () => {
  const DAY = 86_400;
  const age = (seconds: number): void =>
    put(ACTS.upgraded.slice(1), `${Math.floor(Date.now() / 1000) - seconds}\n`);

  it('is done once, however the archive moves', () => {
    says(
      'apt-get',
      'Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64])\nInst new (1 Debian:12 [all])\nConf libc6 (2.36-10 x)',
    );
    expect(look('system/upgraded')).toBe('not yet; packages that wait, as far as apt has heard: 2');
    age(1000 * DAY);
    expect(look('system/upgraded')).toBe(of('system/upgraded').want);
    put(ACTS.upgraded.slice(1), '');
    expect(look('system/upgraded')).toMatch(/^not yet; /);
  });

  it.each([
    [0, true],
    [29 * DAY, true],
    [30 * DAY, false],
    [31 * DAY, false],
    // The clock was set back since.
    [-400 * DAY, true],
  ])('is young enough %i seconds after the last: %s', (seconds, right) => {
    age(seconds);
    const said = look('system/upgraded', { upgrade: '30d' });
    if (right) expect(said).toBe('upgraded in the last 30 days');
    else expect(said).toMatch(/^last on 20\d\d-\d\d-\d\d$/);
  });

  it('is noted only when nothing waits any more', () => {
    says('apt-get', 'Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64])');
    mkdirSync(join(root, dirname(ACTS.upgraded)), { recursive: true });
    const failed = runPiece(of('system/upgraded'), 'make', join(root, 'bin'));
    expect([failed.status, failed.stdout]).toEqual([
      1,
      expect.stringContaining('still to be upgraded:\nlibc6 2.36-10'),
    ]);
    expect(existsSync(join(root, ACTS.upgraded))).toBe(false);
    says('apt-get', '');
    expect(runPiece(of('system/upgraded'), 'make', join(root, 'bin')).status).toBe(0);
    expect(look('system/upgraded')).toBe('upgraded');
  });

  it('is left out when it is not wanted', () => {
    expect(allSteps(at({ upgrade: 'never' })).map((s) => s.id)).not.toContain('system/upgraded');
  });
});

describe('packages a node has no use for', () => {
  /** What dpkg knows: a line each package, `NAME [SECTION] [DEPENDS]`. */
  const installed = (
    ...packages: readonly (readonly [name: string, depends?: string, section?: string])[]
  ): void =>
    says(
      'dpkg-query',
      packages
        .map(([name, depends = '', section = 'admin']) => `installed\t${section}\t${name}\t, ${depends}`)
        .join('\n'),
    );

  it('are those that are there', () => {
    installed(['bash', 'libc6 (>= 2.36)'], ['udisks2', 'dbus, libc6'], ['multipath-tools', 'kpartx']);
    expect(look('system/purged')).toBe('multipath-tools\nudisks2');
    installed(['bash', 'udisks2-doc'], ['libudisks2-0', '']);
    expect(look('system/purged')).toBe('none');
  });

  it('stay when another package needs them, and so does what they need themselves', () => {
    installed(
      ['polkitd'],
      ['packagekit', 'polkitd'],
      ['software-properties-common', 'python3, packagekit (>= 1)'],
      ['udisks2'],
    );
    expect(look('system/purged')).toBe('udisks2');
    installed(['polkitd'], ['packagekit', 'policykit-1 | polkitd']);
    expect(look('system/purged')).toBe('packagekit\npolkitd');
    installed(['polkitd'], ['modemmanager', 'init, libc6|polkitd:any (>= 0.105)']);
    expect(look('system/purged')).toBe('none');
  });

  it('do not stay for a list of packages, which goes along unless it is needed itself', () => {
    installed(['multipath-tools'], ['ubuntu-server', 'multipath-tools, vim', 'metapackages']);
    expect(look('system/purged')).toBe('multipath-tools\nubuntu-server');
    installed(
      ['multipath-tools'],
      ['ubuntu-server', 'multipath-tools, vim', 'universe/metapackages'],
      ['mine', 'ubuntu-server'],
    );
    expect(look('system/purged')).toBe('none');
    installed(['polkitd'], ['a-desktop', 'polkitd', 'metapackages'], ['needs-it', 'polkitd']);
    expect(look('system/purged')).toBe('none');
  });

  it('stay while a disk is reached through them', () => {
    installed(['multipath-tools'], ['udisks2']);
    const one = of('system/purged');
    mkdirSync(join(root, 'sys/block/dm-0/dm'), { recursive: true });
    writeFileSync(join(root, 'sys/block/dm-0/dm/uuid'), 'mpath-3600508b400105e21\n');
    const text = one.read.text.replaceAll('/sys/block', `${root}/sys/block`);
    expect(read({ ...one, read: { ...sh``, text } }, join(root, 'bin'))).toBe('udisks2');
    writeFileSync(join(root, 'sys/block/dm-0/dm/uuid'), 'LVM-abc\n');
    expect(read({ ...one, read: { ...sh``, text } }, join(root, 'bin'))).toBe('multipath-tools\nudisks2');
  });

  it('are not looked for when nothing is listed', () => {
    expect(allSteps(at({ purge: [] })).map((s) => s.id)).not.toContain('system/purged');
  });
});

describe('kernels', () => {
  it.each([
    [
      '6.1.0-28-amd64',
      'installed linux-image-6.1.0-28-amd64\ninstalled linux-image-amd64',
      'no mainline kernel',
    ],
    [
      '6.8.0-45-generic',
      'installed linux-image-6.8.0-45-generic\ninstalled linux-headers-6.8.0-45',
      'no mainline kernel',
    ],
    ['6.12.43+deb12-amd64', 'installed linux-image-6.12.43+deb12-amd64', 'no mainline kernel'],
    ['6.5.3-060503-generic', '', 'mainline: linux-image-6.5.3-060503-generic'],
    [
      '5.15.0-79-generic',
      'half-configured linux-headers-6.5.3-060503-generic\nconfig-files linux-image-unsigned-6.4.0-060400-generic\ninstalled linux-modules-6.5.3-060503-generic',
      'mainline: linux-headers-6.5.3-060503-generic linux-modules-6.5.3-060503-generic',
    ],
    [
      '5.15.0-79-generic',
      'unpacked linux-image-unsigned-6.6.0-060600rc1-generic',
      'mainline: linux-image-unsigned-6.6.0-060600rc1-generic',
    ],
  ])('%s with %j: %s', (running, packages, said) => {
    says('uname', running);
    says('dpkg-query', packages);
    expect(look('preflight/mainline-kernel')).toBe(said);
  });

  it('are taken newer from where the distribution keeps them, in the flavour that is there', () => {
    const newer = (facts: Partial<Facts>) => {
      const { lab: _, ...rest } = { ...scene().facts, ...facts };
      return { ...at({ kernel: 'newer' }), facts: rest };
    };
    const ids = (facts: Partial<Facts>) =>
      allSteps(newer(facts))
        .map((s) => s.id)
        .filter((id) => /^system\/(kernel|backports)$/.test(id));
    expect(ids({ os: 'debian' })).toEqual(['system/backports', 'system/kernel']);
    expect(ids({ os: 'ubuntu', osVersion: '24.04' })).toEqual(['system/kernel']);
    expect(allSteps(at({ kernel: 'newer' }, { lab: [] })).map((s) => s.id)).not.toContain('system/kernel');

    const on = (facts: Partial<Facts>) =>
      read(inRoot(root, step('system/kernel', newer(facts))), join(root, 'bin'));
    stands(
      'dpkg-query',
      'case "$*" in *linux-image-cloud-*) exit 1 ;; *) echo "installed 6.1.106-3" ;; esac',
    );
    expect(on({ os: 'debian' })).toBe('linux-image-amd64 is not from bookworm-backports');
    stands(
      'dpkg-query',
      'case "$*" in *db:Status-Status*Version*linux-image-cloud-*) echo "installed 6.12.43-1~bpo12+1" ;; *) echo installed ;; esac',
    );
    expect(on({ os: 'debian' })).toBe('installed');
    stands('dpkg-query', 'case "$*" in *hwe*) exit 1 ;; *) echo installed ;; esac');
    expect(on({ os: 'ubuntu', osVersion: '24.04' })).toBe('linux-virtual-hwe-24.04 is not installed');
    stands('dpkg-query', 'case "$*" in *linux-generic-hwe-24.04) echo installed ;; *) exit 1 ;; esac');
    expect(on({ os: 'ubuntu', osVersion: '24.04' })).toBe('installed');
  });
});

describe('a reboot', () => {
  const nothing = 'nothing waits for a reboot';
  /** A kernel that runs, what the kernel says of how it was built, and the packages that are there. */
  const kernel = (running: string, built: string, packages: string): void => {
    stands('uname', `case $1 in -r) echo '${running}' ;; *) echo '${built}' ;; esac`);
    says('dpkg-query', packages);
  };
  const needed = (): string => look('system/rebooted', { reboot: 'when-needed' });

  it.each([
    ['6.18.33', '#1 SMP', '', nothing],
    [
      '6.1.0-28-amd64',
      '#1 SMP Debian 6.1.119-1 (2024-11-22)',
      'installed linux-image-6.1.0-28-amd64 6.1.119-1\ninstalled linux-image-6.1.0-9-amd64 6.1.27-1',
      nothing,
    ],
    [
      '6.1.0-9-amd64',
      '#1 SMP Debian 6.1.27-1 (2023-05-08)',
      'installed linux-image-6.1.0-9-amd64 6.1.27-1\ninstalled linux-image-6.1.0-28-amd64 6.1.119-1\ninstalled linux-image-6.1.0-30-cloud-amd64 6.1.124-1\ninstalled linux-image-6.1.0-31-amd64-dbg 6.1.128-1\nconfig-files linux-image-6.1.0-40-amd64 6.1.150-1',
      '6.1.0-9-amd64 runs, 6.1.0-28-amd64 is installed',
    ],
    [
      '6.1.0-28-amd64',
      '#1 SMP Debian 6.1.119-1 (2024-11-22)',
      'installed linux-image-6.1.0-28-amd64 6.1.120-1',
      '6.1.0-28-amd64 6.1.119-1 runs, 6.1.120-1 is installed',
    ],
    [
      '6.8.0-45-generic',
      '#45-Ubuntu SMP',
      'installed linux-image-6.8.0-45-generic 6.8.0-45.45\ninstalled linux-image-unsigned-6.8.0-47-generic 6.8.0-47.47',
      '6.8.0-45-generic runs, 6.8.0-47-generic is installed',
    ],
    [
      '6.1.0-28-amd64',
      '#1 SMP',
      'installed linux-image-6.1.0-28-amd64 1\ninstalled linux-image-6.12.43+deb12-amd64 6.12.43-1~bpo12+1',
      '6.1.0-28-amd64 runs, 6.12.43+deb12-amd64 is installed',
    ],
    [
      '6.12.43+deb12-cloud-amd64',
      '#1 SMP',
      'installed linux-image-6.12.48+deb12-cloud-amd64 2\ninstalled linux-image-6.12.60+deb12-amd64 2',
      '6.12.43+deb12-cloud-amd64 runs, 6.12.48+deb12-cloud-amd64 is installed',
    ],
  ])('of %s (%s): %s', (running, built, packages, said) => {
    kernel(running, built, packages);
    expect(needed()).toBe(said);
  });

  it('is waited for where packages ask for it, or needrestart says so of a kernel we do not know', () => {
    kernel('6.18.33', '#1 SMP', '');
    put('run/reboot-required', '*** System restart required ***\n');
    expect(needed()).toBe('asked for by a package');
    put('run/reboot-required.pkgs', 'libc6\nlinux-base\nlibc6\n');
    expect(needed()).toBe('asked for by libc6 linux-base');
    rmSync(join(root, 'run/reboot-required'));
    for (const [status, said] of [
      ['0', nothing],
      ['1', nothing],
      ['2', 'needrestart says that another kernel is installed'],
      ['3', 'needrestart says that another kernel is installed'],
    ] as const) {
      says('needrestart', `NEEDRESTART-VER: 3.6\nNEEDRESTART-KSTA: ${status}`);
      expect([status, needed()]).toEqual([status, said]);
    }
  });

  it('is for hosts that have not joined yet, for all, or for none', () => {
    kernel('6.18.33', '#1 SMP', '');
    put('run/reboot-required', '');
    expect(look('system/rebooted')).toBe('asked for by a package');
    put('etc/kubernetes/kubelet.conf', '');
    expect(look('system/rebooted')).toBe(of('system/rebooted').want);
    expect(needed()).toBe('asked for by a package');
    expect(allSteps(at({ reboot: 'never' })).map((s) => s.id)).not.toContain('system/rebooted');
  });

  it('is tried once: a host that comes back as it went is told of', () => {
    kernel('6.18.33', '#1 SMP', '');
    put('run/reboot-required', '');
    put('proc/sys/kernel/random/boot_id', 'first\n');
    mkdirSync(join(root, dirname(ACTS.rebooted)), { recursive: true });
    const called = join(root, 'called');
    stands('systemctl', `echo "$*" >>${called}`);
    stands('sleep', ':');
    const make = () => runPiece(of('system/rebooted', { reboot: 'when-needed' }), 'make', join(root, 'bin'));
    // Asked again while the host is still going down: the same boot.
    for (let i = 0; i < 2; i++) expect(make().stdout).toContain('rebooting: asked for by a package');
    expect(readFileSync(called, 'utf8')).toBe('reboot\nreboot\n');
    put('proc/sys/kernel/random/boot_id', 'second\n');
    const again = make();
    expect([again.status, again.stdout]).toEqual([
      1,
      'rebooted a moment ago, and still: asked for by a package\n',
    ]);
    expect(readFileSync(called, 'utf8')).toBe('reboot\nreboot\n');
    // The next apply is somebody's decision again; so is another reason, and what happened long ago.
    expect(make().stdout).toContain('rebooting');
    put('proc/sys/kernel/random/boot_id', 'third\n');
    put('run/reboot-required.pkgs', 'libc6\n');
    expect(make().stdout).toContain('rebooting: asked for by libc6');
    put('proc/sys/kernel/random/boot_id', 'fourth\n');
    const [, boot, why] = readFileSync(join(root, ACTS.rebooted), 'utf8').split('\n');
    put(ACTS.rebooted.slice(1), `${Math.floor(Date.now() / 1000) - 3600}\n${boot}\n${why}\n`);
    expect(make().stdout).toContain('rebooting');
  });
});
