import { stringify } from 'yaml';
import { replaceFile } from '../files/replace.ts';
import { type Lock, type NetworkLock, PINNED_PACKAGES } from '../model/lock.ts';
import { Problem } from '../model/problem.ts';
import { readText } from './file.ts';
import { showable } from './text.ts';

const HEADER = `# What the words of cluster.yaml resolved to, written by landfall: package versions, the sums of the
# repositories' signing keys, the network plugin, image digests. Keep it in git beside cluster.yaml: with it, the
# same file makes the same cluster next year and on a colleague's machine. It is not for editing; git restores it.
`;

const KEYS = ['kubernetes', 'crio', 'docker'] as const;

function present(name: string, value: string | undefined): readonly (readonly [string, string])[] {
  return value === undefined ? [] : [[name, value]];
}

/** The text of a lock file: the same lock always gives the same bytes. */
export function lockText(lock: Lock): string {
  const sorted = (record: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const content = {
    apiVersion: 'landfall/v1',
    kind: 'Lock',
    kubernetes: lock.kubernetes,
    packages: Object.fromEntries(PINNED_PACKAGES.flatMap((name) => present(name, lock.packages[name]))),
    keys: Object.fromEntries(KEYS.flatMap((name) => present(name, lock.keys[name]))),
    network: {
      ...networkInOrder(lock.network),
      files: sorted(lock.network.files),
      images: lock.network.images,
    },
    images: sorted(lock.images),
  };
  return (
    HEADER + stringify(content, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })
  );
}

function networkInOrder({ plugin, version, encapsulation, mtu }: NetworkLock) {
  return {
    plugin,
    ...(version === undefined ? {} : { version }),
    ...(encapsulation === undefined ? {} : { encapsulation }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

/**
 * Writes a lock file, whole or not at all: into a new file beside it, which then takes its name.
 * Gives whether anything was written; a file that says the same already is left alone.
 * @throws Problem `lock/unwritable` (exit 1) when the folder or disk does not let it be written
 */
export function writeLock(file: string, lock: Lock): boolean {
  const content = lockText(lock);
  if (sameText(file, content)) return false;
  try {
    replaceFile(file, content);
    return true;
  } catch (error) {
    throw new Problem({
      code: 'lock/unwritable',
      summary: `${showable(file)} cannot be written`,
      saw: (error as Error).message,
      why: 'without it, the next run might choose other versions',
      try: 'make the folder of cluster.yaml writable, or run landfall where it is',
    });
  }
}

function sameText(file: string, content: string): boolean {
  try {
    return readText(file).content === content;
  } catch {
    return false;
  }
}
