import { enter, promote, register, wipe } from './deeds.ts';
import { Failed, type Making, needApi } from './making.ts';
import { waiting } from './truth.ts';
import { endpointAnswers, enrol, hasQuorum, tell, type World } from './world.ts';

/** Milliseconds a token lives. */
const TOKEN = 30 * 60_000;

function mint(world: World, name: string): string {
  world.count += 1;
  const token = `secret-${name}-${world.count}`;
  world.tokens.set(token, world.clock.now() + TOKEN);
  return token;
}

/** Has a ticket for everybody who waits for one. */
export async function invite(making: Making): Promise<void> {
  const { world, unit, step, pause } = making;
  needApi(making);
  for (const name of waiting(making, step)) {
    const ticket = mint(world, name);
    await pause(100);
    unit?.given.set(`join-${name}`, ticket);
  }
}

/** Takes a ticket to the cluster. */
function admit({ world, machine, slots }: Making): void {
  const ticket = slots.get(`join-${machine.name}`) ?? '';
  if (ticket === '') throw new Failed('no token was minted for this host in this run');
  if (!endpointAnswers(world)) throw new Failed('connection refused');
  if ((world.tokens.get(ticket) ?? -1) < world.clock.now()) throw new Failed('token is invalid');
}

/** Joins a control plane as kubeadm does, from whatever an earlier try has left. */
export async function joinPlane(making: Making): Promise<void> {
  const { world, machine, pause, step } = making;
  if (machine.member === 'whole') return;
  if ((making.slots.get(`join-${machine.name}`) ?? '') === '')
    throw new Failed('no token was minted for this host in this run');
  if (step.text.includes('probe standing') && machine.etcd !== undefined) {
    if (!endpointAnswers(world)) throw new Failed('etcd does not say whether this host votes');
    if (world.members.some(({ id, learner }) => id === machine.etcd && !learner))
      return endVotersJoin(making);
  }
  if (machine.member === 'half') wipe(world, machine);
  await pause(1000);
  admit(making);
  machine.member = 'half';
  await pause(1000);
  if (!hasQuorum(world) || world.members.some(({ learner }) => learner))
    throw new Failed('etcdserver: unhealthy cluster');
  if (world.members.some(({ peer }) => peer === `https://${machine.address}:2380`))
    throw new Failed('etcdserver: Peer URLs already exists');
  const member = enter(world, machine);
  await pause(1000);
  member.name = machine.name;
  member.started = true;
  machine.etcd = member.id;
  await pause(5000);
  if (!hasQuorum(world)) throw new Failed('etcdserver: unhealthy cluster');
  if (!world.members.includes(member)) throw new Failed('can only promote a learner member');
  promote(world, member);
  await pause(1000);
  register(world, machine);
  await pause(1000);
  enrol(world, machine);
  tell(world, `${machine.name} has joined the control plane`);
}

/** What is left of a join once etcd has given the vote. */
async function endVotersJoin(making: Making): Promise<void> {
  const { world, machine, pause } = making;
  await pause(1000);
  admit(making);
  register(world, machine);
  await pause(1000);
  enrol(world, machine);
  tell(world, `${machine.name} votes, and its join is brought to its end`);
}

/** Joins a worker as kubeadm does, or goes on with a join. */
export async function joinWorker(making: Making): Promise<void> {
  const { world, machine, pause } = making;
  if (machine.member === 'none' || machine.member === 'half') {
    await pause(1000);
    admit(making);
    machine.member = 'half';
    await pause(1000);
    if (!endpointAnswers(world)) throw new Failed('connection refused');
    machine.member = 'certified';
    register(world, machine);
    await pause(1000);
  }
  enrol(world, machine);
  tell(world, `${machine.name} has joined`);
}
