import { sh } from '../shell/sh.ts';
import { draft, inPlace } from './kinds/file.ts';
import type { Scene } from './phase.ts';
import { ACTS, FILES } from './places.ts';
import type { Step } from './step.ts';

/** Seconds within which a reboot that changed nothing is not tried again: longer than a large server takes to come back. */
const SOON = 1800;

/**
 * Why the host waits for a reboot, a line each: a mark that packages leave, a newer kernel of the same flavour than the one
 * that runs, or a rebuilt one of the same name. needrestart is asked when the running kernel came in no package we know.
 */
const WAITS = sh`
  if [ -e /run/reboot-required ]; then
    echo "asked for by $(sort -u /run/reboot-required.pkgs 2>/dev/null | paste -sd ' ' | grep . || echo 'a package')"
  fi
  running=$(uname -r)
  flavour=$(echo "$running" | sed 's/^[0-9][0-9.]*\(+[a-z0-9]*\)\{0,1\}\(-[0-9][0-9]*\)\{0,1\}-//')
  newest=$(dpkg-query -W -f ${'${db:Status-Status} ${Package} ${Version}\\n'} 'linux-image-[0-9]*' 'linux-image-unsigned-[0-9]*' 2>/dev/null |
    sed -n 's/^installed linux-image-\(unsigned-\)\{0,1\}//p' |
    awk -v end="-$flavour" 'substr($1, length($1) - length(end) + 1) == end && $1 ~ /^[0-9][0-9.]*([+][a-z0-9]*)?(-[0-9]+)?-/ {
      rest = $1; sub(/^[0-9][0-9.]*([+][a-z0-9]*)?(-[0-9]+)?/, "", rest); if (rest == end) print }' |
    sort -V | tail -n 1)
  if [ -n "$newest" ]; then
    if [ "\${newest% *}" != "$running" ]; then echo "$running runs, \${newest% *} is installed"
    else
      built=$(uname -v | sed -n 's/.* Debian \([^ ]*\) .*/\1/p')
      if [ -n "$built" ] && [ "$built" != "\${newest#* }" ]; then echo "$running $built runs, \${newest#* } is installed"; fi
    fi
  elif command -v needrestart >/dev/null 2>&1; then
    case $(needrestart -b -k 2>/dev/null | sed -n 's/^NEEDRESTART-KSTA: //p') in [23]) echo 'needrestart says that another kernel is installed' ;; esac
  fi`;

/** A reboot, when one is waited for and allowed: the run follows the host through it and goes on after it. */
export function rebootSteps({ cluster }: Scene): readonly Step[] {
  const { reboot } = cluster.host;
  if (reboot === 'never') return [];
  const member = sh`[ -e /etc/kubernetes/kubelet.conf ] || [ -e ${FILES.initialised} ]`;
  const want =
    reboot === 'when-needed' ? 'nothing waits for a reboot' : 'nothing waits for a reboot, or it is a member';
  return [
    {
      id: 'system/rebooted',
      title:
        reboot === 'when-needed'
          ? 'Reboot when updates wait for it'
          : 'Reboot before joining when updates wait for it',
      why: 'A new kernel, or a new C library under programs that run, mends nothing until the next boot; and what does not survive a boot is better found out now than in the night it comes by itself.',
      see: ['man 8 needrestart', 'man 1 uname'],
      disturbs: 'node',
      read: sh`
        waits=$(${
          reboot === 'when-needed'
            ? WAITS
            : sh`
          if ${member}; then :; else
            ${WAITS}
          fi`
        })
        if [ -n "$waits" ]; then echo "$waits"; else echo ${want}; fi`,
      want,
      make: sh`
        waits=$({ ${WAITS}
        } | paste -sd ';')
        now=$(date +%s); boot=$(cat /proc/sys/kernel/random/boot_id)
        if { read -r at; read -r in; read -r why; } <${ACTS.rebooted} 2>/dev/null &&
          [ "$why" = "$waits" ] && [ "$in" != "$boot" ] && [ $((now - at)) -lt ${SOON} ]; then
          rm ${ACTS.rebooted}
          echo "rebooted a moment ago, and still: $waits"
          exit 1
        fi
        printf '%s\n' "$now" "$boot" "$waits" >${draft(ACTS.rebooted)}
        ${inPlace(ACTS.rebooted)}
        echo "rebooting: $waits"
        systemctl reboot
        # The shutdown ends this script; the run waits for the host and begins the phase again.
        sleep 600
        echo 'the host has not gone down within ten minutes'
        exit 1`,
      clues: [
        {
          match: /^rebooted a moment ago, and still/,
          means:
            'the host has booted, but not what was to be booted: its boot loader chooses another kernel, or does not find the new one',
          try: 'grep GRUB_DEFAULT /etc/default/grub; df -h /boot; update-grub; then run landfall apply again, which reboots once more',
        },
        {
          match: /has not gone down|Failed to (set wall message|reboot system)|Operation inhibited/i,
          means: 'something keeps the host from shutting down',
          try: 'systemd-inhibit --list and systemctl list-jobs show what; end it, then run landfall apply again',
        },
      ],
    },
  ];
}
