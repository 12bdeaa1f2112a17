import type { Firewall } from '../model/firewall.ts';
import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import {
  backScript,
  CAME_IN,
  confirmedRules,
  noTable,
  PENDING,
  rulesNow,
  TABLE,
  TRIAL,
  UNIT,
} from './firewall-state.ts';
import { firewallText } from './firewall-text.ts';
import { distributionPackage } from './kinds/distribution-package.ts';
import { draft, folder, inPlace } from './kinds/file.ts';
import { ownFile } from './kinds/own-file.ts';
import { uninstall } from './kinds/packages.ts';
import type { Scene } from './phase.ts';
import { FIREWALL_STATE, WISHED } from './places.ts';
import {
  armedFile,
  backNow,
  provenLately,
  ROLLBACK_SECONDS,
  startTimer,
  stopTimer,
  takeTurn,
  wayBack,
} from './rollback.ts';
import type { Clue, Step } from './step.ts';

/** The package nft is in. */
const TOOL = 'nftables';
const NFT = 'https://wiki.nftables.org/wiki-nftables/index.php/Main_Page';

/** The firewall the hosts are to have; undefined when they are to have none. */
export function wishedFirewall({ cluster: { firewall } }: Pick<Scene, 'cluster'>): Firewall | undefined {
  return firewall === undefined || firewall.mode === 'none' ? undefined : firewall;
}

/** Whether anything is done about a firewall on the host: it is to have one, or to lose it. A reset then needs nft to the end. */
export function concernsFirewall(scene: Scene): boolean {
  return scene.cluster.firewall !== undefined || scene.facts.firewall === true;
}

/** What loads the rules. */
export function firewallTool(scene: Scene): readonly Step[] {
  if (wishedFirewall(scene) === undefined) return [];
  return [
    distributionPackage(
      {
        id: 'firewall/nftables',
        title: 'Have nft, which loads the rules',
        why: 'The kernel has one firewall, and nft is its own tool. Its service, which empties every table when it is started, stays off as the distribution has it.',
        see: [NFT],
      },
      TOOL,
    ),
  ];
}

/** Takes all of it away, whatever state it is in. */
const nothingLeft = sh`
  ${takeTurn(TRIAL)}
  ${stopTimer(TRIAL)}
  systemctl -q disable --now ${UNIT} 2>/dev/null || :
  if command -v nft >/dev/null 2>&1; then ${noTable}; fi
  rm -f ${WISHED.firewallUnit} ${draft(WISHED.firewallUnit)} ${WISHED.firewall} ${draft(WISHED.firewall)}
  rmdir ${folder(WISHED.firewall)} 2>/dev/null || :
  systemctl daemon-reload
  systemctl reset-failed ${UNIT} 2>/dev/null || :
  rm -rf ${FIREWALL_STATE}`;

const FOREIGN: readonly Clue[] = [
  {
    match: /^(.*Error: |.*rules\.nft:\d+)/,
    means: 'nft does not take the rules; nothing was changed',
    try: 'the line it names says which: an old kernel without sets that are filled by rules (nf_tables before 5.7), or a fault of ours',
  },
  {
    match: /^unshare: /,
    means: 'the rules cannot be laid beside those of the kernel: no network of its own can be made here',
    try: 'sysctl user.max_net_namespaces; in a container, give it the right to make namespaces',
  },
];

/** The new rules, in the kernel and for the time being; or none, where none are wished. */
export function firewallRules(scene: Scene): readonly Step[] {
  const firewall = wishedFirewall(scene);
  if (firewall === undefined) return concernsFirewall(scene) ? [noFirewall()] : [];
  const text = firewallText(scene, firewall);
  return [
    {
      id: 'firewall/rules',
      title:
        firewall.mode === 'enforce'
          ? 'Let in who is wanted, and nobody else'
          : 'Write down who would be kept out',
      why: `etcd, kubelet and whatever else listens are otherwise open to everybody who can send packets here. The rules are a table of Landfall's own and are loaded in one piece, so kube-proxy's and the network plugin's stay as they are; only what the host itself receives is judged. Unless somebody comes in under them within ${ROLLBACK_SECONDS / 60} minutes, the host takes them back.`,
      see: [NFT, 'https://kubernetes.io/docs/reference/networking/ports-and-protocols/', 'man 8 nft'],
      after: ['firewall/nftables'],
      long: true,
      read: rulesNow,
      want: `${text}the kernel has the same`,
      make: sh`
        ${takeTurn(TRIAL)}
        # Others that are still on trial go first, while their timer runs: it is stopped next.
        if [ -e ${armedFile(TRIAL)} ]; then ${backNow(TRIAL)}; fi
        rm -f ${CAME_IN}
        ${wayBack(TRIAL, backScript)}
        ${startTimer(TRIAL)}
        cat >${`${PENDING}.new`} ${heredoc(text)}
        mv -T ${`${PENDING}.new`} ${PENDING}
        nft -f ${PENDING} || { ${backNow(TRIAL)}; ${stopTimer(TRIAL)}; exit 1; }`,
      undo: nothingLeft,
      clues: [...FOREIGN, ...DISK_CLUES],
    },
  ];
}

