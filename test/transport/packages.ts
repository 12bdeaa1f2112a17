import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Ended, spawned } from '../../src/ssh/spawned.ts';

async function apt(...words: readonly string[]): Promise<Ended> {
  return await spawned(['apt-get', '-q', '-y', ...words], { env: { LC_ALL: 'C' } });
}

/** Fetches the packages into a folder of its own: several test files may do so at once, on a fresh machine. */
async function fetchPackages(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'fetching-'));
  await mkdir(join(folder, 'partial'));
  const settings = [`Dir::Cache::archives=${folder}`, 'APT::Sandbox::User=root', 'Debug::NoLocking=true'];
  const fetch = (): Promise<Ended> =>
    apt(
      'install',
      '--download-only',
      '--reinstall',
      '--no-install-recommends',
      ...settings.flatMap((setting) => ['-o', setting]),
      'openssh-server',
      'sudo',
    );
  let got = await fetch();
  if (got.status !== 0) {
    await apt('update');
    got = await fetch();
  }
  if (got.status !== 0) throw new Error(`apt-get could not fetch openssh-server and sudo:\n${got.stderr}`);
  return folder;
}

/**
 * The folder of Debian packages that bring the host its sshd and sudo, from apt, kept for the next time. None when this machine
 * has both itself.
 */
export async function packages(): Promise<string> {
  const own = await spawned(['sh', '-c', 'command -v /usr/sbin/sshd && command -v /usr/bin/sudo']);
  if (own.status === 0) return '/nonexistent';
  const parent = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'landfall-test');
  const folder = join(parent, 'sshd-packages');
  const there = await readdir(folder).catch(() => []);
  const has = (name: string): boolean => there.some((file) => file.startsWith(`${name}_`));
  if (has('openssh-server') && has('sudo')) return folder;
  const fetched = await fetchPackages(parent);
  try {
    await rename(fetched, folder);
    return folder;
  } catch {
    // Somebody else was faster.
    await rm(fetched, { recursive: true, force: true });
    return folder;
  }
}
