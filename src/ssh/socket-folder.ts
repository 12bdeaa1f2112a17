import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { placeNamed } from '../files/places.ts';

/**
 * The longest path a control socket may have: 104 bytes on macOS and the BSDs (108 on Linux), less the end and the 17
 * characters ssh appends while it binds.
 */
export const LONGEST_SOCKET = 104 - 1 - 17;

/** What Node appends to the name of a new folder, and one socket's name takes at most: `/` and a number. */
const NAME_ROOM = 6 + 8;

function uid(): number {
  return process.getuid?.() ?? 0;
}

/** The folder all Landfalls of this user share; false when somebody else could have laid it out for us. */
function isOurs(folder: string): boolean {
  try {
    makeFolder(folder, 0o700);
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === uid() && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Takes away what processes that were killed have left: folders are called `PID-…`. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = /^(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function room(folder: string): boolean {
  return /^[\w./-]+$/.test(folder) && Buffer.byteLength(folder) + NAME_ROOM <= LONGEST_SOCKET;
}

function make(env: Readonly<Record<string, string | undefined>>): string {
  const own = `${process.pid}-`;
  const runtime = placeNamed(env, 'XDG_RUNTIME_DIR');
  const places = [...(runtime === undefined ? [] : [join(runtime, 'landfall')]), `/tmp/landfall-${uid()}`];
  for (const place of places) {
    if (!room(join(place, own)) || !isOurs(place)) continue;
    sweep(place);
    return mkdtempSync(join(place, own));
  }
  // Somebody else sits on our name in /tmp: a name nobody can have guessed.
  return mkdtempSync(`/tmp/landfall-${own}`);
}

let ours: string | undefined;

/**
 * The folder of this process's control sockets and ssh logs: short, 0700, made at the first call, removed at exit. Under
 * `$XDG_RUNTIME_DIR/landfall`, else `/tmp/landfall-UID`. What killed processes have left beside it is removed too.
 */
export function socketFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (ours === undefined) {
    const folder = make(env);
    ours = folder;
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return ours;
}

let count = 0;

/** A name nothing in the {@link socketFolder} has yet: a number, as room is scarce. */
export function freshName(): string {
  count += 1;
  return String(count);
}
