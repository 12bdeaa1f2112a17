import { sh } from '../shell/sh.ts';
import { APT_CLUES, DISK_CLUES } from './clues.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { fromDistribution } from './kinds/distribution.ts';
import { uninstall } from './kinds/packages.ts';
import { age, YOUNG } from './kinds/unit.ts';
import { noteUnit, restoreUnits } from './kinds/unit-state.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Step } from './step.ts';

const JOURNALD = 'systemd-journald.service';

/** What the host itself writes down: enough of it, and no more. What containers write is kubelet's, in kubeadm's file. */
export function journalSteps({ cluster }: Pick<Scene, 'cluster'>): readonly Step[] {
  const { maxUse, maxDays } = cluster.host.journal;
  return [limits(maxUse, maxDays), logrotate()];
}

function limits(maxUse: string, maxDays: number | undefined): Step {
  const path = FILES.journal;
  const settings = [
    `SystemMaxUse=${maxUse}`,
    ...(maxDays === undefined ? [] : [`MaxRetentionSec=${maxDays}day`]),
  ];
  const keys = settings.map((one) => one.split('=')[0]).join(' ');
  return {
    id: 'journal/limits',
    title: `Let the journal have ${maxUse} of the disk`,
    why: 'The journal shares the disk with images and etcd. Left to itself it takes a tenth of it, which is the very tenth whose absence makes kubelet evict pods; and a service that fails in a circle fills it overnight.',
    see: ['man 5 journald.conf'],
    // The last word of all its files, as systemd reads them, and whether it has read them.
    read: sh`
      systemd-analyze cat-config systemd/journald.conf 2>/dev/null | awk -v keys=${keys} -v own=${path} '
        /^# \// { file = substr($0, 3) }
        /^[A-Za-z]+=/ { at = index($0, "="); key = substr($0, 1, at - 1); last[key] = substr($0, at + 1); from[key] = file }
        END { n = split(keys, list, " "); for (i = 1; i <= n; i++) { k = list[i]; print k "=" (k in last ? last[k] (from[k] == own ? "" : ", says " from[k]) : " not set") } }'
      ${age({ unit: JOURNALD, reads: [path], program: '/lib/systemd/systemd-journald' })}`,
    want: `${settings.join('\n')}\n${YOUNG}`,
    make: sh`
      mkdir -p ${folder(path)}
      printf '%s\n' '# Written by Landfall.' '[Journal]' ${settings} >${draft(path)}
      ${inPlace(path)}
      systemctl restart ${JOURNALD}`,
    undo: sh`
      if [ -e ${path} ]; then
        ${putBack(path)}
        rmdir ${folder(path)} 2>/dev/null || :
        systemctl restart ${JOURNALD}
      fi`,
    writes: [path],
    clues: [
      {
        match: /^(SystemMaxUse|MaxRetentionSec)=.*, says \//,
        means: 'another file, which journald reads later, says otherwise',
        try: 'take the setting out of the file that is named, or write its value under host.journal in cluster.yaml',
      },
      ...DISK_CLUES,
    ],
  };
}

function logrotate(): Step {
  const timer = 'logrotate.timer';
  return {
    id: 'journal/logrotate',
    title: 'Cut the other logs to length',
    why: 'apt, dpkg and every service with a file of its own below /var/log write on and on. logrotate renames, compresses and removes these files, once a day, as long as its timer runs.',
    see: ['man 8 logrotate'],
    read: sh`
      if [ -x /usr/sbin/logrotate ]; then echo installed; else echo 'not installed'; fi
      systemctl show -p ActiveState,UnitFileState ${timer} | sort`,
    want: 'installed\nActiveState=active\nUnitFileState=enabled',
    make: sh`
      if [ ! -x /usr/sbin/logrotate ]; then
        ${fromDistribution('logrotate')}
      fi
      ${noteUnit(timer)}
      systemctl -q unmask ${timer}
      systemctl enable --now ${timer}`,
    undo: sh`
      ${restoreUnits(String.raw`logrotate\.timer`)}
      ${uninstall(['logrotate'])}`,
    clues: APT_CLUES,
  };
}
