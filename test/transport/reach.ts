import { expect } from 'vitest';
import { Problem } from '../../src/model/problem.ts';
import type { Host } from '../../src/ssh/host.ts';
import { type OpenSshOptions, openSsh } from '../../src/ssh/open-ssh.ts';
import type { Target } from '../../src/ssh/target.ts';
import type { Sshd } from './sshd.ts';

/** The test host as root, with what the test changes of it. */
export function targetOf(sshd: Sshd, changed: Partial<Target> = {}): Target {
  return {
    name: 'cp-0',
    address: sshd.address,
    port: sshd.port,
    user: 'root',
    config: sshd.config,
    ...changed,
  };
}

/** Opens a host for the length of one test. */
export async function using<T>(
  target: Target,
  work: (host: Host) => Promise<T>,
  options: OpenSshOptions = {},
): Promise<T> {
  const host = openSsh(target, options);
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}

/** What a host's first script is refused with. @throws Error when it was not refused by a Problem. */
export async function refusal(target: Target, options: OpenSshOptions = {}): Promise<Problem> {
  try {
    await using(target, (host) => host.run('true'), options);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was let in');
}

/** The same, with what all refusals have in common asserted. */
export async function refused(...of: Parameters<typeof refusal>): Promise<Problem> {
  const problem = await refusal(...of);
  expect(problem).toMatchObject({ exit: 4, host: 'cp-0' });
  expect(problem.summary).not.toMatch(/[.\n]$/);
  expect(problem.try).toBeTruthy();
  expect(problem.why).toBeTruthy();
  return problem;
}
