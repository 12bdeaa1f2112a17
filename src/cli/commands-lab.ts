import { command } from './command.ts';
import { count, many, text, yes } from './flags.ts';
import type { LabDownFlags, LabNameFlags, LabUpFlags } from './lab.ts';
import { labHostNames } from './names.ts';

const name = text('The lab’s name (lab)', 'NAME');
const host = { placeholder: 'HOST', brief: 'A host of the lab', propose: labHostNames };

export const labUp = command<LabUpFlags>({
  brief: 'Boot real hosts on this machine, to make clusters on',
  more:
    'Each host has its own init, sshd, disk and network; none reaches the outside. What they install comes from a\n' +
    'depot: filled beforehand, or passing through to upstream.',
  examples: [
    ['lab up', 'one Debian 12 host, cp-0'],
    ['lab up --host cp-0 --host worker-0 --name trial', 'two hosts, in a lab of another name'],
    ['lab up --host worker-1 --release trixie --name trial', 'one more, with Debian 13'],
    ['lab up --like ubuntu', 'one that looks as Ubuntu’s installer leaves it'],
  ],
  flags: {
    name,
    host: many('A host (once for each)', 'NAME'),
    release: {
      kind: 'enum',
      values: ['bookworm', 'trixie'],
      optional: true,
      brief: 'The Debian release of the hosts made now (bookworm, which is 12)',
    },
    sshd: {
      kind: 'enum',
      values: ['service', 'socket'],
      optional: true,
      brief: 'What starts their sshd (service)',
    },
    like: {
      kind: 'enum',
      values: ['debian', 'ubuntu'],
      optional: true,
      brief: 'Whose installer they seem to come from (debian)',
    },
    disk: count('Size of each disk in GiB (16); it takes only what is written', 'GIB'),
    installTools: yes('Install with apt what the lab itself needs'),
  },
  load: async () => (await import('./lab.ts')).labUp,
});

export const labDown = command<LabDownFlags>({
  brief: 'Take a lab away, whole',
  examples: [
    ['lab down', 'hosts, disks, network, settings'],
    ['lab down --keep', 'leave the disks: lab up boots the same hosts again'],
  ],
  flags: { name, keep: yes('Leave the disks') },
  load: async () => (await import('./lab.ts')).labDown,
});

export const labStatus = command<LabNameFlags>({
  brief: 'Show the labs, their hosts and faults',
  examples: [
    ['lab status', 'every lab'],
    ['lab status --name trial --json', 'one, for programs'],
  ],
  flags: { name },
  load: async () => (await import('./lab.ts')).labStatus,
});

export const labSsh = command<LabNameFlags>({
  brief: 'Log in to a host of a lab, or run a command there',
  examples: [
    ['lab ssh', 'a shell on the first host, as root'],
    ['lab ssh cp-0 -- crictl ps', 'one command'],
  ],
  flags: { name },
  rest: { ...host, optional: true, brief: 'A host, and after -- a command' },
  ends: { 0: 'the shell or the command ended with 0; any other end of it is passed on' },
  load: async () => (await import('./lab.ts')).labSsh,
});

export const labBreak = command<LabNameFlags>({
  brief: 'Break something in a lab, on purpose',
  examples: [
    ['lab break power-cut cp-0', 'as if somebody had pulled the plug'],
    ['lab break heal', 'everything as it was'],
    ['lab break', 'every fault there is, and what it does'],
  ],
  flags: { name },
  rest: { placeholder: 'FAULT', brief: 'A fault, and what it is done to', optional: true },
  load: async () => (await import('./lab.ts')).labBreak,
});

export const labLogs = command<LabNameFlags>({
  brief: 'Print the console of a host, or the depot’s log',
  examples: [
    ['lab logs cp-0', 'what its init has printed'],
    ['lab logs depot', 'what was asked of the depot, and what it answered'],
  ],
  flags: { name },
  rest: { ...host, optional: true, brief: 'A host, or depot' },
  load: async () => (await import('./lab.ts')).labLogs,
});
