import { arrive, begin, carry, carryOut, type Play, replace, Violated } from './acts.ts';
import { newClock, underClock } from './clock.ts';
import { applying, plan, type Process } from './commands.ts';
import { befall, heal, kill } from './faults.ts';
import { unstopped } from './host.ts';
import type { Act, Fault, Schedule } from './schedule.ts';
import { type Bug, clusterOf } from './site.ts';
import { machineOf, newWorld, tell, type World } from './world.ts';

/** How a schedule came out. */
export interface Played {
  /** What must never be, and was; absent when all went as it should. */
  readonly violation?: string;
  readonly story: readonly string[];
}

/** Milliseconds until a host has noticed that whoever held it is not there any more. */
const NOTICED = 60_000;

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

/** Has everything done that is about a host alone. */
function prepare(world: World): void {
  for (const { holds } of world.machines) holds.add('*');
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
    } else if (fault.kind === 'second operator') others.push(applying(begin(own, unstopped()), own.cluster));
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
    const ended = await carry(own, replace(own, begin(own, unstopped()), name));
    tell(world, `replace ${name}: ${ended.map((one) => `${one.code}: ${one.summary}`).join('; ') || 'well'}`);
  }
  const last = (): Process => begin(own, unstopped());
  const ended = await carry(own, applying(last(), own.cluster));
  if (ended.length > 0)
    throw new Error(
      `one more apply does not converge: ${ended.map((one) => `${one.host ?? ''}: ${one.summary}: ${one.saw ?? ''}`).join('\n')}`,
    );
  const left = await carry(own, plan(last(), own.cluster));
  if (left.length > 0) throw new Error(`the plan is not empty after it: ${left.join('\n')}`);
}
