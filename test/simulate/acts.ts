import type { Cluster } from '../../src/model/cluster.ts';
import { drive } from './clock.ts';
import { applying, type Ended, type Process, removing, replacing } from './commands.ts';
import { type Operator, unstopped } from './host.ts';
import type { Command } from './schedule.ts';
import { type Bug, clusterOf, nodeOf } from './site.ts';
import { machineOf, place, type World } from './world.ts';

/** A simulation while it goes on. */
export interface Play {
  readonly world: World;
  readonly bugs: ReadonlySet<Bug>;
  cluster: Cluster;
  /** Nodes whose leaving was begun and has not ended: the same command again goes on from there. */
  readonly pending: Map<string, () => Promise<Ended>>;
  runs: number;
}

/** Milliseconds within which every command ends, whatever befalls it. */
const LIMIT = 24 * 3600_000;

/** What must never be has been. */
export class Violated extends Error {}

/** Puts a new machine where a node is to be. */
export function arrive({ world }: Play, name: string): void {
  const { address, role } = nodeOf(name);
  place(world, name, address, role === 'control-plane');
}

/** Begins a process of Landfall. */
export function begin(own: Play, soon: AbortSignal): Process {
  own.runs += 1;
  const operator: Operator = { isDead: false, sessions: new Set(), trips: new Map() };
  return { world: own.world, operator, run: `r${own.runs}`, soon, bugs: own.bugs };
}

/** Lets time pass until a command has ended. @throws Violated; Error when it does not end. */
export async function carry<T>({ world }: Play, work: Promise<T>): Promise<T> {
  const until = world.clock.now() + LIMIT;
  return drive(world.clock, work, () => {
    if (world.violation !== undefined) throw new Violated();
    if (world.clock.now() > until) throw new Error('the command does not end');
  });
}

/** Begins a command; undefined when there is nothing it can be about. */
export function carryOut(own: Play, process: Process, command: Command): Promise<Ended> | undefined {
  const names = own.cluster.nodes.map(({ name }) => name);
  const planes = names.filter((name) => name.startsWith('cp-'));
  const workers = names.filter((name) => name.startsWith('worker-'));
  switch (command.do) {
    case 'apply':
      return applying(process, own.cluster);
    case 'add': {
      const some =
        command.role === 'worker'
          ? [`worker-${own.runs + 10}`]
          : [`cp-${own.runs + 10}`, `cp-${own.runs + 11}`];
      if (command.role === 'control planes' && planes.length > 1) return undefined;
      for (const name of some) arrive(own, name);
      own.cluster = clusterOf([...names, ...some]);
      own.runs += 1;
      return applying(process, own.cluster);
    }
    case 'remove': {
      const some = command.role === 'worker' ? workers : planes;
      const count = command.role === 'worker' ? 1 : 2;
      if (some.length < (count === 1 ? 1 : 3)) return undefined;
      const leaving = Array.from({ length: count }, (_, i) => some[(command.who + i) % some.length] ?? '');
      return remove(own, process, leaving);
    }
    case 'replace': {
      const name = names[command.who % names.length] ?? '';
      return replace(own, process, name);
    }
  }
}

async function remove(own: Play, process: Process, names: readonly string[]): Promise<Ended> {
  const key = names.join(' ');
  const again = (): Promise<Ended> => remove(own, begin(own, unstopped()), names);
  const onLeave = (): unknown => own.pending.set(key, again);
  const { ended, cluster } = await removing({ ...process, onLeave }, own.cluster, names);
  own.cluster = cluster;
  if (ended.length === 0) own.pending.delete(key);
  return ended;
}

/** landfall node replace, on a new machine when the old one is gone. */
export async function replace(own: Play, process: Process, name: string): Promise<Ended> {
  if (machineOf(own.world, name).state === 'gone') arrive(own, name);
  const again = (): Promise<Ended> => replace(own, begin(own, unstopped()), name);
  const onLeave = (): unknown => own.pending.set(name, again);
  const ended = await replacing({ ...process, onLeave }, own.cluster, name);
  if (ended.length === 0) own.pending.delete(name);
  return ended;
}
