import { type Socket, createConnection, createServer } from 'node:net';

/** A wire between the client and a server on loopback that can be cut, or hold its breath. */
export interface Relay {
  readonly port: number;
  /** Resets every connection, as a router that forgot them would. */
  readonly cut: () => void;
  /** Nothing passes any more in either direction, and nobody is told. */
  readonly freeze: () => void;
  readonly close: () => Promise<void>;
}

/** Lays a wire to a port. @param hangUp how many connections are first hung up on, as a busy sshd does. */
export async function relayTo(port: number, hangUp = 0): Promise<Relay> {
  let left = hangUp;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    near.on('error', () => {});
    if (left > 0) {
      left -= 1;
      near.resume();
      near.end('Exceeded MaxStartups\r\n');
      return;
    }
    const far = createConnection(port, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };
  return {
    port: address.port,
    cut,
    freeze: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
