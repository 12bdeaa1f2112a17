import { Problem } from '../model/problem.ts';
import type { Host } from './host.ts';

/** What says that nobody listens where we tried: then no script was sent, and another way may be tried. */
const CLOSED: ReadonlySet<string> = new Set(['ssh/unreachable', 'ssh/proxy-command']);

const isClosed = (error: unknown): error is Problem => error instanceof Problem && CLOSED.has(error.code);

/**
 * A host that may listen in one of several places: it is looked for where it was found last, and when nobody listens there, in
 * the other places in their order. So a move of its ssh port can be cut short at any moment and the host is found again, and a
 * host that was installed anew is found where new hosts are.
 * @param ways the places, the likeliest first; at least one.
 * @throws Problem as the first place does, when all are closed; as any place does that is not closed and refuses us.
 */
export function anyWay(ways: readonly [Host, ...Host[]]): Host {
  let order: readonly Host[] = ways;
  const [{ name, address }] = ways;
  return {
    name,
    address,
    open: () => order[0]?.open?.(),
    run: async (script, options) => {
      let first: Problem | undefined;
      for (const way of order) {
        const goOnHere = (): void => void (order = [way, ...order.filter((other) => other !== way)]);
        try {
          const out = await way.run(script, options);
          goOnHere();
          return out;
        } catch (error) {
          if (!isClosed(error)) {
            goOnHere();
            throw error;
          }
          first ??= error;
        }
      }
      throw first ?? new Error('a host with no way to it');
    },
    trips: () => ways.reduce((sum, way) => sum + way.trips(), 0),
    close: async () => {
      await Promise.all(ways.map((way) => way.close()));
    },
  };
}
