import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../model/problem.ts';

/** The environment variables that say where things live. */
export type PlaceEnvironment = Readonly<Record<string, string | undefined>>;

/** What a variable names, when that is a whole path: anything else is no place, by the rules of XDG. */
export function placeNamed(env: PlaceEnvironment, variable: string): string | undefined {
  const value = env[variable];
  return value?.startsWith('/') === true ? value : undefined;
}

function homeOfUser(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A user id nobody has heard of, as in a container.
    return '';
  }
}

/** The user's home: `$HOME`, else what the machine knows. @throws Problem `file/no-home` when there is none. */
export function home(env: PlaceEnvironment, known: () => string = homeOfUser): string {
  const found = placeNamed(env, 'HOME') ?? known();
  if (found.startsWith('/')) return found;
  throw new Problem({
    code: 'file/no-home',
    summary: 'this user has no home folder on this machine',
    why: 'HOME is not set and the machine knows of no other; what Landfall keeps for you is there when no place is named',
    try: 'export HOME=FOLDER, one you may write to',
  });
}

/** Where what Landfall writes down for its user is: `$XDG_STATE_HOME/landfall`, else `~/.local/state/landfall`. */
export function stateFolder(env: PlaceEnvironment): string {
  return join(placeNamed(env, 'XDG_STATE_HOME') ?? join(home(env), '.local', 'state'), 'landfall');
}

/** Where what can be made again is: `$XDG_CACHE_HOME/landfall`, else `~/.cache/landfall`. */
export function cacheFolder(env: PlaceEnvironment): string {
  return join(placeNamed(env, 'XDG_CACHE_HOME') ?? join(home(env), '.cache'), 'landfall');
}
