import { createHash } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { spawned } from './spawned.ts';

/** A host's public key. */
export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`. */
  readonly type: string;
  /** Type and key as in known_hosts: `ssh-ed25519 AAAA…`; also what `hostKey` in cluster.yaml takes. */
  readonly text: string;
  /** `SHA256:…`, as ssh-keygen -l shows it. */
  readonly fingerprint: string;
}

/** A line of known_hosts about a host. */
export interface KnownKey extends HostKey {
  readonly file: string;
  readonly line: number;
  /** `revoked` and `cert-authority` lines say something else than "this is its key". */
  readonly marker?: string;
}

/** The fingerprint of a key, as ssh-keygen shows it: SHA-256 in base64 without padding. @param text `type base64`. */
export function fingerprint(text: string): string {
  const blob = Buffer.from(text.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** A key from `type base64`. */
export function hostKey(text: string): HostKey {
  const [type = '', blob = ''] = text.split(' ');
  return { type, text: `${type} ${blob}`, fingerprint: fingerprint(`${type} ${blob}`) };
}

/** Reads what `ssh-keygen -F NAME` prints: a comment with the line's number, then the line. */
export function readFound(file: string, text: string): readonly KnownKey[] {
  const found: KnownKey[] = [];
  let line = 0;
  for (const one of text.split(/\r?\n/)) {
    const number = /^# Host .* found: line (\d+)/.exec(one)?.[1];
    if (number !== undefined) line = Number(number);
    const entry = /^(?:@(\S+) )?(\S+) ([a-z][\w@.-]+ [A-Za-z0-9+/=]+)/.exec(one);
    if (entry === null || one.startsWith('#')) continue;
    found.push({
      ...hostKey(entry[3] ?? ''),
      file,
      line,
      ...(entry[1] === undefined ? {} : { marker: entry[1] }),
    });
  }
  return found;
}

/** What these files know of a host; hashed names too. @param name as in known_hosts: `host`, or `[host]:port`. */
export async function knownKeys(name: string, files: readonly string[]): Promise<readonly KnownKey[]> {
  const found = await Promise.all(
    files.map(async (file) =>
      readFound(file, (await spawned(['ssh-keygen', '-F', name, '-f', file])).stdout),
    ),
  );
  return found.flat();
}

/** Takes every key of a host out of a file; the file as it was stays beside it, as `FILE.old`. */
export async function forgetHost(name: string, file: string): Promise<void> {
  const done = await spawned(['ssh-keygen', '-R', name, '-f', file]);
  if (done.status !== 0) throw new Error(`ssh-keygen could not change ${file}: ${done.stderr.trim()}`);
}

/**
 * Appends keys of a host to a known_hosts file; makes file (0600) and folder (0700) when they are not there.
 * @param hash whether the name is to be unreadable in the file, as `HashKnownHosts yes` wants. @param scratch a folder of ours.
 */
export async function appendKeys(
  name: string,
  keys: readonly HostKey[],
  file: string,
  hash: boolean,
  scratch: string,
): Promise<void> {
  let text = keys.map((key) => `${name} ${key.text}\n`).join('');
  if (hash) {
    const clear = `${scratch}/to-hash`;
    await writeFile(clear, text, { mode: 0o600 });
    await spawned(['ssh-keygen', '-H', '-f', clear]);
    text = await readFile(clear, 'utf8');
  }
  makeFolder(dirname(file), 0o700);
  const before = await readFile(file, 'utf8').catch(() => '');
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  await appendFile(file, gap + text, { mode: 0o600 });
}
