import { createHash } from 'node:crypto';
import type { Loaded } from '../config/load.ts';
import { loginsText } from '../config/logins.ts';
import { LOGINS, LOGINS_DIGEST } from '../model/registries.ts';
import type { Site } from '../run/survey.ts';

/** The secrets of a cluster.yaml, each looked for when it is first asked for. */
export function secretsOf(loaded: Loaded): Exclude<Site['secret'], undefined> {
  let known: string | undefined;
  const logins = (): string => (known ??= loginsText(loaded, process.env));
  return (slot) => {
    if (slot === LOGINS) return logins();
    return slot === LOGINS_DIGEST ? createHash('sha256').update(logins()).digest('hex') : undefined;
  };
}
