import type { Cluster } from '../../src/model/cluster.ts';
import { drive, newClock, underClock } from './clock.ts';
import { applying, type Ended, plan, type Process, removing, replacing } from './commands.ts';
import { befall, heal, kill } from './faults.ts';
import type { Operator } from './host.ts';
import type { Act, Command, Fault, Schedule } from './schedule.ts';
import { type Bug, clusterOf, nodeOf } from './site.ts';
import { machineOf, newWorld, place, tell, type World } from './world.ts';

/** How a schedule came out. */
export interface Played {
  /** What must never be, and was; absent when all went as it should. */
  readonly violation?: string;
  readonly story: readonly string[];
}

/** A simulation while it goes on. */
interface Play {
  readonly world: World;
  readonly bugs: ReadonlySet<Bug>;
  cluster: Cluster;
  /** Nodes whose leaving was begun and has not ended: the same command again goes on from there. */
  readonly pending: Map<string, () => Promise<Ended>>;
  runs: number;
}

/** Milliseconds within which every command ends, whatever befalls it. */
const LIMIT = 24 * 3600_000;

/** Milliseconds until a host has noticed that whoever held it is not there any more. */
const NOTICED = 60_000;

class Violated extends Error {}

/** Plays a schedule. Same schedule, same story. */
export async function play(schedule: Schedule, bugs: ReadonlySet<Bug> = new Set()): Promise<Played> {
  const world = newWorld(newClock());
  const names = [
    ...Array.from({ length: schedule.planes }, (_, i) => `cp-${i}`),
    ...Array.from({ length: schedule.workers }, (_, i) => `worker-${i}`),
  ];
  const own: Play = { world, bugs, cluster: clusterOf(names), pending: new Map(), runs: 0 };
  for (const name of names) arrive(own, name);
  if (schedule.prepared) prepare(world);
  try {
    await underClock(world.clock, async () => {
      for (const act of schedule.acts) await perform(own, act);
      await settle(own);
    });
  } catch (error) {
    if (!(error instanceof Violated))
      world.violation ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { violation, story } = world;
  return { story, ...(violation === undefined ? {} : { violation }) };
}

function arrive({ world }: Play, name: string): void {
  const { address, role } = nodeOf(name);
  place(world, name, address, role === 'control-plane');
}

/** Has everything done that is about a host alone. */
function prepare(world: World): void {
  for (const { holds } of world.machines) holds.add('*');
}

function begin(own: Play, soon: AbortSignal): Process {
  own.runs += 1;
  const operator: Operator = { isDead: false, sessions: new Set() };
  return { world: own.world, operator, run: `r${own.runs}`, soon, bugs: own.bugs };
}

/** Lets time pass until a command has ended. */
async function carry<T>({ world }: Play, work: Promise<T>): Promise<T> {
  const until = world.clock.now() + LIMIT;
  return drive(world.clock, work, () => {
    if (world.violation !== undefined) throw new Violated();
    if (world.clock.now() > until) throw new Error('the command does not end');
  });
}

/** Has one command carried out, and what befalls it. */
async function perform(own: Play, { command, faults }: Act): Promise<void> {
  const { world } = own;
  const soon = new AbortController();
  const process = begin(own, soon.signal);
  const others: Promise<unknown>[] = [];
  let isKilled: () => void = () => undefined;
  const killed = new Promise<'killed'>((done) => {
    isKilled = () => done('killed');
  });
  const strike = (fault: Fault): void => {
    if (fault.kind === 'operator killed') {
      tell(world, `the operator of ${process.run} is killed`);
      kill(process.operator);
      isKilled();
    } else if (fault.kind === 'operator asks to stop') {
      tell(world, `the operator of ${process.run} asks to stop`);
      soon.abort(130);
    } else if (fault.kind === 'second operator')
      others.push(applying(begin(own, new AbortController().signal), own.cluster));
    else {
      const { nodes } = own.cluster;
      befall(world, machineOf(world, nodes[fault.host % nodes.length]?.name ?? ''), fault);
    }
  };
  let moment = 0;
  const waiting = faults.toSorted((a, b) => a.at - b.at);
  world.onMoment = () => {
    moment += 1;
    while (waiting[0] !== undefined && waiting[0].at <= moment) strike(waiting.shift() as Fault);
  };
  const ended = carryOut(own, process, command);
  if (ended === undefined) {
    world.onMoment = () => undefined;
    return;
  }
  tell(world, `${process.run}: ${command.do}`);
  const end = await carry(own, Promise.race([ended, killed]));
  world.onMoment = () => undefined;
  tell(
    world,
    `${process.run} ends: ${end === 'killed' ? end : end.map((one) => `${one.code}: ${one.summary}`).join('; ') || 'well'}`,
  );
  for (const other of others) await carry(own, other);
}

/** Begins a command; undefined when there is nothing it can be about. */
function carryOut(own: Play, process: Process, command: Command): Promise<Ended> | undefined {
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
  const again = (): Promise<Ended> => remove(own, begin(own, new AbortController().signal), names);
  const onLeave = (): unknown => own.pending.set(key, again);
  const { ended, cluster } = await removing({ ...process, onLeave }, own.cluster, names);
  own.cluster = cluster;
  if (ended.length === 0) own.pending.delete(key);
  return ended;
}

async function replace(own: Play, process: Process, name: string): Promise<Ended> {
  if (machineOf(own.world, name).state === 'gone') arrive(own, name);
  const again = (): Promise<Ended> => replace(own, begin(own, new AbortController().signal), name);
  const onLeave = (): unknown => own.pending.set(name, again);
  const ended = await replacing({ ...process, onLeave }, own.cluster, name);
  if (ended.length === 0) own.pending.delete(name);
  return ended;
}

/** When faults stop: what was begun is gone on with, the gone are replaced, one more apply; then nothing is left to do. */
async function settle(own: Play): Promise<void> {
  const { world } = own;
  heal(world);
  await carry(own, world.clock.sleep(NOTICED));
  for (let round = 0; round < 3 && own.pending.size > 0; round += 1) {
    for (const [names, again] of [...own.pending]) {
      const isThere = names.split(' ').every((name) => own.cluster.nodes.some((node) => node.name === name));
      if (!isThere) own.pending.delete(names);
      else {
        const ended = await carry(own, again());
        tell(
          world,
          `${names} again: ${ended.map((one) => `${one.code}: ${one.summary}`).join('; ') || 'well'}`,
        );
      }
    }
  }
  for (const { name } of own.cluster.nodes) {
    if (machineOf(world, name).state !== 'gone') continue;
    arrive(own, name);
    if (world.members.length === 0) continue;
    const ended = await carry(own, replace(own, begin(own, new AbortController().signal), name));
    tell(world, `replace ${name}: ${ended.map((one) => `${one.code}: ${one.summary}`).join('; ') || 'well'}`);
  }
  const last = (): Process => begin(own, new AbortController().signal);
  const ended = await carry(own, applying(last(), own.cluster));
  if (ended.length > 0)
    throw new Error(
      `one more apply does not converge: ${ended.map((one) => `${one.host ?? ''}: ${one.summary}: ${one.saw ?? ''}`).join('\n')}`,
    );
  const left = await carry(own, plan(last(), own.cluster));
  if (left.length > 0) throw new Error(`the plan is not empty after it: ${left.join('\n')}`);
}
