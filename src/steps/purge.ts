import { sh } from '../shell/sh.ts';
import { APT_CLUES } from './clues.ts';
import { draft, inPlace } from './kinds/file.ts';
import { APT, patient, updateIndexes } from './kinds/packages.ts';
import type { Scene } from './phase.ts';
import { ACTS } from './places.ts';
import type { Step } from './step.ts';

/** What the programs of these packages write by themselves, and purging takes away. */
const WRITTEN = ['etc/multipath.conf', 'etc/multipath', 'etc/polkit-1', 'etc/udisks2'] as const;

/**
 * Of the packages in $1 those that can go, in dpkg's order: they are installed, and neither a disk nor a package that stays
 * needs them. A metapackage, which holds nothing but a list, is no reason to stay: it goes along.
 */
const DISPENSABLE = String.raw`
  BEGIN { n = split(list, names, " "); for (i = 1; i <= n; i++) goes[names[i]] = 1 }
  $1 == "installed" { has[$3] = $4; meta[$3] = $2 ~ /metapackages$/ }
  function needs(p, d, i, m, part) {
    m = split(has[p], part, /[,|] */)
    for (i = 1; i <= m; i++) { d = part[i]; sub(/[ :(].*/, "", d); if (d in goes && d in has && !(d in stays) && d != p) return d }
    return ""
  }
  END {
    do { more = 0; for (p in has) if (meta[p] && !(p in goes) && needs(p) != "") { goes[p] = 1; more = 1 } } while (more)
    if (disks != "") stays["multipath-tools"] = 1
    do {
      more = 0
      for (p in has) if (!(p in goes) || p in stays) while ((d = needs(p)) != "") { stays[d] = 1; more = 1 }
    } while (more)
    for (p in has) if (p in goes && !(p in stays) && (!meta[p] || needs(p) != "")) print p
  }`;

/** What a node has no use for: less that runs as root, and less that reaches for its disks. */
export function purgeSteps({ cluster }: Scene): readonly Step[] {
  const { purge } = cluster.host;
  if (purge.length === 0) return [];
  const format = '${db:Status-Status}\\t${Section}\\t${Package}\\t${Pre-Depends}, ${Depends}\\n';
  const dispensable = sh`
    dpkg-query -W -f ${format} | awk -F '\t' -v list=${purge.join(' ')} \
      -v disks="$(grep -ls '^mpath-' /sys/block/dm-*/dm/uuid)" ${DISPENSABLE} | sort`;
  const spare = sh`apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort`;
  const { purged } = ACTS;
  return [
    {
      id: 'system/purged',
      title: 'Remove what a node has no use for',
      why: 'Each service is something to attack and something to patch, and multipathd takes hold of the very disks that storage for pods wants. What is in use here, or what another package needs, stays; what came only for those that go, goes with them.',
      see: ['https://longhorn.io/kb/troubleshooting-volume-with-multipath/', 'man 8 multipathd'],
      after: ['prepare/dpkg'],
      disturbs: 'service',
      read: sh`
        found=$(${dispensable})
        if [ -n "$found" ]; then echo "$found"
        elif [ -e ${`${purged}/spare`} ]; then echo 'what came only for them'
        else echo none; fi`,
      want: 'none',
      make: sh`
        found=$(${dispensable})
        mkdir -p ${purged}
        if ! [ -e ${`${purged}/spare`} ]; then
          apt-mark showauto >${`${purged}/auto`}
          ${spare} >${draft(`${purged}/spare`)}
          ${inPlace(`${purged}/spare`)}
        fi
        # Noted before they go: their names, and their configuration as it is.
        note() {
          printf '%s\n' "$@" >>${`${purged}/packages`}
          conffiles=$(dpkg-query -W -f ${'${Conffiles}\\n'} "$@" | awk '$1 ~ /^\// { print substr($1, 2) }')
          for path in $conffiles ${WRITTEN}; do
            if [ -e "/$path" ]; then tar -C / --append -f ${`${purged}/files.tar`} "$path"; fi
          done
          sync ${`${purged}/packages`}
        }
        if [ -n "$found" ]; then
          note $found
          ${patient(sh`dpkg --purge $found`)}
        fi
        rest=$(${spare} | grep -vxFf ${`${purged}/spare`}) || :
        if [ -n "$rest" ]; then
          note $rest
          ${patient(sh`${APT} purge $rest`)}
        fi
        rm ${`${purged}/spare`}`,
      undo: sh`
        if [ -e ${`${purged}/packages`} ]; then
          # Its configuration goes before a package, so that nothing starts with another; dpkg lays its own beside it.
          if [ -e ${`${purged}/files.tar`} ]; then tar -C / -xpf ${`${purged}/files.tar`}; fi
          ( ${updateIndexes} ) || :
          names=$(sort -u ${`${purged}/packages`})
          ${patient(sh`${APT} install --no-install-recommends $names`)}
          if [ -e ${`${purged}/files.tar`} ]; then
            tar -tf ${`${purged}/files.tar`} | while read -r path; do rm -f "/$path.dpkg-dist"; done
          fi
          auto=$(sort -u ${`${purged}/packages`} | grep -xFf ${`${purged}/auto`}) || :
          if [ -n "$auto" ]; then apt-mark auto $auto; fi
        fi
        rm -rf ${purged}`,
      clues: [
        {
          match: /^ .* depends on /,
          means: 'another package that stays needs one of these, in a way that shows only now',
          try: 'take it off host.purge in cluster.yaml, or put the one that needs it on the list as well',
        },
        ...APT_CLUES,
      ],
    },
  ];
}
