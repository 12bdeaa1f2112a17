import type { Attempt, Rule } from './attempt.ts';
import { asTyped, called, lastLines, line } from './attempt.ts';

/** Who we were there, as `id` said after sudo had refused. */
function who({ stderr, target }: Attempt): { readonly user: string; readonly groups: readonly string[] } {
  const found = /^uid=\d+\(([^)]+)\).*?(?:groups=(.*))?$/m.exec(stderr);
  const groups = [...(found?.[2] ?? '').matchAll(/\(([^)]+)\)/g)].map((group) => group[1] ?? '');
  return { user: found?.[1] ?? target.user ?? 'the user', groups };
}

function sudoers(user: string): string {
  return `on the host, as root: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/90-${user.replaceAll('.', '_')}; visudo -c`;
}

const password: Rule = (attempt) => {
  const said = line(
    attempt.stderr,
    /^sudo: (a password is required|a terminal is required to read the password|no askpass program)|^sudo: interactive authentication is required/,
  );
  if (said === undefined) return undefined;
  const { user, groups } = who(attempt);
  const trusted = groups.find((group) => ['sudo', 'wheel', 'admin'].includes(group));
  return {
    code: 'ssh/sudo-password',
    summary: `sudo on ${called(attempt.target)} wants a password from ${user}`,
    saw: said,
    why:
      trusted === undefined
        ? `Landfall types none; sudo says the same to a user who is not in sudoers at all, and ${user} is in no group that usually is`
        : `Landfall types none; ${user} is in the group ${trusted}, which asks for one`,
    try: sudoers(user),
  };
};

const terminal: Rule = (attempt) => {
  const said = line(attempt.stderr, /you must have a tty to run sudo|no tty present/);
  if (said === undefined) return undefined;
  const { user } = who(attempt);
  return {
    code: 'ssh/sudo-tty',
    summary: `sudo on ${called(attempt.target)} works only on a terminal`,
    saw: said,
    why: 'requiretty is set in its sudoers; Landfall has no terminal there',
    try: `on the host, as root: echo 'Defaults:${user} !requiretty' > /etc/sudoers.d/89-tty; visudo -c`,
  };
};

const notSudoer: Rule = (attempt) => {
  const said = line(
    attempt.stderr,
    /is not in the sudoers file|may not run sudo|is not allowed to (execute|run sudo)/,
  );
  if (said === undefined) return undefined;
  const { user } = who(attempt);
  return {
    code: 'ssh/not-a-sudoer',
    summary: `${user} may not become root on ${called(attempt.target)}`,
    saw: said,
    why: 'everything Landfall does there needs root',
    try: sudoers(user),
  };
};

const noSudo: Rule = (attempt) => {
  const said = line(attempt.stderr, /sudo: (command )?not found|sudo: No such file/);
  if (said === undefined) return undefined;
  const { user } = who(attempt);
  return {
    code: 'ssh/no-sudo',
    summary: `there is no way to root on ${called(attempt.target)}: we are ${user}, and it has no sudo`,
    saw: said,
    why: 'everything Landfall does there needs root',
    try: `log in as root (ssh.user in cluster.yaml), or at its console, as root: apt-get install sudo; then ${sudoers(user)}`,
  };
};

const brokenSudo: Rule = (attempt) => {
  const said = line(attempt.stderr, /^sudo: .*(setuid bit|nosuid|no new privileges|effective uid is not 0)/i);
  if (said === undefined) return undefined;
  return {
    code: 'ssh/no-sudo',
    summary: `sudo on ${called(attempt.target)} has no power to make us root`,
    saw: said,
    why: 'its setuid bit is gone, its file system is mounted nosuid, or sshd runs with no_new_privs',
    try: 'at its console, as root: chown root:root /usr/bin/sudo; chmod 4755 /usr/bin/sudo; findmnt -T /usr/bin/sudo',
  };
};

const full: Rule = (attempt) => {
  const said = line(`${attempt.stderr}\n${attempt.stdout}`, /No space left on device|Disk quota exceeded/);
  if (said === undefined) return undefined;
  return {
    code: 'ssh/disk-full',
    summary: `a disk of ${called(attempt.target)} is full, so that no root shell starts there`,
    saw: said,
    why: 'sudo and the shell write before they do anything',
    try: `${asTyped(attempt.target)}   df -h; df -i; then make room`,
  };
};

const otherSudo: Rule = (attempt) => {
  const said = line(attempt.stderr, /^sudo: /);
  if (said === undefined) return undefined;
  return {
    code: 'ssh/sudo-failed',
    summary: `sudo on ${called(attempt.target)} fails`,
    saw: lastLines(attempt.stderr),
    why: 'everything Landfall does there needs root',
    try: `${asTyped(attempt.target)}   sudo -n id   should say uid=0(root)`,
  };
};

const noShell: Rule = (attempt, { authenticated }) => {
  const said = lastLines(`${attempt.stderr}\n${attempt.stdout}`);
  if (!authenticated || attempt.status === 255) return undefined;
  const account = /account is currently not available|nologin/.test(said);
  return {
    code: 'ssh/no-shell',
    summary: account
      ? `the user for ${called(attempt.target)} has no shell there`
      : `${called(attempt.target)} let us in and then ran no shell`,
    saw: said === '' ? `it ended with ${attempt.status} and said nothing` : said,
    why: account
      ? 'its login shell is nologin: the account is not for logging in'
      : 'a ForceCommand, a restricted key, or a login shell that is none (/bin/false) came in its place',
    try: `another user: ssh.user in cluster.yaml; or look: ${asTyped(attempt.target)} id`,
  };
};

/** We are on the host, and have no root shell. */
export const ROOT: readonly Rule[] = [
  full,
  terminal,
  notSudoer,
  noSudo,
  brokenSudo,
  password,
  otherSudo,
  noShell,
];
