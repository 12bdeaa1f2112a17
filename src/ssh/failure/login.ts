import { quote } from '../../shell/sh.ts';
import type { Attempt, Rule } from './attempt.ts';
import { asTyped, called, lastLines, line } from './attempt.ts';
import type { Trail } from './trail.ts';

function denied({ words }: Trail): string | undefined {
  return line(words, /Permission denied \(/);
}

/** The user ssh logged in as: `ops@10.0.0.1: Permission denied …` says so. */
function userOf(trail: Trail, { target }: Attempt): string {
  return /^(\S+)@\S+: Permission denied/.exec(denied(trail) ?? '')?.[1] ?? target.user ?? 'the user';
}

function offers({ offered }: Trail): string {
  return offered
    .map((key) => `offered: ${key.name} ${key.fingerprint}${key.fromAgent ? ' (agent)' : ''}`)
    .join('\n');
}

const tooMany: Rule = ({ target }, trail) => {
  const said = line(trail.words, /Too many authentication failures/);
  if (said === undefined) return undefined;
  return {
    code: 'ssh/too-many-keys',
    summary: `${called(target)} hung up after ${trail.offered.length} keys, before the right one came`,
    saw: `${offers(trail)}\n${said}`,
    why: 'the agent holds many keys, each offered key counts as a failed try, and sshd allows six (MaxAuthTries)',
    try: 'name the key: ssh.identityFile in cluster.yaml, or IdentityFile and IdentitiesOnly yes in your ssh_config',
  };
};

const openKey: Rule = ({ target }, trail) => {
  const said = line(trail.words, /^Permissions \d+ for '.*' are too open/);
  if (said === undefined || denied(trail) === undefined) return undefined;
  const file = /for '(.*)' are/.exec(said)?.[1] ?? 'the key';
  return {
    code: 'ssh/key-too-open',
    summary: `the private key for ${called(target)} can be read by others, so ssh does not use it`,
    saw: said,
    why: 'whoever could read it may have a copy',
    try: `chmod 600 ${file}`,
  };
};

const notIn: Rule = (attempt, trail) => {
  if (denied(trail) === undefined || trail.accepted.length === 0 || !trail.refusedAfterAccepted)
    return undefined;
  const user = userOf(trail, attempt);
  return {
    code: 'ssh/user-refused',
    summary: `${called(attempt.target)} knows the key, but does not let ${user} log in`,
    saw: `accepted: ${trail.accepted.join(', ')}\n${denied(trail) ?? ''}`,
    why:
      user === 'root'
        ? 'its sshd says PermitRootLogin no, or AllowUsers leaves root out'
        : 'AllowUsers, AllowGroups, a second factor, or the account itself (expired, locked) stands in the way',
    try:
      user === 'root'
        ? 'log in as a user with sudo: ssh.user in cluster.yaml'
        : `on the host: journalctl -u ssh -n 20; passwd -S ${user}`,
  };
};

const lockedKey: Rule = ({ target }, trail) => {
  if (denied(trail) === undefined || trail.accepted.length === 0) return undefined;
  const key = trail.offered.find(({ fingerprint }) => trail.accepted.includes(fingerprint));
  return {
    code: 'ssh/key-locked',
    summary: `${called(target)} would take the key, but it is locked with a passphrase`,
    saw: `accepted: ${key?.name ?? ''} ${trail.accepted.join(' ')}`,
    why: 'Landfall asks for no passphrase: an agent holds the key open',
    try: `ssh-add ${key === undefined || key.fromAgent ? '' : quote(key.name)}   (no agent? eval "$(ssh-agent)" first)`,
  };
};

const noAgent: Rule = ({ target }, trail) => {
  if (denied(trail) === undefined || trail.agent !== 'missing' || trail.offered.length > 0) return undefined;
  return {
    code: 'ssh/no-agent',
    summary: `there is no key to show to ${called(target)}: the ssh agent is gone`,
    saw: denied(trail) ?? '',
    why: 'SSH_AUTH_SOCK or IdentityAgent names a socket nobody listens on; sudo and a new login change or lose it',
    try: 'ssh-add -l   should list your keys; else eval "$(ssh-agent)" && ssh-add',
  };
};

const noKey: Rule = ({ target, stderr }, trail) => {
  if (denied(trail) === undefined || trail.offered.length > 0) return undefined;
  const absent = line(stderr, /^Warning: Identity file .* not accessible/);
  return {
    code: 'ssh/key-refused',
    summary: `there is no key to show to ${called(target)}`,
    saw: [absent, denied(trail)].filter((said) => said !== undefined).join('\n'),
    why:
      trail.agent === 0
        ? 'the agent is there but empty, and none of the usual files holds a key'
        : absent === undefined
          ? 'there is no agent, and none of the usual files (~/.ssh/id_ed25519 …) holds a key'
          : 'the file named for it is not there',
    try:
      absent === undefined
        ? 'ssh-keygen -t ed25519, then ssh-copy-id to the host; or name a key: ssh.identityFile in cluster.yaml'
        : 'correct ssh.identityFile in cluster.yaml, or IdentityFile in your ssh_config',
  };
};

const refused: Rule = (attempt, trail) => {
  const said = denied(trail);
  if (said === undefined) return undefined;
  const user = userOf(trail, attempt);
  const methods = /Permission denied \(([^)]*)\)/.exec(said)?.[1] ?? '';
  const takesKeys = methods.split(',').includes('publickey');
  const keys =
    trail.offered.length > 1 ? `takes none of the ${trail.offered.length} keys` : 'does not take the key';
  return {
    code: 'ssh/key-refused',
    summary: takesKeys
      ? `${called(attempt.target)} ${keys} offered for ${user}`
      : `${called(attempt.target)} takes no keys for ${user}, only ${methods}`,
    saw: [offers(trail), said].filter((text) => text !== '').join('\n'),
    why: takesKeys
      ? `~${user}/.ssh/authorized_keys there holds ${trail.offered.length > 1 ? 'none of them' : 'another one'}, or may be written by others; or the user is another one, or locked`
      : 'Landfall logs in with keys alone: no password to type, to leak or to guess',
    try: takesKeys
      ? `${asTyped(attempt.target).replace(/^ssh /, 'ssh-copy-id ')}   another user: ssh.user in cluster.yaml`
      : 'allow keys in its sshd: PubkeyAuthentication yes',
  };
};

