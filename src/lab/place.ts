import { join } from 'node:path';
import { cacheFolder, type PlaceEnvironment, stateFolder } from '../files/places.ts';

/** The folder that holds one folder a lab: `$XDG_STATE_HOME/landfall/lab`. */
export function labsDir(env: PlaceEnvironment = process.env): string {
  return join(stateFolder(env), 'lab');
}

/** The folder of one lab: its disks, keys, ssh_config, logs and faults. */
export function labDir(name: string, env: PlaceEnvironment = process.env): string {
  return join(labsDir(env), name);
}

/** What can be made again: base trees, golden disks, the certificate authority. `$XDG_CACHE_HOME/landfall/lab`. */
export function cacheDir(env: PlaceEnvironment = process.env): string {
  return join(cacheFolder(env), 'lab');
}

/** The depot's folder: `$LANDFALL_DEPOT`, else `$XDG_CACHE_HOME/landfall/depot/current`. */
export function depotDir(env: PlaceEnvironment = process.env): string {
  const own = env.LANDFALL_DEPOT;
  return own === undefined || own === '' ? join(cacheFolder(env), 'depot', 'current') : own;
}

/** What passes away with the machine's next boot, one for the whole machine: which labs are up, which settings were changed. */
export const RUN_DIR = '/run/landfall/lab';
