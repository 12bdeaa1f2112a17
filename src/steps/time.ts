import { isIPv4 } from '../model/network.ts';
import { sh } from '../shell/sh.ts';
import { APT_CLUES, DISK_CLUES } from './clues.ts';
import { bringBack, setAside } from './kinds/aside.ts';
import { check } from './kinds/check.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { left } from './kinds/left.ts';
import { fromDistribution } from './kinds/distribution.ts';
import { APT, patient, uninstall } from './kinds/packages.ts';
import { service } from './kinds/unit.ts';
import { noteUnit, restoreUnits } from './kinds/unit-state.ts';
import type { Scene } from './phase.ts';
import { FILES, NOTES, OWN } from './places.ts';
import type { Clue, Step } from './step.ts';

/** The packages that keep the clock; the distribution lets only one of them be installed. */
const SERVICES = ['chrony', 'ntp', 'ntpsec', 'openntpd', 'systemd-timesyncd'];

/** Files in which chrony may be told of servers. */
const FOLDERS = sh`/etc/chrony/conf.d/*.conf /etc/chrony/sources.d/*.sources`;

const CLUES: readonly Clue[] = [
  {
    match: /^source: none selected|^leap: Not synchronised/,
    means: 'no time server has answered, or those that did do not agree',
    try: 'chronyc -n sources -v shows which answer; let UDP port 123 out, or name servers of your own under host.time.servers in cluster.yaml',
    diagnosis: 'H03',
  },
  {
    match: /^offset: .* s$/,
    means:
      'the clock is farther off than host.time.maxOffset allows, and is moved only slowly while programs run',
    try: 'before there is a cluster: chronyc makestep; afterwards wait while chrony brings it near, chronyc tracking shows how far it is',
    diagnosis: 'H03',
  },
  {
    match: /Cannot talk to daemon|does not answer|^not synchronised/,
    means: 'nothing keeps the clock, or what does has no server it could follow',
    try: 'timedatectl; systemctl status chrony systemd-timesyncd; or host: { time: { service: chrony } } in cluster.yaml',
    diagnosis: 'H03',
  },
];

/** A program that keeps the clock, and the servers it follows. */
export function timeSteps({ cluster }: Pick<Scene, 'cluster'>): readonly Step[] {
  const { service, servers } = cluster.host.time;
  if (service === 'keep') return [timeLeft()];
  return [installed(), servers.length === 0 ? ownSources() : sources(servers), running()];
}

/** A clock that is right: looked at last in its phase, for chrony needs seconds to find its servers. */
export function clockStep({ cluster }: Pick<Scene, 'cluster'>): Step {
  const { service, maxOffset } = cluster.host.time;
  return service === 'keep' ? kept() : judged(maxOffset);
}

/** The lines of {@link SERVICES} that are installed. */
const present = sh`dpkg-query -W -f ${'${Package} ${db:Status-Status}\\n'} ${SERVICES} 2>/dev/null | sed -n 's/ installed$//p'`;

const packageBack = sh`
  ${uninstall(['chrony'])}
  if [ -e ${NOTES.timeService} ]; then
    missing=$( { ${present}; } | grep -vxFf - ${NOTES.timeService}) || :
    if [ -n "$missing" ]; then ( ${patient(sh`${APT} install --no-install-recommends -o APT::Keep-Downloaded-Packages=false $missing`)} ); fi
    rm -f ${NOTES.timeService}
  fi`;

function installed(): Step {
  return {
    id: 'time/installed',
    title: 'Have chrony keep the clock',
    why: 'A clock that nothing keeps drifts by seconds a day, and certificates, tokens and the members of etcd compare clocks. chrony follows several servers at once and says how well; the simple client of systemd has been seen to stop without a word. Two of them would pull the clock back and forth, so it is the only one.',
    see: ['https://chrony-project.org/comparison.html'],
    read: sh`
      {
        ${present}
      } | grep . || echo none`,
    want: 'chrony',
    make: sh`
      mkdir -p ${OWN}
      if [ ! -e ${NOTES.timeService} ]; then ${present} >${NOTES.timeService}; fi
      ${fromDistribution('chrony')}`,
    undo: packageBack,
    disturbs: 'service',
    clues: APT_CLUES,
  };
}

const SERVER = sh`$1 ~ /^(pool|server|peer)$/`;

const sourcesBack = sh`
  for path in ${FILES.chrony} ${FOLDERS}; do
    if [ -e "$path" ] && [ "$path" != ${FILES.chronySources} ]; then
      ${bringBack}
    fi
  done
  if [ -d ${folder(FILES.chronySources)} ]; then ${putBack(FILES.chronySources)}; fi
  if systemctl -q is-active chrony; then systemctl restart chrony; fi`;

