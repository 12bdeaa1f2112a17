import type { Asked } from './asked.ts';
import {
  answers,
  endpointAnswers,
  isReady,
  isWell,
  type Machine,
  type Member,
  type Unit,
  type World,
} from './world.ts';

/** What a step is asked about: a machine, in the world, and the script that asks when it was started there. */
export interface Place {
  readonly world: World;
  readonly machine: Machine;
  readonly unit?: Unit;
}

const SILENT = 'the API server does not answer';

/** The name the step is about, as its shell has it: `-v name=cp-1`. */
export function nameIn(text: string): string {
  const [, name = ''] = /-v (?:name|own)=(\S+)|takes? (?:new )?pods on (\S+)/.exec(text) ?? [];
  return name;
}

/** Members of etcd that a step takes off the list, by the name and the address its shell compares with. */
export function leavingMembers({ world }: Place, { text }: Asked): readonly Member[] {
  const [, name, peer] = /-v name=(\S+) -v peer=(\S+)/.exec(text) ?? [];
  return world.members.filter((one) => (one.started ? one.name === name : one.peer === peer));
}

/** Members whose hosts begin anew: those of these addresses, but for voters that are well or whose data is kept. */
export function staleMembers({ world }: Place, { text }: Asked): readonly Member[] {
  const [, peers = '', kept = ''] = /-v peers='?([^'\n]*)'? -v kept='?([^'\n]*)'?/.exec(text) ?? [];
  return world.members.filter(
    (one) =>
      peers.split(' ').includes(one.peer) &&
      (one.learner || !(isWell(world, one) || kept.split(' ').includes(one.peer))),
  );
}

/** The nodes a ticket is asked for, and whether the cluster's knowing a node is enough for it to have none. */
function invited({ text }: Asked): readonly (readonly [name: string, known: boolean])[] {
  return [...text.matchAll(/^\s*gave join-(\S+)( \|\| known \S+)? \|\| echo/gm)].map(
    ([, name = '', known]) => [name, known !== undefined] as const,
  );
}

/** The nodes that wait for a ticket. */
export function waiting(place: Place, step: Asked): readonly string[] {
  const { world, machine, unit } = place;
  const knows = answers(world, machine);
  return invited(step)
    .filter(
      ([name, known]) =>
        unit?.given.has(`join-${name}`) !== true && !(known && knows && world.nodes.has(name)),
    )
    .map(([name]) => name);
}

/** What is not well in etcd: of voters that have started, those that do not answer; and all that vote and have not. */
function unwell({ world }: Place, away: readonly string[] = []): readonly string[] {
  return world.members
    .filter((one) => !one.learner && !isWell(world, one) && !(one.started && away.includes(one.name)))
    .map((one) => one.name || one.peer);
}

function awayIn(text: string): readonly string[] {
  const [, names = ''] = /-v away='?([^'\n]*)'?/.exec(text) ?? [];
  return names.split(' ').filter((name) => name !== '');
}

type Truth = (place: Place, step: Asked) => string | undefined;

/** A reading that needs the machine's own API server. */
const asking =
  (truth: Truth): Truth =>
  (place, step) =>
    answers(place.world, place.machine) ? truth(place, step) : SILENT;

const holdsHere =
  (id: string): Truth =>
  ({ machine }) =>
    machine.holds.has(id) ? undefined : 'not so';

const kubeletRuns: Truth = ({ machine }) =>
  machine.member === 'certified' || machine.member === 'whole' ? undefined : 'ActiveState=activating';

const apiReady: Truth = ({ world, machine }) => (answers(world, machine) ? undefined : 'not ready');

const whole: Truth = ({ machine }) => (machine.member === 'whole' ? undefined : 'kubeadm does not say');

const known: Truth = ({ world, machine }) =>
  world.nodes.get(machine.name)?.machine === machine.id ? undefined : 'not seen';

const noProof = asking(({ world }) => (world.holds.has('proof/pod') ? 'a proof' : undefined));

