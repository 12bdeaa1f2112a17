import type { Operator } from './host.ts';
import type { Fault } from './schedule.ts';
import { type Machine, type Member, tell, type World } from './world.ts';

/** Ends everything that goes on with a machine when it loses its power. */
function down(world: World, machine: Machine, state: 'down' | 'gone'): void {
  if (machine.state === 'up') machine.since = world.clock.now();
  machine.state = state;
  machine.boot += 1;
  machine.units.clear();
  machine.stops.clear();
  for (const session of machine.sessions) session.lose('connection reset by peer');
}

/** Whether etcd could have its majority again without a machine: a cluster that is lost for good is another story. */
function isSpare(world: World, machine: Machine): boolean {
  const voters = world.members.filter(({ learner }) => !learner);
  const lives = ({ id }: Member): boolean =>
    world.machines.some((one) => one.etcd === id && one.state !== 'gone' && one !== machine);
  return voters.length === 0 || voters.filter(lives).length >= Math.floor(voters.length / 2) + 1;
}

/** Has a fault befall a machine. */
export function befall(world: World, machine: Machine, { kind, seconds }: Fault): void {
  const { clock } = world;
  if (machine.state === 'gone') return;
  const spell = {
    'step fails once': 'fails once',
    'step fails always': 'fails always',
    'slow step': 'slow',
  } as const;
  switch (kind) {
    case 'host killed': {
      tell(world, `${machine.name} is killed`);
      down(world, machine, 'down');
      const { boot } = machine;
      clock.after(seconds * 1000, () => {
        if (machine.boot === boot && machine.state === 'down') back(world, machine);
      });
      return;
    }
    case 'host gone':
      if (!isSpare(world, machine)) return;
      tell(world, `${machine.name} is gone for good`);
      return down(world, machine, 'gone');
    case 'link cut':
      if (machine.cut) return;
      tell(world, `the way to ${machine.name} is cut`);
      machine.cut = true;
      for (const session of machine.sessions) session.lose('connection timed out');
      clock.after(seconds * 1000, () => {
        machine.cut = false;
      });
      return;
    case 'step fails once':
    case 'step fails always':
    case 'slow step':
      machine.spells.set('*', spell[kind]);
      return;
    default:
      throw new Error(`${kind} is no fault of a host`);
  }
}

function back(world: World, machine: Machine): void {
  tell(world, `${machine.name} is back`);
  machine.state = 'up';
}

/** Ends a process of Landfall: nothing it began on its own machine goes on. */
export function kill(operator: Operator): void {
  operator.isDead = true;
  for (const drop of operator.sessions) drop();
}

/** All faults stop: who is not gone is there. */
export function heal(world: World): void {
  tell(world, 'the faults stop');
  for (const machine of world.machines) {
    machine.cut = false;
    machine.spells.clear();
    if (machine.state === 'down') back(world, machine);
  }
}
