import { type Shell, sh } from '../shell/sh.ts';
import { FIREWALL_STATE, WISHED } from './places.ts';
import { provenFile, type Rollback } from './rollback.ts';

/** The table of Landfall's own, in which all rules are. */
export const TABLE = 'landfall';

/** The unit that loads the rules at boot. */
export const UNIT = 'landfall-firewall.service';

/** New rules, which the host takes back unless somebody comes in under them. */
export const TRIAL: Rollback = {
  state: FIREWALL_STATE,
  unit: 'landfall-firewall-back',
  description: 'Landfall: take the new firewall rules back',
};

/** The rules that are loaded and not yet confirmed. */
export const PENDING = `${FIREWALL_STATE}/rules.nft`;

/** Written by who has come in under them. */
export const CAME_IN = provenFile(TRIAL);

/** Takes the table away, if it is there. */
export const noTable = sh`
  if nft list table inet ${TABLE} >/dev/null 2>&1; then nft delete table inet ${TABLE}; fi`;

/** Has the kernel hold the rules that were last confirmed, or none. Rules it does not take are worse than none: nobody would come in. */
export const confirmedRules = sh`
  if [ -e ${WISHED.firewall} ] && nft -f ${WISHED.firewall}; then :; else
    ${noTable}
  fi`;

/** What is run when nobody has come in. */
export const backScript = sh`
  [ -e ${`${FIREWALL_STATE}/armed`} ] || exit 0
  ${confirmedRules}
  rm -f ${`${FIREWALL_STATE}/armed`} ${PENDING} ${CAME_IN}`;

/** The rules without what the kernel adds while they are at work: whom it has seen, and how often. */
const plain = sh`awk '
  /^\tset seen/ { seen = 1 } /^\t}/ { seen = 0 }
  seen && /elements = / { skip = 1 }
  !skip { print }
  skip && / }$/ { skip = 0 }'`;

/**
 * Prints the text of the rules that are meant to hold now, and what the kernel has of them. Both are printed by the same nft, once
 * from the kernel and once from a network of its own in which only these rules are: so whatever nft's release makes of their form,
 * it makes of both.
 */
export const rulesNow: Shell = sh`
  file=${PENDING}
  [ -e "$file" ] || file=${WISHED.firewall}
  cat "$file" 2>/dev/null || echo 'no rules'
  has=$(nft -s list table inet ${TABLE} 2>/dev/null | ${plain})
  if [ -z "$has" ]; then echo 'the kernel has none'
  elif ! [ -e "$file" ]; then echo 'the kernel has some of another hand'
  else
    should=$(unshare -n sh -c ${`nft -f "$0" && nft -s list table inet ${TABLE}`} "$file" | ${plain})
    if [ "$has" = "$should" ]; then echo 'the kernel has the same'
    else
      echo 'the kernel has others:'
      at=$(mktemp)
      printf '%s\n' "$has" >"$at"
      printf '%s\n' "$should" | diff - "$at" | sed -n -e 's/^<[[:space:]]*/- /p' -e 's/^>[[:space:]]*/+ /p' | head -n 20
      rm -f "$at"
    fi
  fi`;