function noFirewall(): Step {
  return {
    id: 'firewall/none',
    title: 'Take the firewall away',
    why: "cluster.yaml wants none of Landfall's any more. Rules nobody keeps up to date keep out the next node that joins.",
    see: [NFT],
    read: sh`
      left=$(
        for path in ${[WISHED.firewall, WISHED.firewallUnit]}; do if [ -e "$path" ]; then echo "$path"; fi; done
        if nft list table inet ${TABLE} >/dev/null 2>&1; then echo ${`table inet ${TABLE}`}; fi
      )
      echo "\${left:-none}"`,
    want: 'none',
    make: nothingLeft,
    undo: sh`
      ${nothingLeft}
      ${uninstall([TOOL])}`,
  };
}

/** What holds from the next boot on: the rules under which somebody has come in. */
export function firewallKept(scene: Scene): readonly Step[] {
  const firewall = wishedFirewall(scene);
  if (firewall === undefined) return [];
  return [firewallUnit(), settled(firewallText(scene, firewall))];
}

function firewallUnit(): Step {
  const file = ownFile(
    {
      id: 'firewall/unit',
      title: 'Say how the rules are loaded at boot',
      why: 'They are there before the network is. Stopping the unit opens the host: systemctl stop landfall-firewall is the way out for who sits at the machine.',
      see: ['man 5 systemd.unit'],
      after: ['firewall/nftables'],
    },
    {
      path: WISHED.firewallUnit,
      content: `# Written by Landfall: loads the rules of the host's firewall (firewall in cluster.yaml).
[Unit]
Description=Landfall: the firewall of this host
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target
# Where nftables.service is used it empties all tables first.
After=nftables.service local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${WISHED.firewall}
ExecStop=-/usr/sbin/nft delete table inet ${TABLE}
[Install]
WantedBy=sysinit.target
`,
    },
  );
  // A unit without its file cannot be told not to start any more.
  return { ...file, undo: nothingLeft };
}

function settled(text: string): Step {
  const same = (path: string): Shell => sh`cmp -s ${path} - ${heredoc(text)}`;
  return {
    id: 'firewall/settled',
    title: 'Keep the rules',
    why: 'Somebody has come in under them by a connection of its own, and nodes reach each other. Only now are they written down for the next boot, and the timer that would take them back is stopped. Until then a reboot brings back the rules of before, or none.',
    see: ['man 1 systemd-run'],
    after: ['firewall/rules', 'firewall/unit'],
    read: sh`
      if ${same(WISHED.firewall)}
      then echo 'at boot: these'; elif [ -e ${WISHED.firewall} ]; then echo 'at boot: others'; else echo 'at boot: none'; fi
      systemctl show -p ActiveState,UnitFileState ${UNIT} | sort
      if [ -e ${armedFile(TRIAL)} ]; then echo 'to be taken back unless somebody comes in'; else echo settled; fi`,
    want: 'at boot: these\nActiveState=active\nUnitFileState=enabled\nsettled',
    make: sh`
      ${takeTurn(TRIAL)}
      if [ -e ${armedFile(TRIAL)} ]; then
        ${provenLately(TRIAL, 'nobody has just come in under the new rules: they are not kept on trust')}
        mkdir -p ${folder(WISHED.firewall)}
        cp ${PENDING} ${draft(WISHED.firewall)}
        chmod 0644 ${draft(WISHED.firewall)}
        ${inPlace(WISHED.firewall)}
        rm -f ${armedFile(TRIAL)} ${PENDING}
        ${stopTimer(TRIAL)}
      fi
      if ! ${same(WISHED.firewall)}
      then echo 'the host has taken the new rules back'; ${confirmedRules}; exit 1; fi
      systemctl -q enable --now ${UNIT}`,
    clues: [
      {
        match: /^nobody has just come in|^the host has taken/,
        means: `no login came in within ${ROLLBACK_SECONDS / 60} minutes of the new rules, so they are not kept`,
        try: 'landfall apply loads them, tries them and keeps them, one after the other',
      },
      ...DISK_CLUES,
    ],
  };
}
