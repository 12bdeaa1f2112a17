import { execText, exec } from './exec.ts';
import { Problem } from '../../src/model/problem.ts';
import type { Listener } from './schedule.ts';

/** The Go that the pinned modules ask for at least. */
export const goNeeded = [1, 26, 3] as const;

/**
 * Sees to it that this machine has what the recipes need: Debian packages, installed when we are root, and Go.
 *
 * @param names Debian packages, and `go`
 * @throws Problem when something is missing and cannot be installed from here
 */
export async function ensureTools(names: readonly string[], on: Listener): Promise<void> {
  const wanted = [...new Set(names)].filter((name) => name !== 'go').sort();
  const format = '${Package} ${db:Status-Status}\n';
  const known = await execText(['dpkg-query', '-W', '-f', format, ...wanted], { allow: [0, 1] }).catch(
    () => undefined,
  );
  if (known === undefined)
    throw new Problem({
      code: 'depot/not-debian',
      summary: 'the depot is built with the programs of Debian or Ubuntu, and dpkg is not here',
      try: 'fill it on a Debian 12 machine or in a container of it, and copy the folder',
    });
  const installed = new Set(
    known
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  const absent = wanted.filter((name) => !installed.has(name));
  if (absent.length > 0) await install(absent, on);
  if (names.includes('go')) await checkGo();
}

async function install(absent: readonly string[], on: Listener): Promise<void> {
  const line = `apt-get install --no-install-recommends ${absent.join(' ')}`;
  if (process.getuid?.() !== 0)
    throw new Problem({
      code: 'depot/tools',
      summary: `building the depot needs ${absent.length} Debian package${absent.length === 1 ? '' : 's'} more`,
      try: `sudo ${line}`,
    });
  on({ type: 'note', text: `installing what building needs: ${line}` });
  const env = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' };
  const apt = ['apt-get', '-o', 'DPkg::Lock::Timeout=300', '-q'];
  const argv = [...apt, 'install', '-y', '--no-install-recommends', ...absent];
  await exec(argv, { env }).catch(async () => {
    await exec([...apt, 'update'], { env }); // its package lists may be old, or none
    await exec(argv, { env });
  });
}

async function checkGo(): Promise<void> {
  const version = await execText(['go', 'env', 'GOVERSION'], { env: { GOTOOLCHAIN: 'local' } }).catch(
    () => undefined,
  );
  const found = /^go(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(version ?? '')
    ?.slice(1)
    .map((part) => Number(part ?? 0));
  const needed = goNeeded.join('.');
  const enough = found !== undefined && compare(found, goNeeded) >= 0;
  if (enough) return;
  throw new Problem({
    code: 'depot/go',
    summary:
      version === undefined
        ? `Go is not here; ${needed} or newer is needed`
        : `Go here is ${version}; ${needed} or newer is needed`,
    why: 'the depot builds Kubernetes and its companions out of their published Go modules',
    try: 'install it from https://go.dev/dl/ (Debian 12 has an older one) and put it on the PATH',
  });
}

/** Compares versions part by part: negative, 0 or positive. */
export function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
