import { explainFailure, sshMissing } from './failure.ts';
import { ProgramMissing, spawned } from './spawned.ts';
import { type Target, checkTarget } from './target.ts';
import { targetOptions } from './words.ts';

/** What ssh will do to reach a host, once its configuration has been read. */
export interface Way {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** Jump hosts as written (`user@host:port`), the nearest to us first. */
  readonly jumps: readonly string[];
  readonly proxyCommand?: string;
  /** Files whose keys would be shown, whether they are there or not. */
  readonly identityFiles: readonly string[];
  /** The name under which the host's key is looked for, when it is not the address. */
  readonly hostKeyAlias?: string;
  readonly userKnownHosts: readonly string[];
  readonly globalKnownHosts: readonly string[];
  readonly hashKnownHosts: boolean;
  /** A program that is asked for host keys besides the files. */
  readonly knownHostsCommand?: string;
  /** `ask`, `true`, `accept-new` or `false`, as ssh prints it. */
  readonly strictHostKeyChecking: string;
}

/** Reads what `ssh -G` prints: a setting a line, its name in lower case. Names it does not know are left aside. */
export function readWay(text: string): Way {
  const all = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const [, key = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (key !== '') all.set(key, [...(all.get(key) ?? []), value]);
  }
  const one = (key: string): string | undefined => {
    const value = all.get(key)?.[0];
    return value === 'none' ? undefined : value;
  };
  // Paths are printed without quotes: one that holds a blank cannot be told from two.
  const paths = (key: string): readonly string[] => (one(key) ?? '').split(' ').filter((path) => path !== '');
  const proxyCommand = one('proxycommand');
  const hostKeyAlias = one('hostkeyalias');
  const knownHostsCommand = one('knownhostscommand');
  return {
    hostname: one('hostname') ?? '',
    port: Number(one('port') ?? 22),
    user: one('user') ?? '',
    jumps: (one('proxyjump') ?? '').split(',').filter((jump) => jump !== ''),
    ...(proxyCommand === undefined ? {} : { proxyCommand }),
    identityFiles: all.get('identityfile') ?? [],
    ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }),
    userKnownHosts: paths('userknownhostsfile'),
    globalKnownHosts: paths('globalknownhostsfile'),
    ...(knownHostsCommand === undefined ? {} : { knownHostsCommand }),
    hashKnownHosts: one('hashknownhosts') === 'yes',
    strictHostKeyChecking: one('stricthostkeychecking') ?? 'ask',
  };
}

/**
 * Asks ssh what it will do; nothing is sent anywhere, but a `Match exec` of the user's ssh_config runs.
 * @throws Problem `ssh/config` when ssh refuses its configuration, `ssh/value`, `ssh/not-installed`.
 */
export async function resolveWay(target: Target): Promise<Way> {
  checkTarget(target);
  try {
    const said = await spawned(['ssh', '-G', '-T', ...targetOptions(target), '--', target.address]);
    if (said.status === 0) return readWay(said.stdout);
    throw explainFailure({ target, status: said.status, log: said.stderr, stdout: '', stderr: '' });
  } catch (error) {
    throw error instanceof ProgramMissing ? sshMissing(target) : error;
  }
}

/** A host's name in known_hosts, as ssh writes it. @param port another one than it is reached at. */
export function nameInKnownHosts(way: Way, port = way.port): string {
  return way.hostKeyAlias ?? (port === 22 ? way.hostname : `[${way.hostname}]:${port}`);
}

/** The jump hosts as hosts of their own, the nearest first; each is reached through the ones before it. */
export function jumpTargets(target: Target, way: Way): readonly Target[] {
  return way.jumps.map((jump, i) => {
    const [, user, bracketed, plain, port] =
      /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(jump) ?? [];
    const address = bracketed ?? plain ?? jump;
    return {
      name: address.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, ''),
      address,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(i === 0 ? {} : { jump: way.jumps.slice(0, i).join(',') }),
      ...(target.config === undefined ? {} : { config: target.config }),
    };
  });
}

/** More jump hosts than anybody has: a jump host that jumps through itself must not keep us for ever. */
const DEEPEST = 8;

/**
 * Every host whose key has to be known before the target can be reached: its jump hosts, the nearest first, and itself.
 * @throws Problem as {@link resolveWay}.
 */
export async function hopsTo(target: Target, depth = 0): Promise<readonly Target[]> {
  const [nearest, ...others] = jumpTargets(target, await resolveWay(target));
  if (nearest === undefined || depth === DEEPEST) return [target];
  return [...(await hopsTo(nearest, depth + 1)), ...others, target];
}
