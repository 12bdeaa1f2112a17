import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { mainlineCheck } from './linux.ts';
import { concedes } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

/** The programs the steps are written with. They belong to every ordinary Debian or Ubuntu server. */
const TOOLS = [
  'apt-get',
  'awk',
  'base64',
  'dpkg-query',
  'find',
  'ip',
  'modprobe',
  'sha256sum',
  'ss',
  'sysctl',
  'systemctl',
] as const;

/** What the machine must be: nothing here can be mended from afar, so all of it is looked at before anything is made. */
export function machineSteps({ facts }: Scene): readonly Step[] {
  return [
    check(
      {
        id: 'preflight/root',
        title: 'Work as root',
        why: 'Packages, kernel settings and services belong to root. Everything below would fail one by one without it.',
        see: ['man 5 sudoers'],
        clues: [
          {
            match: /^not root/,
            means: 'the commands do not run as root on this host',
            try: 'let ssh log in as root, or as a user who may run sudo without a password',
          },
        ],
      },
      {
        read: sh`if [ "$(id -u)" = 0 ]; then echo root; else echo "not root but $(id -un)"; fi`,
        want: 'root',
      },
    ),
    check(
      {
        id: 'preflight/system',
        title: 'Run a system Landfall knows',
        why: 'Package names, paths and defaults differ between distributions and releases. On one that was never tried a step may be right in its own eyes and wrong in truth.',
        see: [
          'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/#before-you-begin',
        ],
        clues: [
          {
            match: /is not one Landfall knows/,
            means: 'this distribution or release was never tried',
            try: 'install Debian 12 or 13, or Ubuntu 22.04, 24.04 or 26.04, for amd64 or arm64',
          },
        ],
      },
      {
        read: sh`
          . /etc/os-release
          case "$ID $VERSION_ID $(dpkg --print-architecture 2>/dev/null)" in
            'debian 12 amd64' | 'debian 12 arm64' | 'debian 13 amd64' | 'debian 13 arm64' | \
              'ubuntu 22.04 amd64' | 'ubuntu 22.04 arm64' | 'ubuntu 24.04 amd64' | 'ubuntu 24.04 arm64' | \
              'ubuntu 26.04 amd64' | 'ubuntu 26.04 arm64') echo 'one Landfall knows' ;;
            *) echo "$ID $VERSION_ID ($(uname -m)) is not one Landfall knows" ;;
          esac`,
        want: 'one Landfall knows',
      },
    ),
    check(
      {
        id: 'preflight/tools',
        title: 'Have the usual programs at hand',
        why: 'The steps are plain shell around programs every server has. A stripped image may lack one, and the failure would show far from its cause.',
        clues: [
          {
            match: /^missing: /,
            means: 'the image was stripped of programs an ordinary server has',
            try: 'apt-get install -y coreutils findutils iproute2 kmod mawk procps systemd',
          },
        ],
      },
      {
        read: sh`
          missing=
          for tool in ${TOOLS}; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
          if [ -x /usr/lib/apt/apt-helper ] || command -v curl >/dev/null 2>&1; then :; else missing="$missing curl"; fi
          if [ -n "$missing" ]; then echo "missing:$missing"; else echo 'all there'; fi`,
        want: 'all there',
      },
    ),
    check(
      {
        id: 'preflight/systemd',
        title: 'Have systemd run the services',
        why: 'kubelet and the runtime are systemd units, and containers get their cgroups from it. kubeadm starts and restarts kubelet through it.',
        see: ['https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers'],
        clues: [
          {
            match: /^not systemd/,
            means: 'another init system runs this machine; often it is a container, not a server',
            try: 'use a server or a virtual machine that boots with systemd',
          },
        ],
      },
      {
        read: sh`if [ -d /run/systemd/system ]; then echo systemd; else echo "not systemd but $(cat /proc/1/comm)"; fi`,
        want: 'systemd',
      },
    ),
    check(
      {
        id: 'preflight/cgroup',
        title: concedes(facts, 'cgroup-v1')
          ? 'Count resources with cgroup v2 (conceded here: this lab host has v1)'
          : 'Count resources with cgroup v2',
        why: 'Limits on memory and CPU are enforced by the kernel through cgroups. kubelet refuses the old version 1 since Kubernetes 1.35.',
        see: ['https://kubernetes.io/docs/concepts/architecture/cgroups/'],
        clues: [
          {
            match: /^cgroup v1$/,
            means:
              'the kernel was told to keep the old cgroup hierarchy, or the system is too old to know the new one',
            try: 'remove systemd.unified_cgroup_hierarchy=0 from the kernel command line (/etc/default/grub, then update-grub) and reboot',
            diagnosis: 'H22',
          },
        ],
      },
      {
        read: sh`
          if [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then echo 'cgroup v2'
          elif grep -q '^cgroup-v1' /etc/landfall-lab 2>/dev/null; then echo 'cgroup v1, conceded to a lab host'
          else echo 'cgroup v1'; fi`,
        want: concedes(facts, 'cgroup-v1') ? 'cgroup v1, conceded to a lab host' : 'cgroup v2',
      },
    ),
    check(
      {
        id: 'preflight/kernel',
        title: 'Run a kernel that is new enough',
        why: 'kube-proxy writes the rules of Services with nftables, which it needs in the form Linux has since 5.13.',
        see: ['https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables'],
        clues: [
          {
            match: /is older than/,
            means: 'the kernel is older than the release it belongs to ships',
            try: 'install the current kernel of the distribution (linux-image-amd64, or linux-generic) and reboot',
          },
        ],
      },
      {
        read: sh`uname -r | awk -F '[.-]' '{ if ($1 > 5 || ($1 == 5 && $2 >= 13)) print "5.13 or newer"; else print $0 " is older than 5.13" }'`,
        want: '5.13 or newer',
      },
    ),
    mainlineCheck(),
    check(
      {
        id: 'preflight/clock',
        title: 'Have a clock that is not far off',
        why: 'Certificates are valid from now on. Made by a clock that runs ahead, or read by one that is years behind, they are worth nothing.',
        see: ['man 1 timedatectl'],
        clues: [
          {
            match: /^\d{4}-/,
            means: 'the clock of the host shows a year that cannot be',
            try: 'timedatectl set-ntp true, or install chrony; then look with timedatectl',
            diagnosis: 'H03',
          },
        ],
      },
      {
        read: sh`y=$(date -u +%Y); if [ "$y" -ge 2026 ] && [ "$y" -le 2045 ]; then echo plausible; else date -u +%FT%TZ; fi`,
        want: 'plausible',
      },
    ),
  ];
}
