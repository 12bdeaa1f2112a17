import { PINNED_PACKAGES } from '../model/lock.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { APT_CLUES, DISK_CLUES } from './clues.ts';
import { distributionPackage } from './kinds/distribution-package.ts';
import { draft, file, inPlace, lookAtFile } from './kinds/file.ts';
import type { Scene } from './phase.ts';
import { ACTS, FILES, NOTES } from './places.ts';
import type { Step } from './step.ts';

const TIMERS = ['apt-daily.timer', 'apt-daily-upgrade.timer'] as const;

/** Packages that unattended-upgrades never touches: regular expressions that match from a name's first letter on. */
const OURS = [...PINNED_PACKAGES].sort().map((name) => `${name}$`);

/** What unattended-upgrades takes security updates by, in its own notation: it puts the release's name in itself. */
const DEBIAN_SECURITY = ['origin=Debian,codename=${distro_codename}-security,label=Debian-Security'];
const UBUNTU_SECURITY = [
  'origin=Ubuntu,archive=${distro_codename}-security',
  'origin=UbuntuESM,archive=${distro_codename}-infra-security',
  'origin=UbuntuESMApps,archive=${distro_codename}-apps-security',
];

/** A list as apt's configuration has it. */
const words = (list: readonly string[]): string => list.map((word) => `"${word}";`).join(' ');

/** What may be installed without being told, and what never restarts by itself: said before anything is installed. */
export function updateSteps({ cluster, facts }: Scene): readonly Step[] {
  const { unattended, needrestart } = cluster.host;
  return [
    settings(unattended === 'security', facts.os === 'ubuntu'),
    ...(needrestart === 'quiet' ? [quietNeedrestart()] : []),
  ];
}

/** What installs security updates, and when it is called. */
export function unattendedSteps({ cluster }: Scene): readonly Step[] {
  return cluster.host.unattended === 'security' ? [securityUpdates(), timers()] : [];
}

function securityUpdates(): Step {
  const name = 'unattended-upgrades';
  const one = distributionPackage(
    {
      id: 'updates/package',
      title: 'Have security updates installed by themselves',
      why: 'A hole that is public is used within days. unattended-upgrades installs what mends it, and nothing else, in a quiet hour of each day.',
      see: ['https://wiki.debian.org/UnattendedUpgrades'],
    },
    name,
  );
  return {
    ...one,
    // The package neither stops its service when it goes nor takes away what that has written.
    undo: sh`
      if [ -e ${NOTES.packages} ] && ! grep -qx ${name} ${NOTES.packages}; then
        systemctl stop ${`${name}.service`} 2>/dev/null || :
        ${one.undo as Shell}
        rm -rf ${`/var/lib/${name}`}
      fi`,
  };
}

/** apt's own timers stand aside while a run has the host: its holder lives, or a phase holds the lock of the work. */
export function aptAside(): Step {
  const path = FILES.aptAside;
  const content = `# Written by Landfall: apt's daily work stands aside while Landfall works on this host, and is done the next time.
[Service]
ExecCondition=/bin/sh -c 'if [ -e /run/landfall/holder ]; then { read -r run; read -r pid; } </run/landfall/holder; ! kill -0 "$$pid" 2>/dev/null || exit 1; fi; [ ! -e /run/landfall/work ] || flock -n /run/landfall/work true'
`;
  const one = file(
    {
      id: 'updates/aside',
      title: 'Have apt’s daily work stand aside for Landfall',
      why: 'Twice a day, and soon after a boot, apt works by itself and holds the packages while it does. In the middle of an installation that is a failure; after it, it can wait for the next time.',
      see: ['man 5 systemd.service', 'man 5 systemd.unit'],
      clues: DISK_CLUES,
    },
    { path, content },
  );
  const heard = sh`
    for unit in apt-daily.service apt-daily-upgrade.service; do
      case " $(systemctl show -p DropInPaths --value "$unit" 2>/dev/null) " in *' '${path}' '*) ;; *) echo "$unit has not heard of it" ;; esac
    done`;
  return {
    ...one,
    read: sh`
      ${one.read}
      ${heard}`,
    make: sh`
      ${one.make as Shell}
      systemctl daemon-reload`,
    undo: sh`
      ${one.undo as Shell}
      rmdir ${path.slice(0, path.lastIndexOf('/'))} 2>/dev/null || :
      systemctl daemon-reload`,
  };
}

