import { join } from 'node:path';
import { hostDir } from './host.ts';
import { requireHost } from './lab.ts';
import type { Lab } from './spec.ts';
import { sshPort } from './ssh-port.ts';

/** The argv of a login to a lab host, or of a command on it; from an ordinary shell of this machine, as root. */
export async function sshArgv(
  lab: Lab,
  host: string,
  options: { readonly user?: string; readonly command?: readonly string[] } = {},
): Promise<readonly string[]> {
  requireHost(lab, host);
  const port = await sshPort(lab, host);
  return [
    'ssh',
    '-F',
    lab.sshConfig,
    ...(port === 22 ? [] : ['-p', String(port)]),
    ...(options.user === undefined ? [] : ['-l', options.user]),
    host,
    ...(options.command ?? []),
  ];
}

/** The log of one of a lab's parts: a host's console, or what the depot was asked for. */
export function logFile(lab: Lab, part: string): string {
  if (part === 'depot') return join(lab.dir, 'depot.log');
  return join(hostDir(lab, requireHost(lab, part).name), 'console.log');
}
