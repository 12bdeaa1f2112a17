import { existsSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../model/problem.ts';
import { attempt } from './exec.ts';
import { initPid } from './host.ts';
import type { Lab } from './spec.ts';

/** The file on a host that takes the room of a full disk. */
const FILLER = 'var/landfall-lab-filler';

/** A running host's file tree, as seen from this machine. Throws `lab/host-down`. */
async function treeOf(lab: Lab, host: string): Promise<string> {
  const init = await initPid(lab, host);
  if (init !== undefined) return `/proc/${init}/root`;
  throw new Problem({
    code: 'lab/host-down',
    summary: `${host} is not up`,
    host,
    try: `landfall lab break start ${host}`,
  });
}

/**
 * Fills a running host's disk until not one block is free: what writes next gets a real ENOSPC. The blocks are taken,
 * not written, so the file behind the disk hardly grows. Gives how many bytes were taken.
 */
export async function fillDisk(lab: Lab, host: string): Promise<number> {
  const tree = await treeOf(lab, host);
  const file = join(tree, FILLER);
  const before = (await statfs(tree)).bavail;
  let offset = 0;
  // A piece that does not fit keeps what it got before it failed: each try is about what was free before, less what the
  // filler's own extent tree takes.
  for (let divisor = 1; divisor <= 2 ** 24; ) {
    const { bavail, bsize } = await statfs(tree);
    if (bavail === 0) return before * bsize;
    const size = Math.max(1, Math.floor(bavail / divisor)) * bsize;
    if ((await attempt(['fallocate', '-o', String(offset), '-l', String(size), file])).code !== 0)
      divisor *= 2;
    offset += size;
  }
  const { bavail, bsize } = await statfs(tree);
  return (before - bavail) * bsize;
}

/** Removes what {@link fillDisk} made. */
export async function freeDisk(lab: Lab, host: string): Promise<void> {
  await rm(join(await treeOf(lab, host), FILLER), { force: true });
}

/** Whether a running host's disk was filled. */
export async function diskIsFull(lab: Lab, host: string): Promise<boolean> {
  const init = await initPid(lab, host);
  return init !== undefined && existsSync(join(`/proc/${init}/root`, FILLER));
}
