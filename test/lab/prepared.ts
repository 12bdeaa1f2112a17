import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../../src/lab/exec.ts';
import { hostDir } from '../../src/lab/host.ts';
import { locked } from '../../src/lab/lock.ts';
import { whole } from '../../src/lab/part.ts';
import { cacheDir, depotDir } from '../../src/lab/place.ts';
import { labHostStop } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { cleared, clusterYaml, desk, freshLab, put, well, wellOnHost } from './harness.ts';

const NAME = 'test-prepared';
const FOLDER = join(cacheDir(), 'prepared');

/** What a prepared disk is made of: this build of Landfall, and what the depot of everybody holds. */
async function keyOf(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync('dist/bin/landfall.js'));
  const depot = depotDir({ ...process.env, LANDFALL_DEPOT: undefined });
  return hash
    .update(await realpath(depot))
    .digest('hex')
    .slice(0, 16);
}

/** The disk of a host on which Landfall has installed the packages and started the runtime; made when there is none. */
export async function preparedDisk(): Promise<string> {
  const disk = join(FOLDER, `${await keyOf()}.img`);
  const prepare = async (): Promise<string> => {
    if (existsSync(disk)) return disk;
    const lab = await freshLab(NAME);
    const place = desk();
    try {
      put(place, 'cluster.yaml', clusterYaml(lab));
      await well(place, 'apply', '--yes', '--only', 'packages', '--only', 'runtime');
      const pull = 'kubeadm config images pull --kubernetes-version "$(kubeadm version -o short)"';
      await wellOnHost(lab, 'cp-0', pull);
      await labHostStop(NAME, 'cp-0');
      for (const old of await readdir(FOLDER))
        if (old.endsWith('.img')) await rm(join(FOLDER, old), { force: true });
      await whole(disk, async (part) => {
        await exec(['cp', '--sparse=always', '--reflink=auto', join(hostDir(lab, 'cp-0'), 'disk.img'), part]);
      });
    } finally {
      await cleared(NAME, place);
    }
    return disk;
  };
  // Whoever comes while it is made waits for it.
  return await locked(join(FOLDER, 'lock'), 'preparing a disk', prepare, () => undefined);
}

/**
 * A fresh lab of this name with hosts on which everything is installed and fetched that a create would install and fetch, and
 * nothing else of a cluster is: for tests that begin where those of the installation end.
 */
export async function preparedLab(name: string, hosts?: readonly string[]): Promise<Lab> {
  return await freshLab(name, hosts, { disk: await preparedDisk() });
}
