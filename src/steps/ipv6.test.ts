import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { allSteps, HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import type { Ipv6 } from '../model/host-settings.ts';
import type { Step } from './step.ts';

const { path: root, bin, put } = freshRoot('#!/bin/sh\nexit 3\n');
const at = (ipv6: Ipv6) => scene({ ...HARBOUR, host: { ...HARBOUR.host, ipv6 } });
/** A step in the root, that of the boot loader with it. */
function rooted(id: string, ipv6: Ipv6): Step {
  const one = inRoot(root(), step(id, at(ipv6)));
  return {
    ...one,
    read: { ...one.read, text: one.read.text.replaceAll(/(?<![\w.])\/boot\//g, `${root()}/boot/`) },
  };
}

/** As grub-mkconfig reads its files, and with the drop-in of Ubuntu's cloud images, which sets the other variable anew. */
function grub(): void {
  put('etc/default/grub', 'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\nGRUB_CMDLINE_LINUX=""\n');
  put('etc/default/grub.d/50-cloudimg-settings.cfg', 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n');
  put(
    'bin/update-grub',
    `#!/bin/sh
. ${root()}/etc/default/grub
for x in ${root()}/etc/default/grub.d/*.cfg; do . "$x"; done
mkdir -p ${root()}/boot/grub
{
  printf '\\tlinux\\t/boot/vmlinuz-6.8.0 root=UUID=1 ro %s %s\\n' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"
  printf '\\t\\tlinux\\t/boot/vmlinuz-6.8.0 root=UUID=1 ro recovery %s\\n' "$GRUB_CMDLINE_LINUX"
} >${root()}/boot/grub/grub.cfg
`,
    0o755,
  );
}

describe('the command line of the kernel', () => {
  it('has the argument in every entry, whatever a cloud image says, and loses it again', () => {
    grub();
    const one = rooted('ipv6/kernel-argument', 'absent');
    expect(read(one)).toBe('no GRUB on this host');
    put('boot/grub/grub.cfg', '\tlinux /vmlinuz ro ipv6.disable=10\n\tlinux /vmlinuz ro ipv6.disable=1\n');
    expect(read(one)).toBe('in 1 of 2 entries of GRUB');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'make', bin())).toMatchObject({ status: 0 });
    expect(read(one)).toBe('in every entry of GRUB');
    expect(readFileSync(join(root(), 'boot/grub/grub.cfg'), 'utf8')).toMatch(
      / ipv6\.disable=1 console=ttyS0$/m,
    );
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'undo', bin()).status).toBe(0);
    expect(read(one)).toBe('in 0 of 2 entries of GRUB');
  });

  it('is not touched where another boot loader starts the host', () => {
    const one = rooted('ipv6/kernel-argument', 'absent');
    expect(runPiece(one, 'make', bin()).status).not.toBe(0);
    expect(existsSync(join(root(), 'etc/default/grub.d'))).toBe(false);
  });

  it('is given back when the choice becomes another', () => {
    grub();
    runPiece(rooted('ipv6/kernel-argument', 'absent'), 'make', bin());
    for (const [id, choice] of [
      ['ipv6/kernel-argument', 'disabled'],
      ['ipv6/left', 'keep'],
    ] as const) {
      runPiece(rooted('ipv6/kernel-argument', 'absent'), 'make', bin());
      const one = rooted(id, choice);
      expect([id, read(one)]).toEqual([id, 'changed by Landfall']);
      expect(runPiece(one, 'make', bin()).status).toBe(0);
      expect(read(one)).toBe('as the host has it');
    }
  });
});

describe('addresses', () => {
  it('are named by their interface', () => {
    const says = (text: string) => put('bin/ip', `#!/bin/sh\nprintf '${text}'\n`, 0o755);
    says('');
    expect(read(step('ipv6/addresses', at('disabled')), bin())).toBe('none');
    says(
      '1: lo    inet6 ::1/128 scope host\\n2: eth0    inet6 fe80::1/64 scope link\\n2: eth0    inet6 2a01::1/64 scope global\\n',
    );
    expect(read(step('ipv6/addresses', at('absent')), bin())).toBe('IPv6 on eth0\nIPv6 on lo');
  });
});

describe('systemd-networkd', () => {
  it('is told beside each of its files, where it runs', () => {
    const one = inRoot(root(), step('ipv6/networkd', at('disabled')));
    put('run/systemd/network/10-netplan-eth0.network', '[Match]\nName=eth0\n');
    expect(read(one, bin())).toBe('asks for none');
    put('bin/systemctl', '#!/bin/sh\n', 0o755);
    put('bin/networkctl', '#!/bin/sh\n', 0o755);
    expect(read(one, bin())).toBe('10-netplan-eth0.network');
    expect(runPiece(one, 'make', bin()).status).toBe(0);
    expect(read(one, bin())).toBe('asks for none');
    const dropIn = join(root(), 'etc/systemd/network/10-netplan-eth0.network.d/landfall.conf');
    expect(readFileSync(dropIn, 'utf8')).toContain('LinkLocalAddressing=no');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'undo', bin()).status).toBe(0);
    expect(existsSync(dirname(dropIn))).toBe(false);
  });
});

describe('the choices', () => {
  it('leave a host alone that nothing was done to', () => {
    const one = inRoot(root(), step('ipv6/left', at('keep')));
    expect(read(one)).toBe('as the host has it');
    put('etc/sysctl.d/99-zz-landfall.conf', 'net.ipv4.ip_forward = 1\n');
    expect(read(one)).toBe('as the host has it');
    put('etc/sysctl.d/99-zz-landfall.conf', 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.disable_ipv6 = 1\n');
    expect(read(one)).toBe('changed by Landfall');
  });

  it('each have the steps they need', () => {
    const ids = (ipv6: Ipv6) =>
      allSteps(at(ipv6))
        .map((s) => s.id)
        .filter((id) => id.startsWith('ipv6/'))
        .map((id) => id.slice('ipv6/'.length));
    expect(ids('keep')).toEqual(['left']);
    expect(ids('disabled')).toEqual([
      'netplan',
      'networkd',
      'kernel-argument',
      'all',
      'default',
      'addresses',
    ]);
    expect(ids('absent')).toEqual(['netplan', 'kernel-argument', 'addresses']);
  });
});
