import { readdir, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { home, type PlaceEnvironment } from '../files/places.ts';
import { isIPv4 } from '../model/network.ts';

/** A host somebody has given a name in their ssh_config. */
export interface Alias {
  readonly name: string;
  /** `HostName` of the same block; absent where the block has none. */
  readonly hostName?: string;
}

/** What one file of ssh_config says of hosts. */
interface Page {
  readonly aliases: readonly Alias[];
  /** The patterns of files behind `Include`, in their order. */
  readonly includes: readonly string[];
}

/** A word ssh takes for one host: no pattern, no exception to one. */
const ONE_HOST = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/**
 * Reads the text of an ssh_config for the hosts it names; pure. Left out are patterns, addresses, which name nobody, and blocks that
 * log in as `git`: no node is behind those. Whatever else a block says, ssh is asked when it matters.
 */
export function readAliases(text: string): Page {
  const blocks: { names: string[]; hostName?: string; user?: string }[] = [];
  const includes: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, key = '', rest = ''] = /^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? [];
    const words = [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    const block = blocks.at(-1);
    switch (key.toLowerCase()) {
      case 'host':
        blocks.push({ names: words.filter((word) => ONE_HOST.test(word) && !isIPv4(word)) });
        break;
      case 'match':
        blocks.push({ names: [] });
        break;
      case 'hostname':
        if (block !== undefined) block.hostName ??= words[0] ?? '';
        break;
      case 'user':
        if (block !== undefined) block.user ??= words[0] ?? '';
        break;
      case 'include':
        includes.push(...words);
        break;
      default:
    }
  }
  const aliases = blocks
    .filter(({ user }) => user !== 'git')
    .flatMap(({ names, hostName }) =>
      names.map((name) => ({ name, ...(hostName === undefined ? {} : { hostName }) })),
    );
  return { aliases, includes };
}

/**
 * The hosts the user's ssh_config names, each once, in the order of the file and of what it includes. Never fails: what cannot be
 * read names nobody.
 * @param config a file to read in place of the user's own.
 */
export async function hostAliases(env: PlaceEnvironment, config?: string): Promise<readonly Alias[]> {
  let ssh: string;
  try {
    ssh = join(home(env), '.ssh');
  } catch {
    return [];
  }
  const found = await aliasesOf(config ?? join(ssh, 'config'), ssh, new Set());
  return found.filter(({ name }, i) => found.findIndex((other) => other.name === name) === i);
}

async function aliasesOf(file: string, ssh: string, read: Set<string>): Promise<readonly Alias[]> {
  if (read.has(file)) return [];
  read.add(file);
  const text = await readFile(file, 'utf8').catch(() => '');
  const { aliases, includes } = readAliases(text);
  const paths = includes.map((path) =>
    path.startsWith('~/') ? join(dirname(ssh), path.slice(2)) : isAbsolute(path) ? path : join(ssh, path),
  );
  const files = (await Promise.all(paths.map(matching))).flat();
  const included = await Promise.all(files.map((one) => aliasesOf(one, ssh, read)));
  return [...aliases, ...included.flat()];
}

/** The files a path with `*` and `?` in its last part means. */
async function matching(path: string): Promise<readonly string[]> {
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (!/[*?]/.test(last)) return [path];
  const folder = dirname(path);
  const pattern = last
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const isMeant = new RegExp(`^${pattern}$`);
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => isMeant.test(name) && (!name.startsWith('.') || last.startsWith('.')))
    .toSorted()
    .map((name) => join(folder, name));
}
