import { hostname, userInfo } from 'node:os';
import { SIGNATURE } from '../steps/record.ts';
import type { Site } from './survey.ts';
import type { RunOptions } from './take.ts';

/** The site of a run, which knows besides who signs what is written down in the cluster: the run, Landfall's version, `user@machine`. */
export function signed({ site, run, version }: Pick<RunOptions, 'site' | 'run' | 'version'>): Site {
  const by = `${userInfo().username}@${hostname()}`.replaceAll(/\s+/g, '_');
  return {
    ...site,
    secret: (slot) => (slot === SIGNATURE ? `${run} ${version} ${by}` : site.secret?.(slot)),
  };
}
