import type { Facts } from '../model/facts.ts';
import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { bringBack, setAside } from './kinds/aside.ts';
import { check } from './kinds/check.ts';
import { left } from './kinds/left.ts';
import { noteUnit, restoreUnits } from './kinds/unit-state.ts';
import { concedes } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES, NOTES, OWN } from './places.ts';
import type { Step } from './step.ts';

const SWAP = 'https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/';
const WHY =
  'kubelet promises memory to pods and takes it away from those that use more. Swap makes both untrue, so kubelet does not start while any is on.';

/** What is said of a lab host, whose list of swap is not the machine's. */
function conceded(facts: Facts): string {
  return concedes(facts, 'swap') ? ' (conceded here: this lab host does not see the machine’s)' : '';
}

/** What must be true of swap before anything is touched. */
export function swapCheck({ cluster, facts }: Scene): Step {
  if (cluster.host.swap === 'refuse')
    return check(
      {
        id: 'preflight/swap',
        title: `Have no swap${conceded(facts)}`,
        why: WHY,
        see: [SWAP],
        clues: [
          {
            match: /^swap on /,
            means:
              'swap is on, kubelet would refuse to start, and cluster.yaml tells Landfall not to turn it off',
            try: 'host: { swap: disable } in cluster.yaml has Landfall turn it off; or by hand: swapoff -a, and take its line out of /etc/fstab; zram: systemctl mask --now dev-zram0.swap',
            diagnosis: 'H19',
          },
        ],
      },
      {
        read: sh`awk 'NR > 1 { all = all " " $1 } END { print all == "" ? "none" : "swap on" all }' /proc/swaps`,
        want: 'none',
      },
    );
  return check(
    {
      id: 'preflight/swap',
      title: 'Have room in memory for what lies in swap',
      why: 'Swap is turned off below, and what lies in it comes back into memory. Where there is no room for it the kernel ends programs to make some.',
      see: [SWAP],
      clues: [
        {
          match: /lies in swap/,
          means: 'more has been swapped out than fits into the memory that is free',
          try: 'stop what needs so much memory (ps -eo rss,comm --sort=-rss | head), or give the machine more',
          diagnosis: 'H19',
        },
      ],
    },
    {
      read: sh`
        awk '$3 ~ /^[0-9]+$/ && $4 ~ /^[0-9]+$/ { used += $4 } $1 == "MemAvailable:" { free = $2 }
          END { if (used > 0 && used * 1.1 > free) printf "%d MiB lies in swap, %d MiB of memory are free\n", used / 1024, free / 1024; else print "enough" }' /proc/swaps /proc/meminfo`,
      want: 'enough',
    },
  );
}

/** Swap, off now and after every boot. */
export function swapSteps({ cluster, facts }: Scene): readonly Step[] {
  if (cluster.host.swap === 'refuse')
    return [
      left(
        {
          id: 'swap/left',
          title: 'Leave swap to you',
          why: 'cluster.yaml says swap: refuse. What Landfall may have turned off before is given back to the host.',
        },
        sh`[ -e ${NOTES.swap} ] || grep -q '^#landfall# ' ${FILES.fstab} 2>/dev/null || grep -q ${UNIT_PATTERN} ${NOTES.units} 2>/dev/null`,
        sh`
          ${unitsBack}
          ${fstabBack}
          ${swapBack}`,
      ),
    ];
  return [swapOff(facts), fstab(), units()];
}

const swapBack = sh`
  if [ -e ${NOTES.swap} ]; then
    while read -r name; do
      if ! cut -d ' ' -f 1 /proc/swaps | grep -qxF -e "$name"; then swapon "$name" || echo "swap on $name is not back"; fi
    done <${NOTES.swap}
    rm -f ${NOTES.swap}
  fi`;

