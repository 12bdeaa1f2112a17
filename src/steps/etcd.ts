import { isFirstControlPlane } from '../model/cluster.ts';
import { etcdFlags } from '../model/etcd.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { upkeepScript, upkeepService, upkeepTimer } from './etcd-upkeep-text.ts';
import { noted } from './identity.ts';
import { inPlace, draft } from './kinds/file.ts';
import { ownFile } from './kinds/own-file.ts';
import { apiProbe } from './node.ts';
import type { Scene } from './phase.ts';
import { ETCD_FILES, ETCD_MANIFEST } from './places.ts';
import type { Clue, Step, StepId } from './step.ts';

const TIMER = 'landfall-etcd.timer';
const SERVICE = 'landfall-etcd.service';

/** etcd on a control plane that is up: it runs with the settings of cluster.yaml, and is looked after. */
export function etcdSteps(scene: Scene): readonly Step[] {
  const { cluster, node } = scene;
  const first = isFirstControlPlane(cluster, node);
  const up = first ? 'control-plane/api-ready' : 'join/api-ready';
  const { snapshots, defragment } = cluster.etcd;
  return [
    settings(scene, up),
    noted(scene, up),
    ...(snapshots.every === 'never' && defragment === 'never' ? [noUpkeep()] : upkeepSteps(scene)),
    ...(snapshots.every === 'never' ? [] : [snapshot(scene, up)]),
  ];
}

const MISSING: readonly Clue[] = [
  {
    match: /^another member of etcd is not healthy/,
    means:
      'a member of etcd does not answer; with this one started anew beside it, more than half might be away at the same moment',
    try: 'bring that control plane back, or take it out with landfall node remove; then landfall apply goes on',
    diagnosis: 'H65',
  },
  {
    match: /^etcd does not run/,
    means: 'there is no etcd on this control plane: kubelet, or the runtime, does not start it',
    try: 'crictl ps -a --name etcd; crictl logs of its newest container; journalctl -u kubelet -n 50',
    diagnosis: 'H64',
  },
];

/** Its container, as `$etcd`; ends with a word when there is none. */
const container = sh`
  etcd=$(crictl ps -q --state Running --label io.kubernetes.container.name=etcd | head -n 1)
  if [ -z "$etcd" ]; then echo 'etcd does not run'; exit 1; fi`;

/** Waits a minute for all members to be well, for the one before may have just been started anew. */
function allWell(): Shell {
  const at = '/etc/kubernetes/pki/etcd';
  return sh`
    ${container}
    tries=0
    until timeout 20 crictl exec "$etcd" etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${`${at}/ca.crt`} --cert=${`${at}/healthcheck-client.crt`} --key=${`${at}/healthcheck-client.key`} endpoint health --cluster >/dev/null 2>&1; do
      tries=$((tries + 1))
      if [ "$tries" -ge 30 ]; then echo 'another member of etcd is not healthy: nothing is started anew'; exit 1; fi
      sleep 2
    done`;
}

function settings(scene: Scene, up: StepId): Step {
  const { cluster } = scene;
  const flags = etcdFlags(cluster.etcd);
  const words = flags.map(({ name, value }) => `--${name}=${value}`).join(' ');
  const names = flags.map(({ name }) => name);
  return {
    id: 'etcd/settings',
    title: 'Run etcd with the room and the patience it needs',
    why: 'Left to itself etcd takes nothing new once its database has 2 GB: the whole cluster can then only be read. And how long it waits before it calls a member dead must fit the way between them. etcd reads both when it starts; so it is started anew, on one control plane after the other, and only while all of its members are well.',
    see: [
      'https://etcd.io/docs/latest/dev-guide/limit/',
      'https://etcd.io/docs/latest/tuning/#time-parameters',
    ],
    after: [up],
    disturbs: 'service',
    within: 240,
    awaits: 'etcd to run with them, and the API server to have it back',
    probes: [apiProbe(scene)],
    // What the process was told is what holds; its manifest alone would be paper.
    read: sh`
      if pid=$(pgrep -xo etcd); then
        tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n ${`s/^--\\(${names.join('\\|')}\\)=/\\1: /p`} | sort
        [ "$(probe api)" = ok ] || echo 'the API server waits for it'
      else echo 'etcd does not run'; fi`,
    want: flags.map(({ name, value }) => `${name}: ${value}`).join('\n'),
    make: sh`
      awk -v words=${words} -v ours=${`^    - --(${names.join('|')})=`} '
        $0 ~ ours { next }
        { print }
        $0 == "    - etcd" { n = split(words, word, " "); for (i = 1; i <= n; i++) print "    - " word[i]; told = 1 }
        END { exit !told }' ${ETCD_MANIFEST} >${draft(ETCD_MANIFEST)}
      if cmp -s ${draft(ETCD_MANIFEST)} ${ETCD_MANIFEST}; then
        rm -f ${draft(ETCD_MANIFEST)}
      else
        ${allWell()}
        chmod 0600 ${draft(ETCD_MANIFEST)}
        ${inPlace(ETCD_MANIFEST)}
        # Before kubelet starts the new etcd it tells its API server of the old one's end: one that hangs for want of etcd would keep it for half a minute.
        crictl ps -q --state Running --label io.kubernetes.container.name=kube-apiserver | xargs -r crictl stop --timeout 2 >/dev/null || :
      fi`,
    clues: [
      ...MISSING,
      {
        match: /^(quota-backend-bytes|heartbeat-interval|election-timeout): /,
        means: 'etcd runs with other settings than its manifest has: kubelet has not started it anew',
        try: 'systemctl status kubelet; crictl ps -a --name etcd; journalctl -u kubelet -n 50',
      },
      ...DISK_CLUES,
    ],
  };
}

