import { createServer } from 'node:net';

/**
 * Ports nobody listens on: IANA keeps them for trials (RFC 4727), and the system hands neither out, so that no sshd of a test beside
 * this one gets it meanwhile.
 */
export const DEAD_PORTS = [1021, 1022] as const;

/** A port nobody listens on at this moment: for whoever takes it at once. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks until the answer is not undefined. @throws Error after `limit` milliseconds, saying what was waited for. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  limit = 30_000,
): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
