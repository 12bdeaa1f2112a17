import { createHash } from 'node:crypto';
import type { Loaded } from '../config/load.ts';
import { containerdLoginsText, loginsText } from '../config/logins.ts';
import { CONTAINERD_LOGINS, CONTAINERD_LOGINS_DIGEST, LOGINS, LOGINS_DIGEST } from '../model/registries.ts';
import type { Slot } from '../model/slot.ts';
import type { Site } from '../run/survey.ts';

/** The secrets of a cluster.yaml, each looked for when it is first asked for. */
export function secretsOf(loaded: Loaded): Exclude<Site['secret'], undefined> {
  const known = new Map<Slot, string>();
  const once = (slot: Slot, make: typeof loginsText): string => {
    const text = known.get(slot) ?? make(loaded, process.env);
    known.set(slot, text);
    return text;
  };
  const sum = (text: string): string => createHash('sha256').update(text).digest('hex');
  const secrets: Readonly<Record<Slot, () => string>> = {
    [LOGINS]: () => once(LOGINS, loginsText),
    [LOGINS_DIGEST]: () => sum(once(LOGINS, loginsText)),
    [CONTAINERD_LOGINS]: () => once(CONTAINERD_LOGINS, containerdLoginsText),
    [CONTAINERD_LOGINS_DIGEST]: () => sum(once(CONTAINERD_LOGINS, containerdLoginsText)),
  };
  return (slot) => secrets[slot]?.();
}
