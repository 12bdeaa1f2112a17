import type { Argv } from './spawned.ts';
import type { Target } from './target.ts';

/**
 * What Landfall needs whatever the user's ssh_config says; the command line outranks the file. Host-key checking is not among
 * it: that is the user's, and stays as strict as they made it.
 */
const FIXED = [
  'BatchMode=yes',
  'RemoteCommand=none',
  'RequestTTY=no',
  'PermitLocalCommand=no',
  'ClearAllForwardings=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'Tunnel=no',
  'EscapeChar=none',
  'ControlPersist=no',
  'ServerAliveInterval=15',
  'ServerAliveCountMax=4',
];

/** Settings ssh_config knows since OpenSSH 8.7 only; an older ssh calls them bad options. */
const SINCE_8_7 = ['StdinNull=no', 'ForkAfterAuthentication=no', 'SessionType=default'];

/** A file name as ssh wants it where it expands `%h` and its like. */
function unexpanded(path: string): string {
  return path.replaceAll('%', '%%');
}

/** A file name as the value of a setting: ssh splits such values at blanks. */
export function fileSetting(name: string, path: string): string {
  return `${name}="${unexpanded(path)}"`;
}

function options(settings: readonly string[]): readonly string[] {
  return settings.flatMap((setting) => ['-o', setting]);
}

/** The name under which a pinned key stands in its own known_hosts file. */
export function pinAlias(target: Target): string {
  return `landfall-pin-${target.name}`;
}

/** How the target is named to ssh: config file, user, port, key. The address comes last and apart, after `--`. */
export function targetOptions(target: Target): readonly string[] {
  return [
    ...(target.config === undefined ? [] : ['-F', target.config]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.identityFile === undefined
      ? []
      : ['-i', unexpanded(target.identityFile), '-o', 'IdentitiesOnly=yes']),
    ...(target.knownHosts === undefined
      ? []
      : options([fileSetting('UserKnownHostsFile', target.knownHosts)])),
  ];
}

/** How one ssh process takes part in a shared connection. */
export interface Part {
  readonly target: Target;
  /** The control socket. */
  readonly socket: string;
  /** Whether it holds the connection, or uses the one that is there. */
  readonly role: 'master' | 'user';
  /** Where ssh writes its own words, so that they are not among the script's. */
  readonly log: string;
  /** The known_hosts file that holds the pinned key and nothing else. */
  readonly pinned?: string;
  readonly connectTimeoutSeconds: number;
  /** Whether this machine's ssh is older than 8.7. */
  readonly old: boolean;
}

/** The whole command line of one ssh process that runs `command` on the host. */
export function sshArgv(part: Part, command: string): Argv {
  const pin =
    part.pinned === undefined
      ? []
      : [
          fileSetting('UserKnownHostsFile', part.pinned),
          'GlobalKnownHostsFile=/dev/null',
          `HostKeyAlias=${pinAlias(part.target)}`,
          'StrictHostKeyChecking=yes',
          'CheckHostIP=no',
          'UpdateHostKeys=no',
          'VerifyHostKeyDNS=no',
        ];
  const settings = [
    ...pin,
    ...FIXED,
    ...(part.old ? [] : SINCE_8_7),
    `ConnectTimeout=${part.connectTimeoutSeconds}`,
    `ControlMaster=${part.role === 'master' ? 'yes' : 'no'}`,
    'LogLevel=DEBUG1',
  ];
  return [
    'ssh',
    ...options(settings),
    ...targetOptions(part.target),
    '-E',
    part.log,
    '-S',
    unexpanded(part.socket),
    '--',
    part.target.address,
    command,
  ];
}
