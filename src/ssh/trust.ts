import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../model/problem.ts';
import { readTrail } from './failure/trail.ts';
import { explainFailure } from './failure.ts';
import { type HostKey, type KnownKey, appendKeys, forgetHost, knownKeys } from './known-hosts.ts';
import { type Way, nameInKnownHosts, resolveWay } from './resolve.ts';
import { collectKeys, probe } from './shown-keys.ts';
import { type Target, checkTarget } from './target.ts';
import { pinLine, pinSettings } from './words.ts';

/** A key the host shows, and whether this machine knows it. */
export interface ShownKey extends HostKey {
  readonly known: boolean;
}

/** What a host shows, beside what this machine knows of it. */
export interface Trust {
  readonly target: Target;
  readonly way: Way;
  /** The host's name in known_hosts. */
  readonly name: string;
  /**
   * What ssh itself says with the user's own settings: it connects (`known`), has never seen the host (`new`), knows another key
   * of it (`changed`), or knows that this key is not to be trusted (`revoked`).
   */
  readonly state: 'known' | 'new' | 'changed' | 'revoked';
  /** One of each type the host has. */
  readonly shown: readonly ShownKey[];
  /** What the user's and the machine's known_hosts files hold about it. */
  readonly before: readonly KnownKey[];
  /** Why it is not `known`, as it would be told to somebody who tries to connect. */
  readonly problem?: Problem;
}

const STATES: Readonly<Record<string, Trust['state']>> = {
  'ssh/host-key-unknown': 'new',
  'ssh/host-key-changed': 'changed',
  'ssh/host-key-revoked': 'revoked',
};

/**
 * Asks a host for its keys, through the user's own ssh_config with its jump hosts and proxies, and compares them with what this
 * machine knows. Nothing is written, nobody logs in. Jump hosts must be known before (`hopsTo`).
 * @throws Problem `ssh/…` (exit 4) when the host cannot be reached.
 */
export async function examineTrust(target: Target): Promise<Trust> {
  checkTarget(target);
  const way = await resolveWay(target);
  const folder = await mkdtemp(join(tmpdir(), 'landfall-trust-'));
  try {
    const pin = join(folder, 'pin');
    if (target.hostKey !== undefined) await writeFile(pin, pinLine(target), { mode: 0o600 });
    const judging =
      target.hostKey === undefined
        ? ['StrictHostKeyChecking=yes', 'UpdateHostKeys=no']
        : pinSettings(target, pin);
    const [own, collected] = await Promise.all([
      probe(target, folder, 'own', judging),
      collectKeys(target, way, folder),
    ]);
    const trail = readTrail(own.log);
    const failed = trail.words.some((word) => word.startsWith('Host key verification failed'));
    const problem = failed || trail.hostKey === undefined ? explainFailure(own) : undefined;
    const state = problem === undefined ? 'known' : STATES[problem.code];
    if (state === undefined) throw problem;
    const before = await knownKeys(collected.name, [...way.userKnownHosts, ...way.globalKnownHosts]);
    const good =
      target.hostKey === undefined
        ? before.filter((key) => key.marker === undefined).map((key) => key.text)
        : [target.hostKey];
    const shown = collected.keys.map((key) => ({ ...key, known: good.includes(key.text) }));
    return {
      target,
      way,
      name: collected.name,
      state,
      shown,
      before,
      ...(problem === undefined ? {} : { problem }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Whether this machine has ever heard of a host's key, right or not, or has a program that may: nobody is asked, nothing is sent.
 * @throws Problem as {@link resolveWay}.
 */
export async function isHeardOf(target: Target): Promise<boolean> {
  const way = await resolveWay(target);
  if (target.hostKey !== undefined || way.knownHostsCommand !== undefined) return true;
  // ssh takes the key of a host for any of its ports.
  const names = [...new Set([nameInKnownHosts(way), nameInKnownHosts(way, 22)])];
  const files = [...way.userKnownHosts, ...way.globalKnownHosts];
  return (await Promise.all(names.map((name) => knownKeys(name, files)))).flat().length > 0;
}

/** What the user said to what they were shown. */
export interface Consent {
  /** The host's name, typed by hand: without it a changed key is never taken. */
  readonly typedName?: string;
}

/**
 * Writes the keys that were shown to the user into their known_hosts file. To be called only after they said yes; a changed key is
 * taken only when they typed the host's name, and then replaces the old ones (the file as it was stays as `FILE.old`).
 * @returns the file written to, or undefined when the host was known already.
 * @throws Problem `ssh/host-key-changed` without the name, `ssh/host-key-revoked` always; exit 5.
 */
export async function pinKeys(trust: Trust, consent: Consent = {}): Promise<string | undefined> {
  const { target, way, name, state, problem } = trust;
  if (state === 'known') return undefined;
  if (state === 'revoked' || (state === 'changed' && consent.typedName !== target.name)) {
    throw new Problem({ ...(problem as Problem), summary: (problem as Problem).summary, exit: 5 });
  }
  const [file] = way.userKnownHosts;
  if (target.hostKey !== undefined || file === undefined || file === '/dev/null') {
    throw new Problem({
      code: 'ssh/nowhere-to-write',
      summary:
        target.hostKey === undefined
          ? `your ssh_config keeps no known hosts for ${target.name}`
          : `the host key of ${target.name} is pinned in cluster.yaml`,
      why: 'the key has to be written where ssh looks for it',
      try: `hostKey: ${trust.shown[0]?.text ?? ''}   in cluster.yaml, under ${target.name}`,
      host: target.name,
      exit: 5,
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'landfall-trust-'));
  try {
    const old = new Set(
      trust.before.filter((key) => way.userKnownHosts.includes(key.file)).map((key) => key.file),
    );
    if (state === 'changed') for (const from of old) await forgetHost(name, from);
    await appendKeys(
      name,
      trust.shown.filter((key) => state === 'changed' || !key.known),
      file,
      way.hashKnownHosts,
      folder,
    );
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
