import { readFile } from 'node:fs/promises';
import { withSshPort } from '../config/edit.ts';
import type { Loaded } from '../config/load.ts';
import { readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import { replaceFile } from '../files/replace.ts';
import type { Facts } from '../model/facts.ts';
import type { Plan } from '../plan/plan.ts';
import { carryTrust } from '../ssh/carry-trust.ts';
import { targets } from './site.ts';
import type { Say } from './talk.ts';

/** The step that says that sshd has moved. */
const MOVED = 'login/port';

/** Whether sshd is still to move, or has moved and cluster.yaml does not know. */
function pendingPort({ cluster }: Loaded): number | undefined {
  const port = cluster.host.ssh?.port;
  return port === cluster.ssh.port ? undefined : port;
}

/** Before sshd is moved: has this machine know the hosts under the port they will have, by the keys it knows. */
export async function knowUnderNewPort(loaded: Loaded): Promise<void> {
  const port = pendingPort(loaded);
  if (port === undefined) return;
  // One after another: they append to one file.
  for (const target of await targets(loaded)) await carryTrust(target, port);
}

/** Has cluster.yaml follow an sshd that has moved on every host. */
export async function followPort(loaded: Loaded, plan: Plan, say: Say): Promise<void> {
  const port = pendingPort(loaded);
  if (port === undefined) return;
  const findings = plan.hosts.flatMap((host) => host.findings.filter(({ step }) => step === MOVED));
  const isMoved = findings.length === loaded.cluster.nodes.length;
  if (isMoved && findings.every(({ forecast }) => forecast === 'right')) await write(loaded, port, say);
}

/** Has cluster.yaml follow an sshd that is back where it was, right before its new port is closed. */
export async function followBack(loaded: Loaded, facts: readonly Facts[], say: Say): Promise<void> {
  const before = facts.map(({ ssh }) => ssh?.before ?? []).find((ports) => ports.length > 0);
  const port = before?.includes(22) === true ? 22 : before?.[0];
  if (port !== undefined && port !== loaded.cluster.ssh.port) await write(loaded, port, say);
}

/** Changes `ssh.port` in the file and nothing else; where that cannot be done, says what to write. */
async function write(loaded: Loaded, port: number, say: Say): Promise<void> {
  const { file, source } = loaded;
  const by = (why: string): void =>
    say(`sshd listens on port ${port} now. ${why}: write port: ${port} under ssh: in it.`);
  if (file === '-') return by('cluster.yaml was read from standard input');
  const now = await readFile(file, 'utf8').catch(() => '');
  if (asText(file, now).content !== source) return by(`${file} was changed meanwhile`);
  const text = withSshPort(now, port);
  if (!saysOnly(file, text, loaded, port)) return by(`${file} is of a form Landfall does not edit`);
  try {
    replaceFile(file, text);
  } catch (error) {
    return by(`${file} cannot be written (${(error as Error).message})`);
  }
  say(`sshd listens on port ${port} now, and so says ssh.port in ${file}.`);
}

/** Whether the new text differs from the old in the port alone. */
function saysOnly(file: string, text: string, { cluster }: Loaded, port: number): boolean {
  try {
    const read = readCluster(asText(file, text)).cluster;
    return (
      JSON.stringify(read) ===
      JSON.stringify({ ...cluster, ssh: orderedAs(read.ssh, { ...cluster.ssh, port }) })
    );
  } catch {
    return false;
  }
}

/** The same fields in the order of another value, for comparing. */
function orderedAs<T extends object>(like: T, fields: T): T {
  return Object.fromEntries(Object.keys(like).map((key) => [key, fields[key as keyof T]])) as T;
}
