import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { left } from './kinds/left.ts';
import { lineOut } from './kinds/line.ts';
import { sysctl } from './kinds/sysctl.ts';
import { netplanBack, netplanChanged, netplanStep } from './netplan.ts';
import type { Scene } from './phase.ts';
import { FILES, NOTES } from './places.ts';
import type { Step } from './step.ts';

const KEYS = ['net.ipv6.conf.all.disable_ipv6', 'net.ipv6.conf.default.disable_ipv6'] as const;
const ARGUMENT = 'ipv6.disable=1';
/** The name of the drop-in beside each file of systemd-networkd. */
const DROP_IN = 'landfall.conf';

/** IPv6 as cluster.yaml wants it. */
export function ipv6Steps({ cluster }: Pick<Scene, 'cluster'>): readonly Step[] {
  const [all, byDefault] = KEYS;
  switch (cluster.host.ipv6) {
    case 'keep':
      return [
        left(
          {
            id: 'ipv6/left',
            title: 'Leave IPv6 as the host has it',
            why: 'A cluster of IPv4 neither needs IPv6 nor minds it, and programs that listen on [::] fail without. Had Landfall turned it off before, it is given back; gone from the command line of the kernel, it returns with the next boot.',
            see: ['https://docs.kernel.org/networking/ipv6.html'],
          },
          sh`grep -qs ${PATTERN} ${FILES.sysctls} || [ -e ${FILES.grub} ] || ${netplanChanged} || ls /etc/systemd/network/*.network.d/${DROP_IN} >/dev/null 2>&1`,
          everythingBack,
        ),
      ];
    case 'disabled':
      return [
        netplanStep(),
        networkd(),
        left(
          {
            id: 'ipv6/kernel-argument',
            title: "Leave the kernel's command line alone",
            why: 'IPv6 is turned off by settings, which can be taken back while the host runs. An argument of an earlier choice would outlive them.',
          },
          sh`[ -e ${FILES.grub} ]`,
          grubBack,
        ),
        sysctl(
          {
            id: 'ipv6/all',
            title: 'Turn IPv6 off on the interfaces there are',
            why: 'So that no name leads to an IPv6 address where nobody expects one. It can be turned on again while the host runs.',
            see: ['https://docs.kernel.org/networking/ip-sysctl.html'],
          },
          { key: all, value: '1' },
        ),
        sysctl(
          {
            id: 'ipv6/default',
            title: 'Turn IPv6 off on the interfaces to come',
            why: 'Interfaces come and go while a cluster runs, and each begins with these settings.',
            see: ['https://docs.kernel.org/networking/ip-sysctl.html'],
          },
          { key: byDefault, value: '1' },
        ),
        addresses(),
      ];
    case 'absent':
      return [netplanStep(), kernelArgument(), addresses()];
  }
}

const PATTERN = String.raw`^net\.ipv6\.conf\.[a-z]*\.disable_ipv6 =`;

const grubBack = sh`
  if [ -e ${FILES.grub} ]; then
    ${putBack(FILES.grub)}
    if command -v update-grub >/dev/null 2>&1; then update-grub; fi
  fi`;

const networkdBack = sh`
  for path in /etc/systemd/network/*.network.d/${DROP_IN}; do
    if [ -e "$path" ]; then rm -f "$path"; rmdir "$(dirname "$path")" 2>/dev/null || :; fi
  done
  if systemctl -q is-active systemd-networkd; then networkctl reload || :; fi`;

const everythingBack = sh`
  ${lineOut(FILES.sysctls, PATTERN)}
  ${grubBack}
  ${netplanBack}
  ${networkdBack}
  for key in ${KEYS}; do
    old=$(sed -n "s/^$key = //p" ${NOTES.sysctls} 2>/dev/null) || :
    if [ -n "$old" ]; then sysctl -q -e -w "$key=$old" || :; fi
  done`;

