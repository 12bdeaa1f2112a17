import type { Lab } from '../../src/lab/spec.ts';
import { onHost } from './harness.ts';

/** Which of these hosts have the virtual address now. One that is off has not. */
export async function holders(
  lab: Lab,
  address: string,
  hosts: readonly string[],
): Promise<readonly string[]> {
  const held = await Promise.all(
    hosts.map(async (host) => (await onHost(lab, host, `ip -4 -o addr show to ${address}/32`)).stdout),
  );
  return hosts.filter((_, i) => held[i] !== '');
}
