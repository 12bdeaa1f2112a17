import type { Asked } from './asked.ts';
import { complete, enter, found, promote, register, remove, wipe } from './deeds.ts';
import { isOfCluster, leavingMembers, nameIn, type Place, staleMembers, waiting } from './truth.ts';
import { answers, endpointAnswers, hasQuorum, isReady, isWell, tell, type World } from './world.ts';

/** Milliseconds a token lives. */
const TOKEN = 30 * 60_000;

/** How a making goes on: waits so many milliseconds, in which anything may happen to the machine. */
export type Pause = (ms: number) => Promise<void>;

/** What a making says when it fails. */
export class Failed extends Error {}

interface Making extends Place {
  readonly step: Asked;
  readonly pause: Pause;
  readonly slots: ReadonlyMap<string, string>;
}

function needApi({ world, machine }: Place): void {
  if (!answers(world, machine)) throw new Failed('the API server does not answer');
}

/** Takes a ticket to the cluster. */
function admit({ world, machine, slots }: Making): void {
  const ticket = slots.get(`join-${machine.name}`) ?? '';
  if (ticket === '') throw new Failed('no token was minted for this host in this run');
  if (!endpointAnswers(world)) throw new Failed('connection refused');
  if ((world.tokens.get(ticket) ?? -1) < world.clock.now()) throw new Failed('token is invalid');
}

async function joinPlane(making: Making): Promise<void> {
  const { world, machine, pause } = making;
  if (machine.member === 'whole') return;
  if ((making.slots.get(`join-${machine.name}`) ?? '') === '')
    throw new Failed('no token was minted for this host in this run');
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
  register(world, machine);
  await pause(5000);
  if (!hasQuorum(world)) throw new Failed('etcdserver: unhealthy cluster');
  if (!world.members.includes(member)) throw new Failed('can only promote a learner member');
  promote(world, member);
  await pause(1000);
  machine.member = 'whole';
  tell(world, `${machine.name} has joined the control plane`);
}

async function joinWorker(making: Making): Promise<void> {
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
  machine.member = 'whole';
  tell(world, `${machine.name} has joined`);
}

/** The votes as the step's own shell counts them, its arithmetic included. */
function countLeaving(making: Making): string {
  const { world, step } = making;
  const leaving = leavingMembers(making, step);
  const voters = world.members.filter((one) => !one.learner && !leaving.includes(one));
  const well = voters.filter((one) => isWell(world, one)).length;
  const [, more] = /needed = int\(voting \/ 2\)( \+ 1)?\n/.exec(step.text) ?? [];
  const needed = Math.floor(voters.length / 2) + (more === undefined ? 0 : 1);
  return `${voters.length > 0 && well >= needed ? 'enough' : 'too few'}: ${voters.length} voting, ${well} well, ${needed} needed`;
}

function mint(world: World, name: string): string {
  world.count += 1;
  const token = `secret-${name}-${world.count}`;
  world.tokens.set(token, world.clock.now() + TOKEN);
  return token;
}

type Make = (making: Making) => void | Promise<void>;

const MAKINGS: Readonly<Record<string, Make>> = {
  'control-plane/init': async ({ world, machine, pause }) => {
    if (machine.member === 'whole') return;
    if (machine.member === 'none') found(world, machine);
    await pause(10_000);
    complete(world, machine);
    await pause(1000);
    machine.member = 'whole';
  },
  'join/no-stale-members': (making) => {
    needApi(making);
    for (const member of staleMembers(making, making.step)) remove(making.world, member);
  },
  'join/ticket': async (making) => {
    const { world, unit, step, pause } = making;
    needApi(making);
    for (const name of waiting(making, step)) {
      const ticket = mint(world, name);
      await pause(100);
      unit?.given.set(`join-${name}`, ticket);
    }
  },
  'join/no-tokens': (making) => {
    needApi(making);
    making.world.tokens.clear();
  },
  'join/member': (making) => (making.machine.isPlane ? joinPlane(making) : joinWorker(making)),
  'join/node': ({ world, machine }) => {
    if (endpointAnswers(world) && machine.member !== 'none') register(world, machine);
  },
  'control-plane/kubelet': () => undefined,
  'join/kubelet': () => undefined,
  'network/conflist': ({ machine }) => void machine.holds.add('join/conflist'),
  'network/bridge': ({ machine }) => void machine.holds.add('join/bridge'),
  'proof/cleaned': (making) => {
    needApi(making);
    making.world.holds.delete('proof/pod');
  },
  'workloads/no-proof': (making) => {
    needApi(making);
    making.world.holds.delete('proof/pod');
  },
  'leave/cordoned': (making) => {
    needApi(making);
    const node = making.world.nodes.get(nameIn(making.step.text));
    if (node !== undefined) node.cordoned = true;
  },
  'leave/drained': async (making) => {
    const { world, pause, step } = making;
    needApi(making);
    const [, name = ''] = /Move the pods of (\S+) to/.exec(step.text) ?? [];
    const node = world.nodes.get(name);
    await pause(5000);
    needApi(making);
    const other = [...world.nodes.values()].find(
      (one) => one !== node && !one.cordoned && isReady(world, one),
    );
    if (node === undefined) return;
    if (other === undefined) throw new Failed('global timeout reached');
    other.pods += node.pods;
    node.pods = 0;
    tell(world, `${name} is drained`);
  },
  'leave/etcd-member': (making) => {
    const { world, step } = making;
    needApi(making);
    const votes = countLeaving(making);
    if (!votes.startsWith('enough')) throw new Failed(`without it: ${votes}`);
    for (const member of leavingMembers(making, step)) remove(world, member);
  },
  'leave/no-node': (making) => {
    const { world, step } = making;
    needApi(making);
    const [, name = ''] = /Have no node (\S+) in/.exec(step.text) ?? [];
    world.nodes.delete(name);
    tell(world, `the node ${name} is forgotten`);
  },
};

/** Makes a step as its shell would. @throws Failed with its words. */
export async function make(making: Making): Promise<void> {
  const { world, machine, step, pause } = making;
  const own = MAKINGS[step.id];
  if (own !== undefined) return own(making);
  await pause(100);
  if (isOfCluster(step.id)) {
    needApi(making);
    world.holds.add(step.id);
  } else {
    machine.holds.add(step.id);
    machine.holds.delete(`not ${step.id}`);
  }
}

/** Takes a step back. */
export async function undo({ world, machine, step, pause }: Omit<Making, 'slots'>): Promise<void> {
  await pause(50);
  if (step.id === 'control-plane/init' || step.id === 'join/member') {
    wipe(world, machine);
    for (const id of ['join/conflist', 'join/bridge']) machine.holds.delete(id);
  }
  machine.holds.delete(step.id);
  if (machine.holds.has('*')) machine.holds.add(`not ${step.id}`);
}
