import { Problem } from '../model/problem.ts';

/** Who is to be reached and how; everything absent is left to the user's own ssh_config. */
export interface Target {
  /** The node's name, for messages and for the alias of a pinned key. */
  readonly name: string;
  /** An IP address, a DNS name or an alias of ssh_config. */
  readonly address: string;
  readonly user?: string;
  readonly port?: number;
  /** An ssh_config file to use instead of the user's own. */
  readonly config?: string;
  readonly identityFile?: string;
  /** Jump hosts as `ssh -J` takes them, in place of those ssh_config names. */
  readonly jump?: string;
  /** The only host key accepted: `ssh-ed25519 AAAA…`. */
  readonly hostKey?: string;
  /** A known_hosts file to use instead of the user's own; a pinned `hostKey` outranks it. */
  readonly knownHosts?: string;
}

// ssh puts address and user into the shell text of a user's ProxyCommand (%h, %r; CVE-2023-51385), and reads `user@`, `ssh://`
// and options out of them: so only what names can be made of passes.
const ADDRESS = /^(?!.*\/\/)[A-Za-z0-9_:][A-Za-z0-9_.:/+-]*(%[A-Za-z0-9_.-]+)?$/;
const USER = /^[A-Za-z0-9_]([A-Za-z0-9_.@+\\-]*[A-Za-z0-9_.@+-])?$/;
const HOST_KEY =
  /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,2}$/;
const JUMP = /^[A-Za-z0-9_[][A-Za-z0-9_.@:,[\]+-]*$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** `$` and `"` mean something to ssh wherever it takes a file name from an option; a control character nowhere is one. */
const FILE = /^[^\u0000-\u001f\u007f"$]+$/;

function refuse(target: Target, what: string, value: string, remedy: string): Problem {
  return new Problem({
    code: 'ssh/value',
    summary: `the ${what} of ${JSON.stringify(target.name)} cannot be given to ssh: ${JSON.stringify(value)}`,
    why: 'ssh would take it for an option, or a ProxyCommand for shell',
    try: remedy,
    exit: 2,
  });
}

/**
 * Refuses every value that ssh could take for something else than what it is meant to be.
 * @throws Problem `ssh/value`, exit 2.
 */
export function checkTarget(target: Target): void {
  const { name, address, user, port, jump, hostKey } = target;
  if (!NAME.test(name)) throw refuse(target, 'name', name, 'letters, digits, dots and dashes');
  if (!ADDRESS.test(address))
    throw refuse(target, 'address', address, 'an IP address, a DNS name, or an alias of your ssh_config');
  if (user !== undefined && !USER.test(user)) throw refuse(target, 'user', user, 'the login name alone');
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw refuse(target, 'port', String(port), 'a whole number from 1 to 65535');
  }
  if (jump !== undefined && !JUMP.test(jump)) {
    throw refuse(target, 'jump host', jump, 'user@host:port, several with commas between them');
  }
  if (hostKey !== undefined && !HOST_KEY.test(hostKey)) {
    throw refuse(
      target,
      'host key',
      hostKey,
      'type and key as in known_hosts, without the host: ssh-ed25519 AAAA…',
    );
  }
  for (const file of ['config', 'identityFile', 'knownHosts'] as const) {
    const value = target[file];
    if (value !== undefined && !FILE.test(value))
      throw refuse(target, file, value, 'a path without quotes, $ or control characters');
  }
}
