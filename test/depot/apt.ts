import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { sha256 } from './recipe.ts';

/** One package of a repository's index: the fields of its control file and of its file, in order. */
export type Stanza = Readonly<Record<string, string>>;

/** Reads the paragraphs of a Debian control file, e.g. of a `Packages` index. Continued lines keep their line ends. */
export function parseStanzas(text: string): readonly Stanza[] {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => {
      const fields: Record<string, string> = {};
      let last = '';
      for (const line of paragraph.split('\n')) {
        const field = /^([^\s:]+):\s?(.*)$/.exec(line);
        if (/^\s/.test(line)) fields[last] += `\n${line}`;
        else if (field !== null) fields[(last = field[1] as string)] = field[2] as string;
      }
      return fields;
    });
}

/** Writes a `Packages` index, sorted by package and version. */
export function packagesIndex(stanzas: readonly Stanza[]): string {
  const name = (stanza: Stanza): string =>
    `${stanza['Package']} ${stanza['Version']} ${stanza['Architecture']}`;
  return [...stanzas]
    .sort((a, b) => (name(a) < name(b) ? -1 : 1))
    .map((stanza) =>
      Object.entries(stanza)
        .map(([field, value]) => `${field}:${value === '' || value.startsWith('\n') ? '' : ' '}${value}\n`)
        .join(''),
    )
    .join('\n');
}

/** Gives the index entry of a package file: its control fields, then where it lies and its checksums. */
export function stanzaOf(control: Stanza, filename: string, data: Buffer): Stanza {
  const { Description, ...fields } = control;
  return {
    ...fields,
    Filename: filename,
    Size: String(data.length),
    MD5sum: createHash('md5').update(data).digest('hex'),
    SHA256: sha256(data),
    ...(Description === undefined ? {} : { Description }),
  };
}

/** Gives a `Packages` index in the two forms apt asks for, path → content. */
export function indexFiles(folder: string, stanzas: readonly Stanza[]): Readonly<Record<string, Buffer>> {
  const text = Buffer.from(packagesIndex(stanzas));
  return { [`${folder}Packages`]: text, [`${folder}Packages.gz`]: gzipSync(text, { level: 9 }) };
}

/**
 * Writes a `Release` file.
 *
 * @param fields Origin, Suite, Codename, …; Date is added
 * @param files path relative to the file → content
 * @param date seconds since 1970
 */
export function releaseFile(
  fields: Readonly<Record<string, string>>,
  files: Readonly<Record<string, Buffer>>,
  date: number,
): string {
  const sums = (algorithm: string): string =>
    Object.entries(files)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([path, data]) =>
          ` ${createHash(algorithm).update(data).digest('hex')} ${String(data.length).padStart(9)} ${path}\n`,
      )
      .join('');
  const lines = Object.entries({ ...fields, Date: new Date(date * 1000).toUTCString() });
  return `${lines.map(([name, value]) => `${name}: ${value}\n`).join('')}MD5Sum:\n${sums('md5')}SHA256:\n${sums('sha256')}`;
}