const expired: Rule = ({ target, stderr, stdout }) => {
  const said = line(
    `${stderr}\n${stdout}`,
    /Password change required|must change your password|required to change your password/,
  );
  if (said === undefined) return undefined;
  return {
    code: 'ssh/password-expired',
    summary: `${called(target)} wants a new password before it lets anybody in`,
    saw: said,
    why: 'the password has expired; keys do not help, as the account itself waits',
    try: `${asTyped(target)}   and set it, or have no expiry: chage -M -1 USER`,
  };
};

const turnedAway: Rule = ({ target, stderr }, trail) => {
  if (trail.accepted.length === 0 || trail.authenticated || denied(trail) !== undefined) return undefined;
  const said = line(trail.words, /^Connection (closed|reset) by /);
  if (said === undefined) return undefined;
  const booting = /booting up|not permitted to log in yet|going down|shut ?down/i.test(stderr);
  return {
    code: booting ? 'ssh/not-yet' : 'ssh/user-refused',
    summary: booting
      ? `${called(target)} is starting or stopping and lets only root in`
      : `${called(target)} knows the key, and shows the user out`,
    saw: [lastLines(stderr), said].filter((text) => text !== '').join('\n'),
    why: booting
      ? 'systemd keeps users out while it boots or shuts down (/run/nologin)'
      : 'PAM refuses the account: /etc/nologin, access.conf, or an expiry',
    try: booting
      ? 'run it again in a minute'
      : 'on its console: journalctl -u ssh -n 20; ls /etc/nologin /run/nologin',
  };
};

/** The host knows us, and does not let us in; or does not know us. */
export const LOGIN: readonly Rule[] = [
  tooMany,
  openKey,
  notIn,
  lockedKey,
  noAgent,
  noKey,
  refused,
  turnedAway,
  expired,
];
