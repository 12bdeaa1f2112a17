import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { provenLogin, readAgain, takeTurn } from './sshd.ts';
import type { Clue, Step } from './step.ts';

/** A setting of sshd as sshd itself prints it, in small letters, and as it is written. */
interface Setting {
  readonly key: string;
  readonly value: string;
}

const READ = 'sshd has read its files';

const EARLIER: Clue = {
  match: /, says \//,
  means:
    'sshd takes the first value it reads of a setting, and the file that is named comes before ours: it sorts earlier, or stands in sshd_config before the Include',
  try: 'take the setting out of the file that is named, or ask who put it there; then run it again',
};

const MATCHED: Clue = {
  match: /, says \/etc\/ssh\/sshd_config$/,
  means: 'sshd_config itself sets it, before its Include or in a Match block',
  try: 'grep -n -i -e match -e include /etc/ssh/sshd_config; move the Include to its first line',
};

/**
 * Settings of sshd in a file of their own. The reading is what sshd makes of all its files together, for a login by this user;
 * who says so when it is not as wanted; and whether the sshd that runs has read them since they were last written.
 * @param guard what must hold before it is closed, beside the login that was just made from outside.
 */
function settings(
  about: Pick<Step, 'id' | 'title' | 'why'>,
  path: string,
  wanted: readonly Setting[],
  user: string,
  guard: Shell,
): Step {
  const text = `# Written by Landfall. sshd takes the first value it reads: this file is read before others.\n${wanted.map(({ key, value }) => `${key} ${value}\n`).join('')}`;
  const pairs = wanted.map(({ key, value }) => `${key.toLowerCase()} ${value}`);
  return {
    ...about,
    see: ['man 5 sshd_config'],
    read: sh`
      # prohibit-password goes by its old name there.
      all=$(sshd -T -C ${`user=${user},host=localhost,addr=127.0.0.1`} 2>&1 | sed 's/^\(permitrootlogin\) without-password$/\1 prohibit-password/')
      for pair in ${pairs}; do
        key=\${pair% *}
        has=$(printf '%s\n' "$all" | sed -n "s/^$key //p")
        if [ "$key $has" = "$pair" ]; then echo "$pair"
        else
          says=$(grep -Eils "^[[:space:]]*\${key}[[:space:]=]" /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config | head -n 1)
          echo "$key \${has:-$all}\${says:+, says $says}"
        fi
      done
      newer=
      if systemctl -q is-active ssh.service; then
        since=$(systemctl show -p StateChangeTimestamp --value --timestamp=us+utc ssh.service)
        newer=$(find /etc/ssh/sshd_config /etc/ssh/sshd_config.d -newermt "$since" 2>/dev/null | head -n 1)
      fi
      if [ -n "$newer" ]; then echo "sshd has not read $newer yet"; else echo ${READ}; fi`,
    want: [...pairs, READ].join('\n'),
    make: sh`
      ${takeTurn}
      ${provenLogin}
      ${guard}
      mkdir -p ${folder(path)}
      cat >${draft(path)} ${heredoc(text)}
      chmod 0644 ${draft(path)}
      ${inPlace(path)}
      sshd -t || { ${putBack(path)}; exit 1; }
      ${readAgain}`,
    undo: sh`
      ${putBack(path)}
      if command -v sshd >/dev/null 2>&1; then
        sshd -t
        ${readAgain}
      fi`,
    writes: [path],
    clues: [
      MATCHED,
      EARLIER,
      {
        match: /nobody has just logged in/,
        means: 'Landfall closes nothing before it has made a second login from outside, in the same run',
        try: 'landfall apply, or with --only login, makes that login first',
      },
      {
        match: /came in as root/,
        means:
          'the login that was made from outside was one of root: forbidding it would lock Landfall out, and you with it',
        try: 'name a user whose sudo asks for no password in ssh.user, or be content with host.ssh.rootLogin: keys',
      },
    ],
  };
}

/** Who may log in, and with what: as cluster.yaml wishes. */
export function loginSettings({ cluster }: Scene): readonly Step[] {
  const { passwords, rootLogin } = cluster.host.ssh ?? {};
  return [
    ...(passwords === undefined
      ? []
      : [
          settings(
            {
              id: 'login/passwords',
              title: 'Take keys alone',
              why: 'On a public address somebody tries passwords every few seconds. There is nothing to try where none is taken.',
            },
            FILES.sshPasswords,
            [
              { key: 'PasswordAuthentication', value: 'no' },
              { key: 'KbdInteractiveAuthentication', value: 'no' },
            ],
            'anybody',
            sh`:`,
          ),
        ]),
    ...(rootLogin === undefined
      ? []
      : [
          settings(
            {
              id: 'login/root',
              title: rootLogin === 'keys' ? 'Let root log in with a key alone' : 'Let root log in no more',
              why:
                rootLogin === 'keys'
                  ? 'root is the one name everybody can guess, and its password would be the whole host; a key nobody can guess.'
                  : 'Whoever logs in as themselves and becomes root by sudo is named in the log, and can be shut out alone.',
            },
            FILES.sshRoot,
            [{ key: 'PermitRootLogin', value: rootLogin === 'keys' ? 'prohibit-password' : 'no' }],
            'root',
            rootLogin === 'keys'
              ? sh`:`
              : sh`if [ "$(id -u "$user")" = 0 ]; then echo "the login from outside came in as root"; exit 1; fi`,
          ),
        ]),
  ];
}
