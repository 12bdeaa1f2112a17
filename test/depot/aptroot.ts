import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStanzas } from './apt.ts';
import { execText } from './exec.ts';

/** An archive this machine's apt is set up with. */
export interface Source {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Path of a keyring, or a key itself. */
  readonly signedBy?: string;
}

/** apt with its own lists, cache and status: it installs nothing here and knows of nothing installed. */
export interface AptRoot {
  /** Folder that downloaded packages are put into. */
  readonly archives: string;
  readonly run: (program: 'apt-get' | 'apt-cache', argv: readonly string[], cwd?: string) => Promise<string>;
}

/** Reads sources in the one-line form of `sources.list`. */
export function parseSourceLines(text: string): readonly Source[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (found === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = found;
    const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
    const source = { uri, suite, components: components.trim().split(/\s+/) };
    return [signedBy === undefined ? source : { ...source, signedBy }];
  });
}

/** Reads sources in the deb822 form of `*.sources`. */
export function parseSourceStanzas(text: string): readonly Source[] {
  const uncommented = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  return parseStanzas(uncommented).flatMap((stanza) => {
    const words = (field: string): readonly string[] =>
      (stanza[field] ?? '').split(/\s+/).filter((word) => word !== '');
    if (!words('Types').includes('deb') || stanza['Enabled']?.toLowerCase() === 'no') return [];
    const signedBy = stanza['Signed-By'];
    return words('URIs').flatMap((uri) =>
      words('Suites').map((suite) => ({
        uri,
        suite,
        components: words('Components'),
        ...(signedBy === undefined ? {} : { signedBy }),
      })),
    );
  });
}

/** Gives every archive this machine's apt is set up with. */
export async function machineSources(): Promise<readonly Source[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
  const lists = await Promise.all(
    ['/etc/apt/sources.list', ...names.filter((n) => n.endsWith('.list')).map((n) => join(folder, n))].map(
      read,
    ),
  );
  const stanzas = await Promise.all(
    names.filter((n) => n.endsWith('.sources')).map((n) => read(join(folder, n))),
  );
  return [...lists.flatMap(parseSourceLines), ...stanzas.flatMap(parseSourceStanzas)];
}

/**
 * Chooses the archives of one Debian release: those this machine has, since they can be reached; those it has of another
 * release, asked for this one; else Debian's own.
 *
 * @param release code name, e.g. `bookworm`
 */
export function sourcesOf(release: string, machine: readonly Source[]): readonly Source[] {
  const have = suitesOf(release, machine);
  if (have.length > 0) return have;
  const other = machine.find(({ uri, suite }) => /\/debian\/?$/.test(uri) && /^[a-z]+$/.test(suite))?.suite;
  if (other !== undefined)
    return suitesOf(other, machine).map((source) => ({
      ...source,
      suite: source.suite.replace(other, release),
    }));
  const signedBy = '/usr/share/keyrings/debian-archive-keyring.gpg';
  return [{ uri: 'http://deb.debian.org/debian', suite: release, components: ['main'], signedBy }];
}

/** A release's own archive and those with its later changes; nothing when its own is not among them. */
function suitesOf(release: string, machine: readonly Source[]): readonly Source[] {
  const suites = [release, `${release}-updates`, `${release}-security`];
  const found = machine.filter(
    ({ suite, components }) => suites.includes(suite) && components.includes('main'),
  );
  return found.some(({ suite }) => suite === release) ? found : [];
}

/** Writes sources in the deb822 form. */
export function sourceStanzas(sources: readonly Source[], type: 'deb' | 'deb-src'): string {
  return sources
    .map(({ uri, suite, signedBy }) => {
      const signed = signedBy === undefined ? '' : `Signed-By: ${signedBy}\n`;
      return `Types: ${type}\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\n${signed}`;
    })
    .join('\n');
}

/** Sets apt up in a folder of its own with the given sources and fetches their lists. */
export async function aptRoot(
  folder: string,
  sources: readonly Source[],
  type: 'deb' | 'deb-src',
): Promise<AptRoot> {
  const archives = join(folder, 'archives');
  for (const path of ['lists/partial', 'archives/partial', 'sources'])
    await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources/all.sources'), sourceStanzas(sources, type));
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${folder}/sources`,
    'Dir::Etc::preferences=/dev/null',
    'Dir::Etc::preferencesparts=/dev/null',
    `Dir::State=${folder}`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}`,
    `Dir::Cache::archives=${archives}`,
    'APT::Architecture=amd64',
    'APT::Architectures=amd64',
    'APT::Install-Recommends=false',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
    'APT::Update::Error-Mode=any',
  ].flatMap((option) => ['-o', option]);
  const run: AptRoot['run'] = (program, argv, cwd) =>
    execText([program, ...options, '-q', ...argv], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      ...(cwd === undefined ? {} : { cwd }),
    });
  await run('apt-get', ['update']);
  return { archives, run };
}
