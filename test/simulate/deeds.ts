import { hasQuorum, type Machine, type Member, tell, type World } from './world.ts';

/** Something must never be, and is. */
export function violate(world: World, text: string): void {
  world.violation ??= text;
  tell(world, `VIOLATION: ${text}`);
}

/** Does what changes who votes: by a deed of ours, etcd never loses its majority. */
function deed(world: World, what: string, change: () => void): void {
  const held = hasQuorum(world);
  change();
  tell(world, what);
  if (held && !hasQuorum(world)) violate(world, `${what}: etcd has lost its majority by it`);
}

/** Begins a cluster on a machine. There is never a second beside one that may come back. */
export function found(world: World, machine: Machine): void {
  const other = world.machines.find(
    (one) => one !== machine && one.state !== 'gone' && one.isPlane && one.member !== 'none',
  );
  if (other !== undefined) violate(world, `init on ${machine.name} beside the cluster on ${other.name}`);
  tell(world, `init begins on ${machine.name}`);
  machine.member = 'half';
}

/** Ends the making of a cluster. */
export function complete(world: World, machine: Machine): void {
  if (machine.etcd === undefined) {
    world.count += 1;
    machine.etcd = `e${world.count}`;
    world.members = [
      { id: machine.etcd, name: machine.name, peer: peerOf(machine), started: true, learner: false },
    ];
    world.nodes.clear();
    world.tokens.clear();
    world.holds.clear();
  }
  register(world, machine);
  tell(world, `the cluster is made on ${machine.name}`);
}

/** Where a machine's etcd is reached. */
export function peerOf({ address }: Machine): string {
  return `https://${address}:2380`;
}

/** Enters a machine into the list of etcd's members, as one that learns. */
export function enter(world: World, machine: Machine): Member {
  world.count += 1;
  const member: Member = {
    id: `e${world.count}`,
    name: '',
    peer: peerOf(machine),
    started: false,
    learner: true,
  };
  deed(world, `${machine.name} is entered into etcd`, () => {
    world.members = [...world.members, member];
  });
  return member;
}

/** Gives a member its vote. */
export function promote(world: World, member: Member): void {
  deed(world, `${member.name} votes`, () => {
    member.learner = false;
  });
}

/** Takes a member off the list. */
export function remove(world: World, member: Member): void {
  deed(world, `${member.name === '' ? member.peer : member.name} is taken off etcd's list`, () => {
    world.members = world.members.filter((one) => one !== member);
  });
}

/** kubelet enters its node, or finds it there. */
export function register(world: World, machine: Machine): void {
  const node = world.nodes.get(machine.name);
  if (node === undefined)
    world.nodes.set(machine.name, { name: machine.name, machine: machine.id, cordoned: false, pods: 1 });
  else node.machine = machine.id;
}

/** Takes away what makes a machine a member: its data, its keys. Pods that were not moved end with it. */
export function wipe(world: World, machine: Machine): void {
  const node = world.nodes.get(machine.name);
  if (node?.machine === machine.id && node.pods > 0)
    violate(world, `${machine.name} is cleared while pods that nobody moved run there`);
  deed(world, `${machine.name} is cleared`, () => {
    machine.etcd = undefined;
    machine.member = 'none';
  });
}
