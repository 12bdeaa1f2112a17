import type { Clock } from './clock.ts';

/** How far a machine has come in becoming a member; `certified`: a worker whose kubelet has its certificate. */
export type Membership = 'none' | 'half' | 'certified' | 'whole';

/** A script that was started detached on a machine. */
export interface Unit {
  readonly run: string;
  readonly phase: string;
  readonly events: string[];
  readonly given: Map<string, string>;
  readonly followers: Set<(line: string | undefined) => void>;
  isOver: boolean;
}

/** A session of a host that goes on; `lose` ends it as a lost connection does. */
export interface Session {
  readonly lose: (why: string) => void;
}

/** A holding session of a run. */
export interface Holder {
  readonly run: string;
  readonly json: string;
  readonly session: Session;
}

/** A step's making that goes wrong or takes long, until it has been met or for good. */
export type Spell = 'fails once' | 'fails always' | 'slow';

/** A machine: what is on its disk, and what goes on there. */
export interface Machine {
  readonly id: number;
  /** The node it is, in cluster.yaml. */
  readonly name: string;
  readonly address: string;
  readonly isPlane: boolean;
  state: 'up' | 'down' | 'gone';
  /** Milliseconds; since when it is not up. */
  since: number;
  /** Whether the operator's way to it is cut. */
  cut: boolean;
  /** How often it has booted: whatever was begun in an earlier boot is gone. */
  boot: number;
  /** The steps that hold, of those that are about the host alone. */
  readonly holds: Set<string>;
  member: Membership;
  /** Milliseconds; when it became a whole member, which a host writes down. */
  came: number;
  /** The member of etcd whose data lies here. */
  etcd: string | undefined;
  readonly units: Map<string, Unit>;
  readonly stops: Set<string>;
  readonly holders: Holder[];
  readonly sessions: Set<Session>;
  /** What the next makings here meet, by step; `*` for whichever comes next. */
  readonly spells: Map<string, Spell>;
}

/** A member of etcd on the list of members. */
export interface Member {
  readonly id: string;
  readonly peer: string;
  name: string;
  started: boolean;
  learner: boolean;
}

/** A node as the API server knows it. */
export interface KubeNode {
  readonly name: string;
  machine: number;
  cordoned: boolean;
  /** Pods that a drain moves. */
  pods: number;
}

/** All there is beside the operators. */
export interface World {
  readonly clock: Clock;
  readonly machines: Machine[];
  members: Member[];
  readonly nodes: Map<string, KubeNode>;
  /** Tokens that stand in the cluster, and when they die. */
  readonly tokens: Map<string, number>;
  /** The steps that hold, of those that are about the cluster. */
  readonly holds: Set<string>;
  /** Counts members, tokens and machines, so that none has the name of an earlier one. */
  count: number;
  /** What must never be, and was; the first of it. */
  violation: string | undefined;
  /** Called before and after everything a script does: what falls in between, falls here. */
  onMoment: () => void;
  /** What has happened, for whoever has to understand a violation. */
  readonly story: string[];
}

/** A world without machines. */
export function newWorld(clock: Clock): World {
  return {
    clock,
    machines: [],
    members: [],
    nodes: new Map(),
    tokens: new Map(),
    holds: new Set(),
    count: 0,
    violation: undefined,
    onMoment: () => undefined,
    story: [],
  };
}

/** Writes down what has happened. */
export function tell(world: World, text: string): void {
  world.story.push(`${(world.clock.now() / 1000).toFixed(1)} s  ${text}`);
}

/** Puts a new machine where a node is to be, in the place of the one there was. */
export function place(world: World, name: string, address: string, isPlane: boolean): Machine {
  world.count += 1;
  const machine: Machine = {
    id: world.count,
    name,
    address,
    isPlane,
    state: 'up',
    since: world.clock.now(),
    cut: false,
    boot: 1,
    holds: new Set(),
    member: 'none',
    came: 0,
    etcd: undefined,
    units: new Map(),
    stops: new Set(),
    holders: [],
    sessions: new Set(),
    spells: new Map(),
  };
  world.machines.push(machine);
  return machine;
}

/** Makes a machine a whole member. */
export function enrol(world: World, machine: Machine): void {
  machine.member = 'whole';
  machine.came = world.clock.now();
}

/** The machine that answers where a node is to be: the one that was put there last. */
export function machineOf(world: World, name: string): Machine {
  const machine = world.machines.findLast((one) => one.name === name);
  if (machine === undefined) throw new Error(`there is no machine for ${name}`);
  return machine;
}

/** Whether a member of etcd answers the others. */
export function isWell(world: World, { id, started }: Member): boolean {
  return started && world.machines.some((one) => one.etcd === id && one.state === 'up');
}

/** Whether etcd has its majority. */
export function hasQuorum(world: World, members: readonly Member[] = world.members): boolean {
  const voters = members.filter(({ learner }) => !learner);
  const well = voters.filter((one) => isWell(world, one)).length;
  return voters.length > 0 && well >= Math.floor(voters.length / 2) + 1;
}

/** Whether a machine's API server answers. */
export function answers(world: World, machine: Machine): boolean {
  const own = world.members.find(({ id }) => id === machine.etcd);
  return machine.state === 'up' && own?.started === true && hasQuorum(world);
}

/** Whether any API server answers at the address the control planes share. */
export function endpointAnswers(world: World): boolean {
  return world.machines.some((machine) => answers(world, machine));
}

/** Milliseconds until the cluster notices that a kubelet is silent. */
const NOTICED = 40_000;

/** Whether the cluster sees a node Ready. */
export function isReady(world: World, { machine: id }: KubeNode): boolean {
  const machine = world.machines.find((one) => one.id === id);
  if (machine === undefined || machine.member === 'none') return false;
  return machine.state === 'up' || world.clock.now() - machine.since < NOTICED;
}