/** systemd-networkd turns IPv6 on again on every interface it is to give an address of that kind, and by default it is. */
function networkd(): Step {
  const open = sh`
    if systemctl -q is-active systemd-networkd; then
      for path in /etc/systemd/network/*.network /run/systemd/network/*.network; do
        if [ -e "$path" ] && [ ! -e "/etc/systemd/network/$(basename "$path").d/"${DROP_IN} ]; then basename "$path"; fi
      done | sort -u
    fi`;
  return {
    id: 'ipv6/networkd',
    title: 'Keep systemd-networkd from turning IPv6 on again',
    why: 'On every interface it is to give an IPv6 address, and without being told it gives each a link-local one, systemd-networkd turns IPv6 on, whatever the kernel was told before.',
    see: ['man 5 systemd.network'],
    read: sh`
      {
        ${open}
      } | grep . || echo 'asks for none'`,
    want: 'asks for none',
    make: sh`
      {
        ${open}
      } | while read -r name; do
        mkdir -p "/etc/systemd/network/$name.d"
        printf '%s\n' '# Written by Landfall.' '[Network]' 'LinkLocalAddressing=no' 'IPv6AcceptRA=no' >"/etc/systemd/network/$name.d/"${DROP_IN}
      done
      networkctl reload`,
    undo: networkdBack,
    clues: DISK_CLUES,
  };
}

function kernelArgument(): Step {
  const path = FILES.grub;
  return {
    id: 'ipv6/kernel-argument',
    title: 'Boot the kernel without IPv6',
    why: `With ${ARGUMENT} on its command line the kernel has no IPv6 at all, and no program can turn it on. It holds from the next boot; until then the step below keeps addresses away.`,
    see: ['https://docs.kernel.org/networking/ipv6.html', 'man 8 update-grub'],
    read: sh`
      if [ ! -e /boot/grub/grub.cfg ]; then echo 'no GRUB on this host'
      else
        awk -v argument=${ARGUMENT} '
          /^[ \t]*linux(efi|16)?[ \t]/ { all++; if (index($0 " ", " " argument " ")) there++ }
          END { if (all && all == there) print "in every entry of GRUB"; else print "in " there + 0 " of " all + 0 " entries of GRUB" }' /boot/grub/grub.cfg
      fi`,
    want: 'in every entry of GRUB',
    make: sh`
      if ! command -v update-grub >/dev/null 2>&1; then echo 'update-grub is not there: another boot loader starts this host'; exit 1; fi
      mkdir -p ${folder(path)}
      printf '%s\n' '# Written by Landfall.' 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX '${ARGUMENT}'"' >${draft(path)}
      ${inPlace(path)}
      ${lineOut(FILES.sysctls, PATTERN)}
      update-grub`,
    undo: grubBack,
    writes: [path],
    clues: [
      {
        match: /another boot loader|no GRUB on this host/,
        means: 'only GRUB is known here, and this host is started by something else',
        try: 'host: { ipv6: disabled } in cluster.yaml does it by kernel settings; or put ipv6.disable=1 on the command line the way your boot loader wants it',
        diagnosis: 'H02',
      },
      ...DISK_CLUES,
    ],
  };
}

function addresses(): Step {
  return {
    id: 'ipv6/addresses',
    title: 'Have no IPv6 address',
    why: 'What the files say is one thing, what interfaces carry another: whoever manages the network may have turned IPv6 on again on one of them.',
    see: ['man 8 ip-address'],
    within: 5,
    awaits: 'the addresses to go',
    read: sh`ip -6 -o addr show 2>/dev/null | awk '{ print $2 }' | sort -u | sed 's/^/IPv6 on /' | grep . || echo none`,
    want: 'none',
    make: sh`
      for path in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
        if [ -e "$path" ]; then echo 1 >"$path"; fi
      done`,
    undo: everythingBack,
    clues: [
      {
        match: /^IPv6 on /,
        means:
          'another program turns IPv6 on again on this interface: a network manager, or a script of yours',
        try: 'turn IPv6 off where that interface is configured (NetworkManager: ipv6.method disabled; ifupdown: take the inet6 stanza out)',
        diagnosis: 'H02',
      },
    ],
  };
}