/** What steps read whose truth is more than whether they were made. Gives undefined when all is as wanted. */
const TRUTHS: Readonly<Record<string, Truth>> = {
  'control-plane/init': ({ machine }) =>
    machine.member === 'whole' ? undefined : machine.member === 'none' ? 'no cluster' : 'half-done',
  'control-plane/no-torn-files': () => undefined,
  'control-plane/kubelet': kubeletRuns,
  'control-plane/api-ready': apiReady,
  'control-plane/node': asking(known),
  'control-plane/settings': asking(() => undefined),
  'control-plane/certificates': whole,
  'join/no-stale-members': (place, step) =>
    answers(place.world, place.machine)
      ? staleMembers(place, step)
          .map(({ id, peer }) => `${id} of ${peer}`)
          .join('\n') || undefined
      : 'etcd does not answer',
  'join/quorum': (place, step) => {
    if (!answers(place.world, place.machine)) return 'etcd does not answer';
    const bad = unwell(place, awayIn(step.text));
    return bad.length === 0 ? undefined : `not healthy: ${bad.join(' ')}`;
  },
  'join/ticket': (place, step) => waiting(place, step).join('\n') || undefined,
  'join/no-tokens': asking(({ world }) =>
    world.tokens.size === 0 ? undefined : [...world.tokens.keys()].map(() => 'a token').join('\n'),
  ),
  'join/standing': ({ world, machine }) =>
    machine.member === 'whole' || machine.etcd === undefined || endpointAnswers(world)
      ? undefined
      : 'etcd does not say',
  'join/member': ({ machine }) =>
    machine.member === 'whole' ? undefined : machine.member === 'none' ? 'no member' : 'half joined',
  'join/kubelet': kubeletRuns,
  'join/api-ready': apiReady,
  'join/node': (place, step) => (endpointAnswers(place.world) ? known(place, step) : SILENT),
  'join/etcd-member': (place) => {
    const { world, machine } = place;
    if (!answers(world, machine)) return 'etcd does not answer';
    const bad = unwell(place);
    if (bad.length > 0) return `not healthy: ${bad.join(' ')}`;
    const own = world.members.find(({ id }) => id === machine.etcd);
    return own?.learner === false ? undefined : `${machine.name} still learns`;
  },
  'join/certificates': whole,
  // One file each, whether the host asked is the lead or has joined.
  'network/conflist': holdsHere('join/conflist'),
  'network/bridge': holdsHere('join/bridge'),
  'join/conflist': holdsHere('join/conflist'),
  'join/bridge': holdsHere('join/bridge'),
  'network/nodes-ready': asking(({ world }, { text }) => {
    const [, names = ''] = /grep -v '\^\\\\\((.*?)\\\\\)\|'/.exec(text) ?? [];
    const away = names.split('\\|');
    const bad = [...world.nodes.values()].filter((one) => !isReady(world, one) && !away.includes(one.name));
    return bad.map(({ name }) => `${name} is not Ready`).join('\n') || undefined;
  }),
  'workloads/no-proof': noProof,
  'proof/cleaned': noProof,
  'leave/cordoned': asking(({ world }, { text }) => {
    const node = world.nodes.get(nameIn(text));
    return node === undefined || node.cordoned ? undefined : 'takes new pods';
  }),
  'leave/drained': asking(({ world }, { text }) => {
    const [, name = ''] = /Move the pods of (\S+) to/.exec(text) ?? [];
    return (world.nodes.get(name)?.pods ?? 0) === 0 ? undefined : `default/of-${name}`;
  }),
  'leave/etcd-member': (place, step) =>
    answers(place.world, place.machine)
      ? leavingMembers(place, step)
          .map(({ id }) => `member ${id}`)
          .join('\n') || undefined
      : 'etcd does not answer',
  'leave/no-node': asking(({ world }, { text }) => {
    const [, name = ''] = /Have no node (\S+) in/.exec(text) ?? [];
    return world.nodes.has(name) ? `node ${name}` : undefined;
  }),
};

/** The steps whose truth is more than whether they were made: their shell is read. */
export const READ_CLOSELY: ReadonlySet<string> = new Set(Object.keys(TRUTHS));

/** Whether a step is about the cluster, so that it holds or not wherever it is asked. */
export function isOfCluster(id: string): boolean {
  return /^((network|workloads|proof|leave|record)\/|serving\/(address|granted)$)/.test(id);
}

/** Whether a step is among those that were done before the story began. */
function isPrepared({ holds }: Machine, id: string): boolean {
  return holds.has('*') && !holds.has(`not ${id}`);
}

/** What a step reads: undefined when it is as wanted. Of a step that is not modelled: whether it was made; such a check holds. */
export function truth(place: Place, step: Asked, isCheck: boolean): string | undefined {
  const own = TRUTHS[step.id];
  if (own !== undefined) return own(place, step);
  const { world, machine } = place;
  if (!isOfCluster(step.id))
    return isCheck || machine.holds.has(step.id) || isPrepared(machine, step.id) ? undefined : 'not so';
  if (!answers(world, machine)) return SILENT;
  return isCheck || world.holds.has(step.id) ? undefined : 'not so';
}