function sources(servers: readonly string[]): Step {
  const path = FILES.chronySources;
  const lines = servers.map((one) => (isIPv4(one) ? `server ${one}` : `pool ${one}`)).toSorted();
  return {
    id: 'time/sources',
    title: 'Follow the time servers of cluster.yaml',
    why: 'All nodes must follow the same clocks, and on a network without the internet the servers of the distribution never answer. Those are set aside, so that no two kinds of time are mixed.',
    see: ['man 5 chrony.conf'],
    after: ['time/installed'],
    read: sh`cat ${FILES.chrony} ${FOLDERS} 2>/dev/null | awk '${SERVER} { print $1, $2 }' | sort`,
    want: lines.join('\n'),
    make: sh`
      for path in ${FILES.chrony} ${FOLDERS}; do
        if [ -e "$path" ] && [ "$path" != ${path} ]; then
          ${bringBack}
          ${setAside(SERVER)}
        fi
      done
      mkdir -p ${folder(path)}
      printf '%s\n' '# Written by Landfall.' ${lines.map((line) => `${line} iburst`)} >${draft(path)}
      ${inPlace(path)}`,
    undo: sourcesBack,
    writes: [FILES.chrony, path],
    clues: DISK_CLUES,
  };
}

function ownSources(): Step {
  return left(
    {
      id: 'time/sources',
      title: 'Follow the time servers of the distribution',
      why: 'The time servers of the distribution are there for everybody who reaches the internet. Others that cluster.yaml may have named before are taken out again.',
      see: ['man 5 chrony.conf'],
      after: ['time/installed'],
    },
    sh`[ -e ${FILES.chronySources} ] || grep -qs '^#landfall# ' ${FILES.chrony} ${FOLDERS}`,
    sourcesBack,
  );
}

function running(): Step {
  const unit = 'chrony';
  const made = service(
    {
      id: 'time/running',
      title: 'Run chrony, now and after every boot',
      why: 'A clock is kept only while something keeps it: it must start with the host, and follow the servers its files name by now.',
      see: ['man 8 chronyd'],
      after: ['time/installed', 'time/sources'],
      within: 10,
      awaits: 'chrony',
    },
    {
      unit,
      reads: ['/etc/chrony', '/etc/default/chrony'],
      program: '/usr/sbin/chronyd',
      socket: '/run/chrony/chronyd.sock',
    },
  );
  return {
    ...made,
    make: sh`
      ${noteUnit('chrony.service')}
      systemctl -q unmask ${unit}
      systemctl enable ${unit}
      systemctl restart ${unit}`,
    undo: restoreUnits(String.raw`chrony\.service`),
  };
}

/**
 * chrony asks its servers eight times when it starts, two seconds apart. One that heard too few answers then, as the network was not
 * there yet, asks next after two minutes. Where none has told it anything for 15 seconds it is to ask now: nothing of the host is
 * changed by that, and a burst that is going on is left alone (chrony's ntp_core.c, NCR_InitiateSampleBurst).
 */
const SOURCES = sh`
  timeout 5 chronyc -n -c sources 2>&1 | awk -F , '
    $2 == "*" { n++ }
    $7 < 15 { heard = 1 }
    END { print "source: " (n ? "selected" : "none selected"); exit !(n || heard) }
  ' || timeout 5 chronyc burst 4/8 >/dev/null 2>&1 || :`;

function judged(maxOffset: number): Step {
  return check(
    {
      id: 'time/synchronised',
      title: 'Have the right time',
      why: 'That the program runs proves little: with no server that answers it runs as well, and the clock goes its own way. chrony says itself which server it follows, and how far off the clock is.',
      see: ['man 1 chronyc'],
      after: ['time/running'],
      within: 90,
      awaits: 'a time server',
      clues: CLUES,
    },
    {
      read: sh`
        if said=$(timeout 5 chronyc -n -c tracking 2>&1); then
          printf '%s\n' "$said" | awk -F , -v bound=${maxOffset / 1000} '{
            off = $5 < 0 ? -$5 : +$5
            print "leap: " $14
            print "offset: " (off <= bound ? "within " bound * 1000 " ms" : $5 " s")
          }'
          ${SOURCES}
        else echo "chrony does not answer: $said"; fi`,
      want: `leap: Normal\noffset: within ${maxOffset} ms\nsource: selected`,
    },
  );
}

function timeLeft(): Step {
  return left(
    {
      id: 'time/left',
      title: 'Leave the clock to the program the host has',
      why: 'cluster.yaml says time: { service: keep }. Had Landfall put chrony in its place before, the other comes back.',
    },
    sh`[ -e ${NOTES.timeService} ]`,
    sh`
      ${restoreUnits(String.raw`chrony\.service`)}
      ${sourcesBack}
      ${packageBack}`,
  );
}

function kept(): Step {
  return check(
    {
      id: 'time/synchronised',
      title: 'Have the right time',
      why: 'Certificates, tokens and the members of etcd compare clocks. Which program keeps this one is your choice; that one does is not.',
      see: ['man 1 timedatectl'],
      within: 60,
      awaits: 'a time server',
      clues: CLUES,
    },
    {
      read: sh`
        if timeout 5 chronyc -n -c tracking 2>/dev/null | grep -q ',Normal$' || [ "$(timeout 5 timedatectl show -p NTPSynchronized --value 2>/dev/null)" = yes ]; then echo synchronised
        else echo 'not synchronised'; fi`,
      want: 'synchronised',
    },
  );
}
