import { attempt } from './exec.ts';
import { namespacePath, namesOf } from './names.ts';
import type { Lab } from './spec.ts';

/**
 * The ports logins are taken on, out of what `ss -Hltnp` prints in a host's network: those sshd holds, and those the host's
 * systemd holds for it. Pure.
 */
export function loginPorts(text: string): readonly number[] {
  const ports = text
    .split('\n')
    .filter((line) => /\(\("(sshd|systemd)"|,\("(sshd|systemd)"/.test(line))
    .map((line) => line.trim().split(/\s+/)[3] ?? '')
    .filter((address) => !/^(127\.|\[::1\])/.test(address))
    .map((address) => Number(/:(\d+)$/.exec(address)?.[1]));
  return [...new Set(ports)].filter((port) => port > 0).toSorted((a, b) => a - b);
}

/**
 * The port a lab host's sshd listens on, which may have been moved: seen from outside, in the host's own network. 22 where
 * nothing listens yet.
 */
export async function sshPort(lab: Pick<Lab, 'name'>, host: string): Promise<number> {
  const { stdout } = await attempt([
    'nsenter',
    `--net=${namespacePath(namesOf(lab.name).host(host))}`,
    'ss',
    '-Hltnp',
  ]);
  const ports = loginPorts(stdout);
  return ports.length === 0 || ports.includes(22) ? 22 : (ports[0] ?? 22);
}
