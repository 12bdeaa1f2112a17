import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { home } from '../files/places.ts';
import { Problem, type ProblemParts } from '../model/problem.ts';
import { asText, placeOf, showable, type Text } from './text.ts';

/** Bytes: a thousand nodes with comments take a third of it, and what is far larger is another file. */
export const LARGEST = 256 * 1024;

/**
 * Reads a file as text; `-` is standard input.
 * @throws Problem `file/…` (exit 2) when it cannot be read, is a directory, too large, or not UTF-8.
 */
export function readText(file: string): Text {
  return decode(file === '-' ? 'standard input' : file, readBytes(file));
}

/** Takes a file's bytes; gives its text. @throws Problem `file/not-utf8`, with the place, when they are none. */
export function decode(file: string, bytes: Buffer): Text {
  const content = bytes.toString('utf8');
  if (Buffer.from(content).equals(bytes)) return asText(file, content);
  if (/^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2))) {
    throw invalid({
      code: 'file/not-utf8',
      summary: `${file} is UTF-16, as some editors of Windows save it`,
      try: `iconv -f UTF-16 -t UTF-8 ${file}`,
    });
  }
  const text = asText(file, content);
  const offset = firstBroken(content, bytes) - (content.length - text.content.length);
  throw invalid({
    code: 'file/not-utf8',
    where: placeOf(text, { start: offset, end: offset + 1 }, 'not UTF-8'),
    summary: `${showable(file)} is not UTF-8 text`,
    why: 'YAML is Unicode; in another encoding letters outside ASCII mean something else',
    try: `save it as UTF-8: iconv -f ISO-8859-1 -t UTF-8 ${file}`,
  });
}

/** Where a path written in cluster.yaml leads: relative to that file, `~/` being the home of whoever runs Landfall. */
export function pathFrom(clusterFile: string, path: string): string {
  if (path === '~' || path.startsWith('~/')) return join(home(process.env), path.slice(1));
  return isAbsolute(path) ? path : resolve(clusterFile === '-' ? '.' : dirname(clusterFile), path);
}

/** The lock file of a cluster file: landfall.lock beside cluster.yaml, `x.landfall.lock` beside a file called `x.yaml`. */
export function lockPath(clusterFile: string): string {
  if (clusterFile === '-') return 'landfall.lock';
  const name = basename(clusterFile).replace(/\.ya?ml$/, '');
  return join(dirname(clusterFile), name === 'cluster' ? 'landfall.lock' : `${name}.landfall.lock`);
}

function readBytes(file: string): Buffer {
  try {
    const descriptor = file === '-' ? 0 : openSync(file, 'r');
    try {
      if (fstatSync(descriptor).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
      return readUpTo(descriptor, file);
    } finally {
      if (file !== '-') closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof Problem ? error : unreadable(file, error as NodeJS.ErrnoException);
  }
}

/** Reads in pieces: a pipe has no size, and a device no end. */
function readUpTo(descriptor: number, file: string): Buffer {
  const pieces: Buffer[] = [];
  for (let total = 0; total <= LARGEST; ) {
    const piece = Buffer.alloc(64 * 1024);
    const count = readSync(descriptor, piece);
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, count));
    total += count;
  }
  throw invalid({
    code: 'file/too-large',
    summary: `${file} is larger than ${LARGEST / 1024} KiB`,
    why: 'a cluster of a thousand nodes needs a third of that',
    try: 'name the right file with --file',
  });
}

/** Where a U+FFFD was put in place of bytes that are no UTF-8: an index into the decoded text. */
function firstBroken(content: string, bytes: Buffer): number {
  let at = 0;
  for (let i = content.indexOf('\uFFFD'); i !== -1; i = content.indexOf('\uFFFD', i + 1)) {
    const offset = Buffer.byteLength(content.slice(0, i));
    if (bytes.toString('latin1', offset, offset + 3) !== '\u00ef\u00bf\u00bd') return i;
    at = i;
  }
  return at;
}

function unreadable(file: string, error: NodeJS.ErrnoException): Problem {
  const name = showable(file);
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return invalid({
        code: 'file/missing',
        summary: `there is no ${name}`,
        why: 'that file says what the cluster is to be',
        try: 'landfall init writes one; -f FILE or -C DIR names another',
      });
    case 'EISDIR':
      return invalid({
        code: 'file/directory',
        summary: `${name} is a directory`,
        try: `name the file in it: ${join(file, 'cluster.yaml')}`,
      });
    case 'EACCES':
    case 'EPERM':
      return invalid({
        code: 'file/refused',
        summary: `${name} may not be read`,
        try: `look at its owner and mode: ls -l ${file}`,
      });
    default:
      return invalid({
        code: 'file/unreadable',
        summary: `${name} cannot be read`,
        saw: error.message,
        try: 'look at the disk or share it lies on',
      });
  }
}

function invalid(parts: ProblemParts): Problem {
  return new Problem({ exit: 2, ...parts });
}
