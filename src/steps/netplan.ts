import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { ASIDE, rewrite } from './kinds/aside.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { FILES } from './places.ts';
import type { Step } from './step.ts';

const SHORTENED = '# shortened by Landfall';

/**
 * Finds what netplan's YAML says of IPv6: addresses, name servers, routes and switches, each with all that belongs to it, and
 * keys of which nothing else is left. It reads block style and lists in brackets of one line, which is what cloud-init,
 * installers and people write. With `edit` it prints the file with these lines set aside, else only the lines it found.
 */
const FIND = sh`
    function indent(s) { match(s, /^ */); return RLENGTH }
    function plain(s) { sub(/[ \t]+#.*$/, "", s); sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }
    function isSix(w) {
      gsub(/["\047]/, "", w); sub(/\/[0-9]+$/, "", w); sub(/%.*$/, "", w)
      if (w !~ /:.*:/ || w ~ /[^0-9A-Fa-f:.]/) return 0
      # Six pairs are the address of a network card.
      return !(length(w) == 17 && split(w, pairs, ":") == 6)
    }
    function last(i, j) { for (j = i + 1; j <= n && (text[j] == "" || deep[j] > deep[i]); j++); return j - 1 }
    function take(i, to) { for (; i <= to; i++) if (text[i] != "") hit[i] = 1 }
    { line[NR] = $0; text[NR] = plain($0); if (text[NR] ~ /^#/) text[NR] = ""; deep[NR] = indent($0); n = NR }
    END {
      for (i = 1; i <= n; i++) {
        t = text[i]
        if (t == "" || hit[i]) continue
        if (t ~ /^(dhcp6|accept-ra): *(true|yes|on)$/ || t ~ /^(gateway6|dhcp6-overrides|ipv6-[a-z-]*):/) { take(i, last(i)); continue }
        if (t ~ /^- /) {
          item = t; sub(/^- */, "", item)
          if (isSix(item) || (item ~ /:$/ && isSix(substr(item, 1, length(item) - 1)))) { take(i, last(i)); continue }
          six = 0
          for (j = i; j <= last(i); j++) {
            word = text[j]; sub(/^- */, "", word)
            if (word ~ /^(to|via|from): */) { sub(/^[a-z]+: */, "", word); if (isSix(word)) six = 1 }
            if (word ~ /^\{/) { m = split(word, words, /[ ,{}]+/); for (k = 1; k <= m; k++) if (isSix(words[k])) six = 1 }
          }
          if (six) { take(i, last(i)); continue }
        }
        if (t ~ /^[a-z0-9-]+: *\[.*\]$/) {
          key = t; sub(/: *\[.*$/, "", key)
          list = t; sub(/^[^[]*\[ */, "", list); sub(/ *\]$/, "", list)
          m = split(list, words, / *, */); rest = ""; six = 0
          for (k = 1; k <= m; k++) { if (isSix(words[k])) six = 1; else if (words[k] != "") rest = rest (rest == "" ? "" : ", ") words[k] }
          if (six) { hit[i] = 1; if (rest != "") instead[i] = sprintf("%*s%s: [%s]", deep[i], "", key, rest) }
        }
      }
      # A key of which nothing is left goes too: netplan takes none that is empty.
      do {
        more = 0
        for (i = 1; i <= n; i++) if (text[i] ~ /^[^ ]*:$/ && !hit[i]) {
          all = 1; children = 0
          for (j = i + 1; j <= n && (text[j] == "" || deep[j] > deep[i] || (deep[j] == deep[i] && text[j] ~ /^- / && text[i] !~ /^- /)); j++)
            if (text[j] != "") { children++; if (!hit[j] || instead[j] != "") all = 0 }
          if (children > 0 && all) { hit[i] = 1; more = 1 }
        }
      } while (more)
      for (i = 1; i <= n; i++) {
        if (!edit) { if (hit[i]) print name ": " text[i]; continue }
        print (hit[i] ? aside : "") line[i]
        if (instead[i] != "") print instead[i] " " shortened
      }
    }`;

/** Prints the netplan file `$path` without what it says of IPv6. */
const withoutSix = sh`awk -v edit=1 -v aside=${ASIDE} -v shortened=${SHORTENED} '${FIND}' "$path"`;

const NETWORK_OFF = 'network: {config: disabled}';

/** Takes back what {@link netplanStep} made. */
export const netplanBack = sh`
  for path in /etc/netplan/*.yaml; do
    if grep -q -e ${`^${ASIDE}`} "$path" 2>/dev/null; then
      ${rewrite(sh`sed -e ${`/ ${SHORTENED}$/d`} -e ${`s/^${ASIDE}//`} "$path"`)}
    fi
  done
  if [ -d ${folder(FILES.cloudNetwork)} ]; then ${putBack(FILES.cloudNetwork)}; fi`;

/** A command that succeeds when {@link netplanStep} has changed something. */
export const netplanChanged = sh`grep -qs -e ${`^${ASIDE}`} /etc/netplan/*.yaml || [ -e ${FILES.cloudNetwork} ]`;

/** No IPv6 in netplan's files, and cloud-init kept from writing it there anew. */
export function netplanStep(): Step {
  const cloud = FILES.cloudNetwork;
  return {
    id: 'ipv6/netplan',
    title: 'Take IPv6 out of netplan',
    why: 'With IPv6 gone, an address or a route of it that is still asked for cannot be given: systemd waits for it at the next boot, two minutes and more, before anything else of the network starts.',
    see: ['https://netplan.readthedocs.io/en/stable/netplan-yaml/'],
    read: sh`
      {
        for path in /etc/netplan/*.yaml; do
          if [ -e "$path" ]; then awk -v name="$path" '${FIND}' "$path"; fi
        done
        if [ -e /etc/cloud/cloud.cfg ] && [ -d /etc/netplan ] && ! grep -qsx ${NETWORK_OFF} ${cloud}; then echo 'cloud-init may write it anew'; fi
      } | grep . || echo 'no IPv6'`,
    want: 'no IPv6',
    make: sh`
      for path in /etc/netplan/*.yaml; do
        if [ -z "$(awk -v name="$path" '${FIND}' "$path")" ]; then continue; fi
        ${rewrite(withoutSix)}
      done
      if [ -e /etc/cloud/cloud.cfg ]; then
        printf '%s\n' '# Written by Landfall.' ${NETWORK_OFF} >${draft(cloud)}
        ${inPlace(cloud)}
      fi
      # What netplan itself cannot read must not meet the next boot.
      if command -v netplan >/dev/null 2>&1 && ! netplan generate; then
        ${netplanBack}
        echo 'netplan does not take its files without IPv6; they are as they were'; exit 1
      fi`,
    undo: sh`
      ${netplanBack}
      if command -v netplan >/dev/null 2>&1; then netplan generate || :; fi`,
    writes: [cloud],
    clues: [
      {
        match: /netplan does not take its files/,
        means: 'the files are written in a way this step does not understand',
        try: 'take every IPv6 address, name server and route out of /etc/netplan/*.yaml by hand, and try netplan generate',
        diagnosis: 'H02',
      },
      ...DISK_CLUES,
    ],
  };
}
