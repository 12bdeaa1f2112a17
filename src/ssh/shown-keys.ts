import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attempt } from './failure/attempt.ts';
import { explainFailure, sshMissing } from './failure.ts';
import { type HostKey, hostKey } from './known-hosts.ts';
import type { Way } from './resolve.ts';
import { ProgramMissing, spawned } from './spawned.ts';
import type { Target } from './target.ts';
import { fileSetting, probeArgv } from './words.ts';

/** ssh's names for signatures, by the type of key they need. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  'ssh-rsa': 'rsa-sha2-512,rsa-sha2-256',
  'rsa-sha2-512': 'rsa-sha2-512,rsa-sha2-256',
  'rsa-sha2-256': 'rsa-sha2-512,rsa-sha2-256',
};

/** The types of key the host offers, from ssh's log; each once, certificates aside. */
function offeredTypes(log: string): readonly string[] {
  const proposals = [...log.matchAll(/^debug2: host key algorithms: (.*)$/gm)];
  const algorithms = (proposals.at(-1)?.[1] ?? '').trim().split(',');
  return [
    ...new Set(
      algorithms
        .filter((name) => name !== '' && !name.includes('-cert-'))
        .map((name) => ALGORITHMS[name] ?? name),
    ),
  ];
}

/** Connects so far that the host has shown and proven its key, and never logs in. */
export async function probe(
  target: Target,
  folder: string,
  nth: string,
  settings: readonly string[],
): Promise<Attempt> {
  const log = join(folder, `${nth}.log`);
  try {
    const done = await spawned(probeArgv(target, log, settings), { env: { SSH_ASKPASS_REQUIRE: 'never' } });
    return {
      target,
      status: done.status,
      log: await readFile(log, 'utf8').catch(() => ''),
      stdout: '',
      stderr: done.stderr,
    };
  } catch (error) {
    throw error instanceof ProgramMissing ? sshMissing(target) : error;
  }
}

/** What a host shows. */
export interface Collected {
  /** Its name as ssh writes it into known_hosts. */
  readonly name: string;
  /** One of each type. */
  readonly keys: readonly HostKey[];
}

/**
 * Has ssh write down the keys the host shows, each type in a connection of its own, into files of ours.
 * @throws Problem `ssh/…` when there is no key to be had.
 */
export async function collectKeys(target: Target, way: Way, folder: string): Promise<Collected> {
  const one = async (nth: string, algorithms?: string): Promise<{ attempt: Attempt; text: string }> => {
    const file = join(folder, `${nth}.keys`);
    const attempt = await probe(target, folder, nth, [
      fileSetting('UserKnownHostsFile', file),
      'GlobalKnownHostsFile=/dev/null',
      'StrictHostKeyChecking=accept-new',
      'HashKnownHosts=no',
      // Or ssh would not write down what that program knows already.
      ...(way.knownHostsCommand === undefined ? [] : ['KnownHostsCommand=none']),
      ...(algorithms === undefined ? [] : [`HostKeyAlgorithms=${algorithms}`]),
    ]);
    return { attempt, text: await readFile(file, 'utf8').catch(() => '') };
  };
  const first = await one('first');
  if (first.text === '') throw explainFailure(first.attempt);
  const gotten = /^\S+ (\S+) /.exec(first.text)?.[1] ?? '';
  const others = offeredTypes(first.attempt.log).filter((type) => type !== (ALGORITHMS[gotten] ?? gotten));
  const more = await Promise.all(others.map((type, i) => one(`more${i}`, type)));
  const texts = [first.text, ...more.map(({ text }) => text)].join('').split('\n');
  const entries = texts
    .map((line) => /^(\S+) (\S+ \S+)$/.exec(line.trim()))
    .filter((entry) => entry !== null);
  return { name: entries[0]?.[1] ?? target.address, keys: entries.map((entry) => hostKey(entry[2] ?? '')) };
}
