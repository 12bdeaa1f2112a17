import type { Grave } from '../model/drain.ts';
import { command } from './command.ts';
import { count, many, OLDER_FILE, text, word, yes } from './flags.ts';
import { nodeNames } from './names.ts';
import type { NodeAddFlags } from './node-add.ts';
import type { LeaveFlags } from './node-flags.ts';
import type { NodeReplaceFlags } from './node-replace.ts';

/*
 * The commands about members of a cluster; see commands.ts.
 */

/** As the model has them; it is loaded later. */
const CONCERNS = ['budget', 'unmanaged', 'emptydir', 'volume', 'nowhere'] as const satisfies readonly Grave[];

/** @throws Error naming them all. */
function concern(input: string): Grave {
  const found = CONCERNS.find((one) => one === input);
  if (found === undefined) throw new Error(`must be one of ${CONCERNS.join(', ')}`);
  return found;
}

const leaveFlags = {
  yes: many('The node’s name, as a promise that you mean it', 'NAME', nodeNames),
  despite: {
    kind: 'parsed',
    parse: concern,
    variadic: true,
    default: [],
    brief: `What may be lost or broken: ${CONCERNS.join(', ')}`,
    placeholder: 'CONCERN',
  },
  drainLimit: count('How long the pods may take to move (600)', 'SECONDS'),
  olderFile: yes(OLDER_FILE),
  patience: count('How long to look for a host that is lost (600)', 'SECONDS'),
} as const;

const ends = {
  1: 'a step failed: the same command goes on from there',
  2: 'the name that was typed is not the node’s, or cluster.yaml would not be right without it; nothing was changed',
  4: 'no other control plane can be reached',
  5: 'refused: etcd would lose its majority, something would be lost that no flag names, somebody else works on a host or on the cluster, or others have applied a newer cluster.yaml',
} as const;

export const nodeRemove = command<LeaveFlags>({
  brief: 'Take nodes out of the cluster, clear their hosts, and take them out of cluster.yaml',
  more:
    'Shows first what it means: how etcd votes without it, which pods move, which budgets hold them, what would be lost. Then the node\n' +
    'is drained, taken off the list of etcd’s members, everything on its host taken back, and its name forgotten. A host that does not\n' +
    'answer is left as it is, once the cluster itself sees that it is dead.',
  examples: [
    ['node remove worker-2', 'shows what it means, and asks for the name'],
    ['node remove worker-2 --yes worker-2 --despite emptydir', 'for scripts'],
    ['node remove cp-1 cp-2', 'from three control planes to one, one after the other'],
  ],
  flags: leaveFlags,
  args: [{ placeholder: 'NODE', brief: 'The node that leaves', propose: nodeNames }],
  rest: { placeholder: 'NODE', brief: 'More of them, one after the other', propose: nodeNames },
  ends,
  load: async () => (await import('./node-remove.ts')).nodeRemove,
});

export const nodeReplace = command<NodeReplaceFlags>({
  brief: 'Put a new host in a node’s place, also when the old one is dead',
  more:
    'The old one leaves as with node remove, or is only forgotten when it is dead; then the new host joins under its name. Works for every\n' +
    'control plane, the first one too. The new host must answer: at the old address, or at the one --address gives.',
  examples: [
    ['node replace cp-0', 'a new machine answers where the dead one was'],
    ['node replace cp-0 --address 10.0.0.19 --yes cp-0', 'it has another address; for scripts'],
  ],
  flags: { ...leaveFlags, address: text('Where the new host is reached (the old address)', 'ADDRESS') },
  args: [{ placeholder: 'NODE', brief: 'The node', propose: nodeNames }],
  ends: { ...ends, 4: 'the new host, or every other control plane, cannot be reached' },
  load: async () => (await import('./node-replace.ts')).nodeReplace,
});

export const nodeAdd = command<NodeAddFlags>({
  brief: 'Put one more node into cluster.yaml, and have it join',
  more: 'Writes the node behind the others, shows the plan and asks, as apply does.',
  examples: [
    ['node add worker-3 --address 10.0.0.24', 'a worker'],
    ['node add worker-4 --address 10.0.0.25 --label disk=nvme --yes', 'without asking'],
  ],
  flags: {
    address: {
      kind: 'parsed',
      parse: word,
      brief: 'How ssh reaches the host: an IPv4 address, a DNS name, or an alias of your ssh_config',
      placeholder: 'ADDRESS',
    },
    role: {
      kind: 'enum',
      values: ['worker', 'control-plane'],
      default: 'worker',
      brief: 'What it does (worker)',
    },
    internalAddress: text('The IPv4 address other members reach it by (ADDRESS)', 'ADDRESS'),
    label: many('A label the node has in the cluster', 'KEY=VALUE'),
    taint: many('A taint the node has in the cluster', 'KEY=VALUE:EFFECT'),
    yes: yes('Do not ask'),
    olderFile: yes(OLDER_FILE),
    patience: count('How long to look for a host that is lost (600)', 'SECONDS'),
  },
  aliases: { y: 'yes' },
  args: [{ placeholder: 'NODE', brief: 'The node’s name' }],
  ends: {
    0: 'it is a member; or you were asked and said no, and only cluster.yaml was changed',
    1: 'a step failed: landfall apply goes on from there',
    2: 'cluster.yaml would not be right with it; nothing was changed',
    5: 'somebody else works on a host or on the cluster, or others have applied a newer cluster.yaml: only this file was changed',
  },
  load: async () => (await import('./node-add.ts')).nodeAdd,
});
