import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../../src/model/problem.ts';
import { aptRoot, machineSources, sourcesOf } from './aptroot.ts';
import { sha256Of } from './artefacts.ts';
import { exec } from './exec.ts';
import type { Recipe } from './recipe.ts';

/**
 * Gives the recipe for crun, out of the source that Debian 13 publishes: Debian 12's own 1.8 does not know the OCI
 * version that CRI-O speaks since 1.34 ("unknown version specified").
 *
 * @param sum sha256 of the source archive
 */
export function crun(version: string, sum: string): Recipe {
  return {
    id: `crun-${version}`,
    title: `crun ${version}`,
    inputs: { sum, flags: 'embedded-yajl static-libcrun systemd O2' },
    needs: [],
    seconds: 20,
    tools: [
      'gcc',
      'make',
      'libc6-dev',
      'pkg-config',
      'python3',
      'libcap-dev',
      'libseccomp-dev',
      'libsystemd-dev',
      'debian-archive-keyring',
    ],
    async build({ out, scratch, far }) {
      const apt = await aptRoot(join(scratch, 'apt'), sourcesOf('trixie', await machineSources()), 'deb-src');
      await apt.run('apt-get', ['source', '--download-only', '--tar-only', 'crun'], scratch);
      const archive = (await readdir(scratch)).find((name) => name.startsWith(`crun_${version}.orig.tar`));
      if (archive === undefined || (await sha256Of(join(scratch, archive))) !== sum)
        throw new Problem({
          code: 'depot/crun',
          summary: `Debian 13 no longer publishes the source of crun ${version} as it was`,
          why: 'the depot is built from sources whose checksums are pinned',
          try: 'put the version and checksum of the present one into test/depot/release.ts',
        });
      far(0.3);
      await exec(['tar', '-xf', archive], { cwd: scratch });
      const cwd = join(scratch, `crun-${version}`);
      // Without debugging information: it would carry the name of this folder, and with it the program's build id.
      const options = [
        '--quiet',
        '--prefix=/usr',
        '--enable-embedded-yajl',
        '--disable-shared',
        'CFLAGS=-O2',
      ];
      await exec(['./configure', ...options], { cwd });
      far(0.5);
      await exec(['make', '-s', '-j', String(availableParallelism())], { cwd });
      await exec(['strip', '-s', '-o', join(out, 'crun'), join(cwd, 'crun')]);
    },
  };
}