/** What looks after etcd from time to time, without anybody there. */
function upkeepSteps({ cluster, node }: Scene): readonly Step[] {
  const manual = 'man 5 systemd.timer';
  return [
    ownFile(
      {
        id: 'etcd/upkeep',
        title: 'Have a program that looks after etcd',
        why: 'Nobody thinks of writing etcd down until the day it is needed. And what is deleted from it leaves holes in its file, which grows until it is full although there is little in it.',
        see: ['https://etcd.io/docs/latest/op-guide/maintenance/'],
      },
      { path: ETCD_FILES.upkeep, content: upkeepScript(node.name, cluster.etcd), mode: '0755' },
    ),
    ownFile(
      {
        id: 'etcd/upkeep-service',
        title: 'Let systemd run it',
        why: 'What systemd runs has its own lines in the journal, runs once at a time, and takes disk and processor only when nobody else wants them.',
        see: ['man 5 systemd.service'],
      },
      { path: ETCD_FILES.service, content: upkeepService },
    ),
    ownFile(
      {
        id: 'etcd/upkeep-times',
        title: 'Give it a time of its own',
        why: 'A member that is written down or written anew answers late. Each host takes a minute of its own, always the same, so that no two do it at once.',
        see: [manual],
      },
      { path: ETCD_FILES.timer, content: upkeepTimer(cluster.etcd) },
    ),
    {
      id: 'etcd/upkeep-timer',
      title: 'Start it by the clock, after every boot, too',
      why: 'A timer that is only written down starts nothing; and one that was started by hand is gone after the next boot.',
      see: [manual],
      after: ['etcd/upkeep', 'etcd/upkeep-service', 'etcd/upkeep-times'],
      read: sh`{ systemctl show -p ActiveState,UnitFileState ${TIMER}; systemctl show -p NeedDaemonReload ${TIMER} ${SERVICE}; } | grep . | sort -u`,
      want: 'ActiveState=active\nNeedDaemonReload=no\nUnitFileState=enabled',
      make: sh`
        systemctl enable ${TIMER}
        systemctl restart ${TIMER}`,
      undo: endUpkeep,
    },
  ];
}

const endUpkeep = sh`
  if systemctl cat ${TIMER} >/dev/null 2>&1; then systemctl disable --now ${TIMER}; fi
  systemctl stop ${SERVICE} 2>/dev/null || :
  systemctl reset-failed ${SERVICE} ${TIMER} 2>/dev/null || :`;

/** Nobody wishes it any more, so what an earlier wish has left goes. */
function noUpkeep(): Step {
  const { upkeep, service, timer } = ETCD_FILES;
  return {
    id: 'etcd/no-upkeep',
    title: 'Leave etcd to itself',
    why: 'cluster.yaml wishes neither snapshots nor that etcd is written anew: then nothing of Landfall’s does either.',
    see: ['https://etcd.io/docs/latest/op-guide/maintenance/'],
    read: sh`ls ${upkeep} ${service} ${timer} 2>/dev/null | grep . || echo none`,
    want: 'none',
    make: sh`
      ${endUpkeep}
      rm -f ${upkeep} ${service} ${timer}
      systemctl daemon-reload`,
  };
}

/** How old the newest snapshot may be, in minutes: twice the time between two and a little, for the host may have been off. */
const OLDEST = { hourly: 125, daily: 2 * 24 * 60 + 5 } as const;

function snapshot({ cluster }: Scene, up: StepId): Step {
  const { every } = cluster.etcd.snapshots;
  const at = ETCD_FILES.snapshots;
  return {
    id: 'etcd/snapshot',
    title: 'Have etcd written down lately',
    why: 'A snapshot that was not taken is noticed on the day it is needed. Each one is compared with the sum etcd sent along, and the newest must be of today.',
    see: ['https://etcd.io/docs/latest/op-guide/recovery/'],
    after: [up, 'etcd/upkeep-timer'],
    read: sh`
      if [ -n "$(find ${at} -maxdepth 1 -name '[0-9]*.db' -mmin ${`-${OLDEST[every === 'daily' ? 'daily' : 'hourly']}`} 2>/dev/null | head -n 1)" ]; then echo recent
      else
        last=$(find ${at} -maxdepth 1 -name '[0-9]*.db' 2>/dev/null | sort | tail -n 1)
        echo "the last one: \${last:-none}"
      fi`,
    want: 'recent',
    make: sh`systemctl start ${SERVICE} || { journalctl -u ${SERVICE} -n 5 -o cat --no-pager; exit 1; }`,
    undo: sh`
      rm -rf ${at}
      rmdir ${at.slice(0, at.lastIndexOf('/'))} /usr/local/lib/landfall 2>/dev/null || :`,
    clues: [
      ...MISSING,
      {
        match: /the snapshot on the disk is not what etcd has sent/,
        means:
          'what was read back from the disk differs from what etcd has sent: the disk, or the memory, is not sound',
        try: 'dmesg | grep -i -e error -e ecc; smartctl -a on the disk; systemctl start landfall-etcd tries again',
      },
      ...DISK_CLUES,
    ],
  };
}
