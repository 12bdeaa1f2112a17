import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../model/cluster.ts';
import type { Shell } from '../shell/sh.ts';
import { anyWay } from '../ssh/any-way.ts';
import type { Host } from '../ssh/host.ts';
import { openSsh } from '../ssh/open-ssh.ts';
import { socketFolder } from '../ssh/socket-folder.ts';
import type { Target } from '../ssh/target.ts';

/**
 * The connection to a host. Where sshd is wished on another port than it has now, or has had once, the host may be found where it
 * was, where it is wished, or, installed anew, where new hosts are.
 */
export function connection(target: Target, { host }: Cluster): Host {
  const wished = host.ssh?.port;
  const { port, ...elsewhere } = target;
  if (wished === undefined) return openSsh(target);
  return anyWay([
    openSsh(target),
    ...(port === wished ? [] : [openSsh({ ...target, port: wished })]),
    ...(port === undefined ? [] : [openSsh(elsewhere)]),
  ]);
}

/** What `ssh` means in scripts on the operator's machine; writes the pinned keys where it finds them. */
export async function sshOf(all: readonly Target[]): Promise<Shell> {
  const [{ ownSsh }, { pinLine }] = await Promise.all([
    import('../ssh/own-ssh.ts'),
    import('../ssh/words.ts'),
  ]);
  const file = (target: Target): string | undefined =>
    target.hostKey === undefined ? undefined : join(socketFolder(), `${target.name}.pinned`);
  for (const target of all) {
    const path = file(target);
    if (path !== undefined) writeFileSync(path, pinLine(target), { mode: 0o600 });
  }
  return ownSsh(all, file);
}
