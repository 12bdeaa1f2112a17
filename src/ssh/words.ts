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

/** The settings under which a host has to show the key it is pinned to. @param file what {@link pinLine} is written to. */
export function pinSettings(target: Target, file: string): readonly string[] {
  return [
    fileSetting('UserKnownHostsFile', file),
    'GlobalKnownHostsFile=/dev/null',
    `HostKeyAlias=${pinAlias(target)}`,
    'StrictHostKeyChecking=yes',
    'CheckHostIP=no',
    'UpdateHostKeys=no',
    'VerifyHostKeyDNS=no',
  ];
}

/** What stands in the known_hosts file of a pinned host. */
export function pinLine(target: Target): string {
  return `${pinAlias(target)} ${target.hostKey ?? ''}\n`;
}

function pinAlias(target: Target): string {
  return `landfall-pin-${target.name}`;
}

/** How the target is named to ssh: config file, user, port, key. The address comes last and apart, after `--`. */
export function targetOptions(target: Target): readonly string[] {
  return [
    ...(target.config === undefined ? [] : ['-F', target.config]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.jump === undefined ? [] : ['-J', target.jump]),
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
  /** After how long a host that says nothing any more counts as lost, in seconds. */
  readonly silenceSeconds: number;
  /** Whether this machine's ssh is older than 8.7. */
  readonly old: boolean;
}

/** The whole command line of one ssh process that runs `command` on the host. */
export function sshArgv(part: Part, command: string): Argv {
  const settings = [
    ...(part.pinned === undefined ? [] : pinSettings(part.target, part.pinned)),
    ...FIXED,
    ...(part.old ? [] : SINCE_8_7),
    `ConnectTimeout=${part.connectTimeoutSeconds}`,
    `ServerAliveInterval=${Math.max(1, Math.round(part.silenceSeconds / 4))}`,
    'ServerAliveCountMax=4',
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

/** The options of an ssh of its own to a target, beside whatever connections are open. @param pinned as in {@link Part}. */
export function oneLoginOptions(target: Target, pinned?: string): readonly string[] {
  return [
    ...options([
      // An ssh older than 8.7 does not know them.
      'IgnoreUnknown=StdinNull,ForkAfterAuthentication,SessionType',
      ...(pinned === undefined ? [] : pinSettings(target, pinned)),
      ...FIXED,
      ...SINCE_8_7,
      'ControlMaster=no',
      'ControlPath=none',
    ]),
    ...targetOptions(target),
  ];
}

/**
 * The command line of an ssh that goes as far as the host's key and no further: no way of logging in is left to it.
 * @param settings outrank the user's own. @param log where ssh writes its words, with the host's offers among them.
 */
export function probeArgv(target: Target, log: string, settings: readonly string[]): Argv {
  const all = [
    ...settings,
    ...FIXED,
    'ControlMaster=no',
    'ControlPath=none',
    'PreferredAuthentications=none',
    'CheckHostIP=no',
    'ConnectTimeout=10',
    'LogLevel=DEBUG2',
  ];
  return ['ssh', ...options(all), ...targetOptions(target), '-E', log, '--', target.address, 'exit 0'];
}
