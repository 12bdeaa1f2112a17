import { lines, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import type { Scene } from './phase.ts';
import { WISHED } from './places.ts';
import type { Step } from './step.ts';

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const REFRESH = sh`update-ca-certificates --fresh >/dev/null`;

/** Authorities of the user's own, trusted by all that reads the system's list. */
export function trustSteps({ cluster }: Scene): readonly Step[] {
  const { trust } = cluster;
  if (trust === undefined) return [];
  const dir = WISHED.authorities;
  const draft = `${dir}.new`;
  const write = trust.map(({ file, pem }) => sh`printf '%s' ${pem} >${`${draft}/${file}`}`);
  return [
    {
      id: 'trust/authorities',
      title: 'Lay the certificates of your authorities down',
      why: 'A registry, a mirror or a proxy of your own shows a certificate that no authority of the distribution has signed. Each of yours is a file here, and whatever else lies in this folder is taken away: who is taken off the list is trusted no longer.',
      see: ['man 8 update-ca-certificates'],
      read: sh`
        for path in ${`${dir}/`}*; do
          if [ -e "$path" ]; then echo "\${path##*/} $(stat -c '%04a %U:%G' "$path") $(sha256sum <"$path" | cut -c 1-64)"; fi
        done | grep . || echo none`,
      want:
        trust.length === 0
          ? 'none'
          : trust
              .map(({ file, sha256 }) => `${file} 0644 root:root ${sha256}`)
              .sort()
              .join('\n'),
      make: sh`
        rm -rf ${draft}
        mkdir -p ${draft}
        ${lines(sh`:`, ...write)}
        find ${draft} -type f -exec sync {} +
        rm -rf ${dir}
        mv -T ${draft} ${dir}`,
      undo: sh`
        if [ -e ${dir} ] || [ -e ${draft} ]; then
          rm -rf ${dir} ${draft}
          ${REFRESH}
        fi`,
      clues: DISK_CLUES,
    },
    {
      id: 'trust/known',
      title: 'Have every program trust them',
      why: 'Programs do not read those files but one list made of them and of what the distribution brings. A file that is not in it is only paper, and one that is gone is trusted as long as it is.',
      see: ['man 8 update-ca-certificates'],
      after: ['trust/authorities'],
      read: sh`
        certs() { awk '/-BEGIN CERT/ { one = ""; next } /-END CERT/ { print one; next } { one = one $0 }' "$@" 2>/dev/null; }
        all=$(certs ${BUNDLE})
        {
          for path in ${`${dir}/`}*.crt; do
            [ -e "$path" ] || continue
            printf '%s\n' "$all" | grep -qxF -e "$(certs "$path")" || echo "\${path##*/} is not in the list"
          done
          find /etc/ssl/certs -xtype l -lname ${`${dir}/*`} -printf '%l is trusted and gone\n'
        } | grep . || echo 'all known'`,
      want: 'all known',
      make: REFRESH,
      clues: [
        {
          match: /update-ca-certificates: not found/,
          means: 'the package that keeps the list is not there',
          try: 'apt-get install ca-certificates',
        },
        ...DISK_CLUES,
      ],
    },
  ];
}