function swapOff(facts: Facts): Step {
  return {
    id: 'swap/off',
    title: `Turn swap off${conceded(facts)}`,
    why: WHY,
    see: [SWAP, 'man 8 swapoff'],
    read: sh`awk 'NR > 1 { print "on: " $1; on = 1 } END { if (!on) print "off" }' /proc/swaps`,
    want: 'off',
    make: sh`
      mkdir -p ${OWN}
      awk 'NR > 1 { print $1 }' /proc/swaps >>${NOTES.swap}
      swapoff -a`,
    undo: swapBack,
    clues: [
      {
        match: /swapoff.*Cannot allocate memory/i,
        means: 'more has been swapped out than fits into the memory that is free',
        try: 'stop what needs so much memory (ps -eo rss,comm --sort=-rss | head), or give the machine more',
        diagnosis: 'H19',
      },
      {
        match: /^on: /,
        means: 'swap is on, and kubelet does not start while it is',
        try: 'swapon --show; systemctl list-units --type=swap shows who turns it on again',
        diagnosis: 'H19',
      },
    ],
  };
}

/** A line of /etc/fstab that turns swap on at boot. */
const SWAP_LINE = sh`$1 !~ /^#/ && $3 == "swap" && $4 !~ /(^|,)noauto(,|$)/`;

const fstabBack = sh`
  path=${FILES.fstab}
  ${bringBack}
  systemctl daemon-reload`;

function fstab(): Step {
  const path = FILES.fstab;
  return {
    id: 'swap/fstab',
    title: 'Leave swap out of the disks that are mounted at boot',
    why: 'A line in /etc/fstab turns swap on again at the next boot, and the node would not come back from it. The line is set aside, not removed.',
    see: ['man 5 fstab'],
    read: sh`{ cat ${path} 2>/dev/null || :; } | awk '${SWAP_LINE} { print "swap on " $1; on = 1 } END { if (!on) print "no swap" }'`,
    want: 'no swap',
    make: sh`
      path=${path}
      ${setAside(SWAP_LINE)}
      systemctl daemon-reload`,
    undo: fstabBack,
    writes: [path],
    clues: DISK_CLUES,
  };
}

/** Services that make swap: of dphys-swapfile (Raspberry Pi), zram-tools, zram-config (Ubuntu) and swapspace. */
const MAKERS = ['dphys-swapfile.service', 'zramswap.service', 'zram-config.service', 'swapspace.service'];

/** Of all noted units those that have to do with swap, as a basic regular expression. */
const UNIT_PATTERN = String.raw`\([^ ]*\.swap\|dphys-swapfile\.service\|zramswap\.service\|zram-config\.service\|swapspace\.service\)`;

/** `unit state …`, a line for each of them that starts at boot. */
const STARTING = sh`systemctl list-unit-files '*.swap' ${MAKERS} --state=enabled,enabled-runtime,generated,linked --no-legend --plain 2>/dev/null`;

const unitsBack = restoreUnits(UNIT_PATTERN);

function units(): Step {
  return {
    id: 'swap/units',
    title: 'Let no unit turn swap on',
    why: 'Swap comes from more than /etc/fstab: systemd finds swap partitions by their type, zram makes a device of memory, and some systems have a service that makes a file. Each would be back after a boot.',
    see: ['man 8 systemd-gpt-auto-generator', 'man 5 systemd.swap', 'man 8 zram-generator'],
    read: sh`
      ${STARTING} | while read -r unit _; do
        # What comes from /etc/fstab is looked at there.
        case $unit in *.swap) [ "$(systemctl show -p SourcePath --value "$unit")" != /etc/fstab ] || continue ;; esac
        printf '%s\n' "$unit"
      done | sort -u | grep . || echo none`,
    want: 'none',
    make: sh`
      systemctl daemon-reload
      ${STARTING} | while read -r unit state _; do
        ${noteUnit(sh`"$unit"`)}
        case $state in
          generated) systemctl mask --now "$unit" ;;
          *) systemctl disable --now "$unit" ;;
        esac
      done`,
    undo: unitsBack,
  };
}
