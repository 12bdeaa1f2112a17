import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../model/problem.ts';
import { startDetached } from './detached.ts';
import { FORWARDER } from './forwarder.ts';
import { fromOutside } from './host.ts';
import { findProcesses, killAll, runs } from './processes.ts';
import { DEFAULT_LAB, type Lab } from './spec.ts';

/** The port of a lab host that is forwarded: where kubeadm puts an API server. */
export const FORWARDED_PORT = 6443;

/** How a lab's API servers are reached from an ordinary shell of this machine. */
export interface Forwarding {
  /** The ports are listened on. */
  readonly up: boolean;
  /** By a host's address, the port of 127.0.0.1 that leads to its {@link FORWARDED_PORT}; kept while nothing listens. */
  readonly ports: Readonly<Record<string, number>>;
}

const files = (dir: string) => ({
  state: join(dir, 'forward.json'),
  script: join(dir, 'forwarder.pl'),
  log: join(dir, 'forward.log'),
});

/** Looks at a lab's forwarding; changes nothing. */
export async function forwarding(lab: Pick<Lab, 'dir'>): Promise<Forwarding> {
  const { state } = files(lab.dir);
  const { pid, ports } = await readState(state);
  return { up: pid > 0 && (await runs(pid, state)), ports };
}

/** What the forwarder writes, whole, once it listens. */
interface State {
  readonly pid: number;
  readonly ports: Forwarding['ports'];
}

/** A file that holds anything else remembers nothing. */
async function readState(file: string): Promise<State> {
  const nothing: State = { pid: 0, ports: {} };
  try {
    return { ...nothing, ...(JSON.parse(await readFile(file, 'utf8')) as Partial<State>) };
  } catch {
    return nothing;
  }
}

/**
 * The port that is first asked for: 50 for each network, from 19000 on. They lie below 32768, from where on the kernel takes ports
 * for other programs' connections, so that they are still free when the lab comes up again.
 */
export function firstChoice(address: string): number {
  const [, , network, last] = address.split('.').map(Number);
  return 19_000 + 50 * (network ?? 0) + (((last ?? 0) + 50 - 11) % 50);
}

/**
 * Starts a lab's forwarder, detached: it outlives this process. Does nothing when it runs and knows every host; else starts it anew,
 * with the ports it had. Connections that go through it stay. Throws `lab/forward` with its last words when it does not come up.
 */
export async function startForwarder(lab: Lab): Promise<void> {
  const { state, script, log } = files(lab.dir);
  const { up, ports } = await forwarding(lab);
  if (up && lab.hosts.every(({ address }) => address in ports)) return;
  await stopForwarder(lab);
  await writeFile(script, FORWARDER);
  const ways = lab.hosts.map(
    ({ address }) => `${ports[address] ?? firstChoice(address)}:${address}:${FORWARDED_PORT}`,
  );
  const relay = fromOutside(lab, ['perl', join(lab.dir, 'relay.pl')]);
  await startDetached({
    command: ['perl', script, state, ...ways, '--', ...relay],
    log,
    isUp: async (pid) => (await readState(state)).pid === pid,
    limit: 10_000,
    failure: {
      code: 'lab/forward',
      summary: 'no port of 127.0.0.1 can be made to lead to the lab’s hosts',
    },
  });
}

/** Ends a lab's forwarder, and remembers its ports; none running is no error. */
async function stopForwarder(lab: Pick<Lab, 'dir'>): Promise<void> {
  const { state } = files(lab.dir);
  await killAll(() => findProcesses({ commandHas: [state], namespaces: [] }));
}

/**
 * The port of 127.0.0.1 that leads to the API server on a lab host; undefined when there is none, because the address is none of the
 * lab's or the API server's port another.
 * Throws `lab/forward` when there should be one and nothing listens on it.
 */
export async function forwardedPort(lab: Lab, address: string, port: number): Promise<number | undefined> {
  const host = lab.hosts.find((one) => one.address === address);
  if (host === undefined || port !== FORWARDED_PORT) return undefined;
  const { up, ports } = await forwarding(lab);
  if (up && ports[address] !== undefined) return ports[address];
  throw new Problem({
    code: 'lab/forward',
    summary: `no port of 127.0.0.1 leads to ${host.name}`,
    why: 'the hosts of a lab are in a network of their own; the program that joins kubectl to it does not run',
    try: `landfall lab up${lab.name === DEFAULT_LAB ? '' : ` --name ${lab.name}`}   starts it again; what runs is left alone`,
  });
}
