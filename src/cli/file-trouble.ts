import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '../model/problem.ts';

/** What the operating system calls it, what that means for a reader, and what to do about the path. */
const TROUBLES: Readonly<Record<string, readonly [means: string, remedy: (path: string) => string]>> = {
  EACCES: ['this user may not read or write there', (path) => `ls -ld ${path} and the folders above it`],
  EPERM: ['this user may not change that', (path) => `ls -ld ${path}; lsattr -d ${path}`],
  EROFS: ['the file system is mounted read-only', (path) => `findmnt -T ${path}; name another place`],
  ENOSPC: ['the disk of this machine is full', (path) => `df -h ${path}; make room, then run it again`],
  EDQUOT: ['this user has no room left on that disk', () => 'quota -s; make room, then run it again'],
  ENOTDIR: [
    'a part of that path is a file, not a folder',
    (path) => `namei ${path}   shows which; name another place`,
  ],
  ENOENT: ['a folder of that path does not exist', (path) => `namei ${path}   shows which; make it first`],
  EISDIR: ['it is a folder', () => 'name a file in it'],
  EEXIST: ['something of that name is there already', (path) => `ls -ld ${path}; name another place`],
};

/** ENOENT of a folder that was to be made although the one it belongs into is there, as in /proc. */
const NO_FOLDERS: (typeof TROUBLES)[string] = [
  'nobody can make a folder there: the file system is one of the kernel’s own',
  (path) => `findmnt -T ${path}; name another place`,
];

interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  /** Absent when a file that was open already could not be written. */
  readonly path?: string;
}

function isOfFiles(error: unknown): error is SystemError {
  if (!(error instanceof Error && 'code' in error && 'syscall' in error)) return false;
  const isKnown = typeof error.code === 'string' && Object.hasOwn(TROUBLES, error.code);
  // A program that could not be started also says ENOENT, and calls the program its path.
  return isKnown && !String(error.syscall).startsWith('spawn');
}

/**
 * Tells an error of this machine's file system, which is the user's to mend and no bug of ours, as a problem `file/system`
 * (exit 1); undefined when the error is another.
 */
export function fileTrouble(error: unknown): Problem | undefined {
  if (!isOfFiles(error)) return undefined;
  const isRefusal =
    error.code === 'ENOENT' && error.syscall === 'mkdir' && existsSync(dirname(error.path ?? ''));
  const [means, remedy] = (isRefusal ? NO_FOLDERS : TROUBLES[error.code]) ?? ['', () => ''];
  return new Problem(
    {
      code: 'file/system',
      summary: `${error.path ?? 'a file that was being written'} on this machine cannot be used`,
      saw: error.message,
      why: `${means}. What Landfall keeps for you is below $XDG_STATE_HOME (else ~/.local/state), what a lab is made of below $XDG_CACHE_HOME (else ~/.cache), what lasts as long as a command below $XDG_RUNTIME_DIR (else /tmp), the rest beside cluster.yaml`,
      try: remedy(error.path ?? '.'),
      exit: 1,
    },
    { cause: error },
  );
}

/** Tells that what was printed did not arrive, as a problem `file/output` (exit 1). */
export function outputTrouble(error: NodeJS.ErrnoException): Problem {
  const [means] = TROUBLES[error.code ?? ''] ?? ['what standard output was led to takes nothing more'];
  return new Problem(
    {
      code: 'file/output',
      summary: 'not all that was printed has arrived where standard output leads to',
      saw: error.message,
      why: `${means}; whatever was printed there is incomplete`,
      try: 'run it again with standard output led elsewhere',
      exit: 1,
    },
    { cause: error },
  );
}