function settings(isOn: boolean, ubuntu: boolean): Step {
  const path = FILES.unattended;
  const origins = ubuntu ? UBUNTU_SECURITY : DEBIAN_SECURITY;
  const periodic = isOn ? '1' : '0';
  const content = `// Written by Landfall.
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "${periodic}";
Unattended-Upgrade::Automatic-Reboot "false";
#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern { ${words(origins)} };
Unattended-Upgrade::Package-Blacklist { ${words(OURS)} };
`;
  const says = [
    'APT::Periodic::Enable=1',
    `APT::Periodic::Unattended-Upgrade=${periodic}`,
    'Unattended-Upgrade::Automatic-Reboot=false',
    ...origins.map((origin) => `Unattended-Upgrade::Origins-Pattern::=${origin}`),
  ];
  const one = file(
    {
      id: 'updates/settings',
      title: isOn
        ? 'Let only security updates in, and never touch Kubernetes'
        : 'Let nothing be installed by itself',
      why: isOn
        ? 'An upgrade at night that moves kubelet or the runtime, or reboots the host, does so on all nodes in the same hour. What Landfall installs is named here besides being held, and the host is never rebooted.'
        : 'Whoever patches by a plan of their own wants no second hand at it: what moves at night moves on all nodes in the same hour.',
      see: ['https://github.com/mvo5/unattended-upgrades/blob/master/README.md'],
    },
    { path, content },
  );
  return {
    ...one,
    // What apt makes of all its files together: one that is read later may say otherwise.
    read: sh`
      ${lookAtFile(path)}
      apt-config dump --no-empty --format ${'%f=%v%n'} APT::Periodic::Enable APT::Periodic::Unattended-Upgrade \
        Unattended-Upgrade::Automatic-Reboot Unattended-Upgrade::Allowed-Origins Unattended-Upgrade::Origins-Pattern`,
    want: [one.want, ...says].join('\n'),
    clues: [
      {
        match: /^(APT::Periodic|Unattended-Upgrade)::[A-Za-z:-]+=/,
        means: 'another file that apt reads later says otherwise',
        try: 'grep -rn -e Periodic -e Automatic-Reboot -e Origins /etc/apt/apt.conf.d /etc/apt/apt.conf shows which; take the line out of it',
      },
      ...DISK_CLUES,
    ],
  };
}

function timers(): Step {
  return {
    id: 'updates/timers',
    title: 'Start apt’s daily work by its timers',
    why: 'Two timers have updates looked for and installed. Images for containers and hardened ones come with these switched off, and then nothing that is configured ever happens.',
    see: ['man 5 systemd.timer'],
    read: sh`
      for unit in ${TIMERS}; do
        echo "$unit $(systemctl is-enabled "$unit" 2>/dev/null || :) $(systemctl is-active "$unit" || :)"
      done`,
    want: TIMERS.map((unit) => `${unit} enabled active`).join('\n'),
    make: sh`
      if ! [ -e ${ACTS.timers} ]; then
        for unit in ${TIMERS}; do
          echo "$unit $(systemctl is-enabled "$unit" 2>/dev/null || :) $(systemctl is-active "$unit" || :)"
        done >${draft(ACTS.timers)}
        ${inPlace(ACTS.timers)}
      fi
      systemctl unmask ${TIMERS}
      systemctl enable --now ${TIMERS}`,
    undo: sh`
      if [ -e ${ACTS.timers} ]; then
        while read -r unit enabled active; do
          case $active in active) systemctl start "$unit" ;; *) systemctl stop "$unit" ;; esac
          case $enabled in enabled) systemctl enable "$unit" ;; masked) systemctl mask "$unit" ;; *) systemctl disable "$unit" ;; esac
        done <${ACTS.timers}
        rm ${ACTS.timers}
      fi`,
    clues: APT_CLUES,
  };
}

function quietNeedrestart(): Step {
  const path = FILES.needrestart;
  const one = file(
    {
      id: 'updates/needrestart',
      title: 'Keep needrestart from restarting anything',
      why: 'Where it is installed, as on Ubuntu, it follows each installation and restarts what uses old libraries: kubelet, the runtime, the network under the pods. Now it only tells. The file does no harm where there is no needrestart, and is there when it comes.',
      see: ['https://github.com/liske/needrestart/blob/master/README.md'],
      clues: DISK_CLUES,
    },
    {
      path,
      content: `# Written by Landfall: tell, ask nobody, restart nothing; these never, also when asked to restart all.
$nrconf{restart} = 'l';
$nrconf{kernelhints} = -1;
$nrconf{ucodehints} = 0;
$nrconf{override_rc}->{qr(^(kubelet|crio|containerd)\\b)} = 0;
`,
    },
  );
  return {
    ...one,
    undo: sh`
      ${one.undo as Shell}
      rmdir /etc/needrestart/conf.d /etc/needrestart 2>/dev/null || :`,
  };
}
