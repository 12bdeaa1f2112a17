import { chmod, mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../src/files/folder.ts';
import { Problem } from '../../src/model/problem.ts';
import { type Contents, contentsFor, partsOf } from './contents.ts';
import { make } from './artefacts.ts';
import { assemble, type DepotIndex, findDepot } from './depot.ts';
import { stopPrograms } from './exec.ts';
import { takeLock } from './lock.ts';
import { type Place, place as placeOf } from './place.ts';
import { prune } from './prune.ts';
import { withNeeds } from './recipe.ts';
import { checkPresent, type Listener, makeAll, missing } from './schedule.ts';
import { ensureTools } from './tools.ts';

/** The Kubernetes versions a depot gets when nobody says otherwise. */
export const defaultVersions: readonly string[] = ['1.36.3'];

/** What to fill a depot with. */
export interface FillOptions {
  /** Exact versions, each one of `releases`. */
  readonly kubernetes?: readonly string[];
  /** Whether containerd is wanted, beside CRI-O. */
  readonly containerd?: boolean;
  readonly place?: Place;
  /** Compare everything that is there with its checksums first. */
  readonly verify?: boolean;
  /** Remove what no present version is made of, when done. */
  readonly prune?: boolean;
}

/** A filled depot. */
export interface Filled {
  readonly folder: string;
  readonly index: DepotIndex;
  /** How many artefacts had to be made; 0 when the depot was complete. */
  readonly made: number;
}

function contentsOf({ kubernetes = defaultVersions, containerd = false }: FillOptions): Contents {
  return contentsFor(kubernetes, { containerd });
}

/** Says whether a depot with these versions is there already; it reads a few small files and starts nothing. */
export async function depotIsFilled(options: FillOptions = {}): Promise<boolean> {
  const contents = contentsOf(options);
  return (await findDepot(options.place ?? placeOf(), contents)) !== undefined;
}

/** Says how many things filling would make and about how many seconds that takes on two cores; it starts nothing. */
export async function fillingTakes(
  options: FillOptions = {},
): Promise<{ readonly things: number; readonly seconds: number }> {
  if (await depotIsFilled(options)) return { things: 0, seconds: 0 };
  const contents = contentsOf(options);
  const order = await missing(options.place ?? placeOf(), partsOf(contents));
  return { things: order.length, seconds: order.reduce((sum, { seconds }) => sum + seconds, 5) };
}

/**
 * Fills the depot: makes what is missing, puts it together, and links it as `current`. Safe to be killed anywhere and
 * run again, and to be run twice at once (the second waits for the first).
 *
 * @throws Problem when something it needs is missing or cannot be made
 */
export async function fillDepot(options: FillOptions, on: Listener): Promise<Filled> {
  const place = options.place ?? placeOf();
  const contents = contentsOf(options);
  const present = await findDepot(place, contents);
  const look = options.verify === true || options.prune === true;
  if (present !== undefined && !look) return { ...present, made: 0 };
  makeFolder(place.cache);
  const lock = await takeLock(place.lock, 'filling the depot', (holder) =>
    on({
      type: 'note',
      text: `waiting: ${holder === undefined ? 'somebody' : `process ${holder.pid}`} is ${holder?.what ?? 'at the depot'} since ${holder?.since ?? 'just now'}`,
    }),
  );
  try {
    await sweep(place);
    const filled = await fillLocked(place, contents, options.verify === true, on);
    if (options.prune === true) {
      const removed = await prune(place);
      on({ type: 'note', text: `removed ${removed.length} things that are no longer used` });
    }
    return filled;
  } finally {
    await lock.release();
  }
}

/** Makes what is missing and puts the depot together; the lock is ours. */
async function fillLocked(place: Place, contents: Contents, verify: boolean, on: Listener): Promise<Filled> {
  const present = await findDepot(place, contents);
  if (present !== undefined && !verify) return { ...present, made: 0 };
  const parts = partsOf(contents);
  await checkPresent(place, withNeeds(parts), on);
  const order = await missing(place, parts);
  on({ type: 'planned', missing: order, present: withNeeds(parts).length - order.length });
  if (order.length === 0 && present !== undefined) return { ...present, made: 0 };
  await ensureTools([...signingTools, ...order.flatMap(({ tools }) => tools)], on);
  if (order.length > 0) {
    await ensureRoom(place, order.length);
    await makeAll(place, order, lanes(), on, make, stopPrograms);
  }
  on({ type: 'note', text: 'putting the depot together' });
  await assemble(place, contents);
  const done = await findDepot(place, contents);
  if (done === undefined) throw new Error('the depot just put together is not what was asked for');
  return { ...done, made: order.length };
}

/** Debian packages whose programs sign the repositories. */
const signingTools = ['gpg', 'gpg-agent', 'gpgconf'];

/** How many things are made at a time: two keep two cores busy while one links or downloads, if there is memory for both. */
function lanes(): number {
  return availableParallelism() > 1 && totalmem() > 6 * 2 ** 30 ? 2 : 1;
}

/** Removes what a killed filler left; only the holder of the lock may. */
async function sweep(place: Place): Promise<void> {
  for (const name of await readdir(place.scratch).catch(() => [])) {
    await rm(join(place.scratch, name), { recursive: true, force: true });
  }
  await mkdir(place.scratch, { recursive: true });
  await chmod(place.scratch, 0o755);
}

/** Refuses to begin what the disk cannot hold: Go's caches take most of it. */
async function ensureRoom(place: Place, count: number): Promise<void> {
  const { bavail, bsize } = await statfs(place.cache);
  const free = (bavail * bsize) / 2 ** 30;
  const needed = count > 12 ? 14 : 4;
  if (free >= needed) return;
  throw new Problem({
    code: 'depot/room',
    summary: `building the depot needs about ${needed} GiB of disk, and ${place.cache} has ${free.toFixed(1)} GiB`,
    why: 'the Go compiler keeps what it has compiled, so that the next build takes minutes less',
    try: 'make room, or set XDG_CACHE_HOME and GOCACHE to a larger disk',
  });
}
