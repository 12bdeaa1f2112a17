import { complete, found, register, remove, wipe } from './deeds.ts';
import { invite, joinPlane, joinWorker } from './joins.ts';
import { Failed, type Making, needApi } from './making.ts';
import { isOfCluster, leavingMembers, nameIn, staleMembers } from './truth.ts';
import { endpointAnswers, enrol, isReady, isWell, tell } from './world.ts';

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

type Make = (making: Making) => void | Promise<void>;

const MAKINGS: Readonly<Record<string, Make>> = {
  'control-plane/init': async ({ world, machine, pause }) => {
    if (machine.member === 'whole') return;
    if (machine.member === 'none') found(world, machine);
    await pause(10_000);
    complete(world, machine);
    await pause(1000);
    enrol(world, machine);
  },
  'join/no-stale-members': (making) => {
    needApi(making);
    for (const member of staleMembers(making, making.step)) remove(making.world, member);
  },
  'join/ticket': invite,
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
