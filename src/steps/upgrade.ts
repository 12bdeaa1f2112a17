import { sh } from '../shell/sh.ts';
import { APT_CLUES } from './clues.ts';
import { draft, inPlace } from './kinds/file.ts';
import { APT, patient, updateIndexes } from './kinds/packages.ts';
import type { Scene } from './phase.ts';
import { ACTS } from './places.ts';
import type { Step } from './step.ts';

/** What apt would install now, a line each: `NAME VERSION`; held packages are not among it. */
const waiting = sh`apt-get -s upgrade --with-new-pkgs 2>/dev/null | sed -n 's/^Inst \([^ ]*\).* (\([^ ]*\) .*/\1 \2/p'`;

/**
 * All packages at the newest version the distribution has. Archives move every day, so the reading is when this was last
 * done and not whether it could be done again: a plan that was empty stays empty.
 */
export function upgradeSteps({ cluster }: Scene): readonly Step[] {
  const { upgrade } = cluster.host;
  if (upgrade === 'never') return [];
  const days = upgrade === 'once' ? undefined : Number.parseInt(upgrade, 10);
  const want = days === undefined ? 'upgraded' : `upgraded in the last ${days} days`;
  // A clock that was set back makes an upgrade young, never old.
  const isYoung = days === undefined ? sh`:` : sh`[ $((($(date +%s) - at) / 86400)) -lt ${days} ]`;
  return [
    {
      id: 'system/upgraded',
      title: days === undefined ? 'Upgrade all packages, once' : `Upgrade all packages every ${days} days`,
      why: 'The image of a server is weeks or years old, and so are the holes in it. They are mended while nothing runs here yet that a restart could disturb. Packages that are held stay where they are, and configuration files keep what was written into them.',
      see: ['man 8 apt-get'],
      after: ['prepare/dpkg'],
      disturbs: 'service',
      read: sh`
        at=$(cat ${ACTS.upgraded} 2>/dev/null)
        case $at in
          '' | *[!0-9]*) echo "not yet; packages that wait, as far as apt has heard: $(${waiting} | grep -c .)" ;;
          *) if ${isYoung}; then echo ${want}; else echo "last on $(date -u -d "@$at" +%F)"; fi ;;
        esac`,
      want,
      make: sh`
        ${updateIndexes}
        ${patient(sh`${APT} upgrade --with-new-pkgs`)}
        left=$(${waiting})
        if [ -n "$left" ]; then echo 'still to be upgraded:'; echo "$left"; exit 1; fi
        date +%s >${draft(ACTS.upgraded)}
        ${inPlace(ACTS.upgraded)}`,
      clues: APT_CLUES,
    },
  ];
}
