import type { NetworkPlugin } from '../model/cluster.ts';
import type { ApplyFlags } from './apply.ts';
import { type Argument, command } from './command.ts';
import type { ExplainFlags } from './explain.ts';
import { count, many, OLDER_FILE, text, yes } from './flags.ts';
import type { HostsTrustFlags } from './hosts-trust.ts';
import type { InitFlags } from './init.ts';
import type { KubeconfigFlags } from './kubeconfig.ts';
import { nodeNames, partNames, sshHostNames, stepNames } from './names.ts';
import type { PlanFlags } from './plan.ts';
import type { ResetFlags } from './reset.ts';
import type { RunbookFlags } from './runbook.ts';
import type { StatusFlags } from './status.ts';

/*
 * The table of contents of the command line: what each command takes and says of itself. Nothing here loads what a command
 * does; that is in the file of its own that `load` names.
 */

/** As the model has them; it is loaded later. */
const PLUGINS = ['flannel', 'calico', 'cilium', 'none'] as const satisfies readonly NetworkPlugin[];

const only = many('Only this phase, step, or subject of steps', 'PHASE|STEP', partNames);
const node = many('Only this node', 'NAME', nodeNames);
const patience = count('How long to look for a host that is lost (600)', 'SECONDS');

export const init = command<InitFlags>({
  brief: 'Write a cluster.yaml to begin with',
  more:
    'Asks for what is not given, reads the host, and proposes networks that nothing around it uses. A host that is not\n' +
    'known yet is shown with its fingerprints, and the key that is agreed to is pinned in the file. With --yes, or nobody\n' +
    'to ask, every proposal is taken and such a host is not read. Nothing is changed on any host.',
  examples: [
    ['init', 'asks a few questions; Enter takes what is proposed'],
    ['init ops@10.0.0.11', 'a one-node cluster on the machine with that address'],
    ['init cp-0=10.0.0.11 --name harbour --yes', 'without a question, for scripts'],
    ['init --name harbour --lab lab', 'a cluster on the hosts of a lab'],
  ],
  flags: {
    name: text('The cluster’s name (that of the folder)', 'NAME'),
    address: text('The same as HOST', 'ADDRESS'),
    node: text('The node’s name (that of the host; cp-0)', 'NAME'),
    user: text('The user to log in as (whom ssh_config names)', 'NAME'),
    sshConfig: text('An ssh_config to use in place of your own', 'FILE'),
    kubernetes: text('A minor or an exact version (1.36)', 'VERSION'),
    plugin: { kind: 'enum', values: PLUGINS, optional: true, brief: 'The network plugin (flannel)' },
    lab: text('Use the hosts of this lab', 'NAME'),
    offline: yes('Ask no host anything'),
    yes: yes('Do not ask: take what would be proposed'),
    force: yes('Replace a file that is there'),
  },
  aliases: { y: 'yes' },
  rest: {
    placeholder: 'HOST',
    brief: '[NAME=][USER@]ADDRESS[:PORT]: an IPv4 address, a DNS name, or an alias of your ssh_config',
    optional: true,
    propose: sshHostNames,
  },
  load: async () => (await import('./init.ts')).init,
});

export const validate = command<object>({
  brief: 'Check cluster.yaml and landfall.lock, without asking any host',
  examples: [
    ['validate', 'every problem at once, each with its line'],
    ['validate -f staging.yaml --json', 'the same for programs'],
  ],
  flags: {},
  ends: {
    2: 'the file is wrong, in one or many ways',
    5: 'it asks for a version that landfall.lock cannot be led to: lower, or more than one minor up',
  },
  load: async () => (await import('./validate.ts')).validate,
});

export const plan = command<PlanFlags>({
  brief: 'Show what apply would make, host by host; changes nothing',
  examples: [
    ['plan', 'what differs from cluster.yaml, each difference in short'],
    ['plan --out harbour.plan', 'keep it, to have exactly that made: landfall apply harbour.plan'],
    ['plan --exit-code', 'ends with 3 when there is something to do'],
  ],
  flags: {
    only,
    node,
    full: yes('Every difference whole'),
    out: text('Also write the plan to a file', 'FILE'),
    exitCode: yes('End with 3 when there are changes'),
  },
  ends: {
    0: 'the plan was made, whatever it says',
    3: 'there is something to do, and --exit-code was given',
  },
  load: async () => (await import('./plan.ts')).plan,
});

export const apply = command<ApplyFlags>({
  brief: 'Make the hosts what cluster.yaml says, and prove it',
  more:
    'Shows the plan and asks, then makes what differs, in order, each step read again right before and after it is made.\n' +
    'Work on a host goes on when the connection is lost; run again, apply follows it and goes on from there.',
  examples: [
    ['apply', 'show the plan, ask, make it'],
    ['apply --yes', 'without asking'],
    ['apply harbour.plan', 'exactly that plan; refused when a reading has changed since'],
    ['apply --move-endpoint api.example.com:6443', 'when cluster.yaml has another endpoint'],
  ],
  flags: {
    only,
    node,
    yes: yes('Do not ask'),
    prove: yes('Run the proof even when nothing was made'),
    noProof: yes('Leave the proof out'),
    olderFile: yes(OLDER_FILE),
    moveEndpoint: text('The new endpoint, as a promise that the cluster is to move to it', 'HOST:PORT'),
    patience,
  },
  aliases: { y: 'yes' },
  args: [{ placeholder: 'PLANFILE', brief: 'A plan written by plan --out', optional: true }],
  ends: {
    0: 'everything reads as it should; or you were asked and said no, and nothing was changed',
    1: 'a step failed, or the proof did: what was made stays, and apply goes on from there',
    2: 'the plan would move the endpoint, and the new one was not typed or promised; nothing was changed',
    5: 'somebody else works on a host or on the cluster, the plan is of another time or another cluster.yaml, or others have applied a newer one',
  },
  load: async () => (await import('./apply.ts')).apply,
});

export const status = command<StatusFlags>({
  brief: 'Show how the hosts read now, phase by phase',
  examples: [
    ['status', 'a line a phase, and what differs'],
    ['status --prove', 'also run a pod and reach it from here, and clean up'],
    ['status --pairs', 'also have the nodes ask each other: ports, size of packets, time of an answer'],
  ],
  flags: {
    only,
    node,
    full: yes('Every difference whole'),
    prove: yes('Also prove that the cluster works'),
    pairs: yes('Also try the ways between the nodes'),
  },
  ends: {
    0: 'the hosts were read, whatever they say',
    1: 'with --prove: the proof failed, or something differs and there was nothing to prove',
  },
  load: async () => (await import('./status.ts')).status,
});

const step: Argument = {
  placeholder: 'STEP',
  brief: 'A step (kernel/ip-forward), a subject (kernel), or a diagnosis (H14)',
  optional: true,
  propose: stepNames,
};

export const explain = command<ExplainFlags>({
  brief: 'Explain a step: why, how to look, what to see, how it is made and undone',
  examples: [
    ['explain kernel/ip-forward', 'one step, and how it stood when it was last read'],
    ['explain', 'all steps by name'],
    ['explain H14', 'a diagnosis, and the steps that know it'],
    ['explain trouble/api', 'what many steps may meet: disk, packages, images, api, kubelet, network'],
  ],
  flags: { full: yes('Every command whole') },
  args: [step],
  ends: { 2: 'there is no such step, subject or diagnosis' },
  load: async () => (await import('./explain.ts')).explain,
});

export const runbook = command<RunbookFlags>({
  brief: 'Print how to do all of it by hand, as Markdown',
  examples: [
    ['runbook | less', 'every step with its reason, command, expected output and remedy'],
    ['runbook --out runbook.md', 'into a file'],
  ],
  flags: {
    out: text('Write to a file', 'FILE'),
    offline: yes('Ask no host: suppose Debian 12 on amd64'),
  },
  load: async () => (await import('./runbook.ts')).runbook,
});

export const reset = command<ResetFlags>({
  brief: 'Take the cluster away and leave the hosts as they were before',
  more:
    'Destroys the cluster and all data in it. Asks for the cluster’s name to be typed; without anybody to ask, --cluster NAME\n' +
    'and --yes are both needed.',
  examples: [
    ['reset', 'asks for the name first'],
    ['reset --cluster harbour --yes', 'for scripts'],
  ],
  flags: {
    node,
    cluster: text('The cluster’s name, as a promise that you mean it', 'NAME'),
    yes: yes('Do not ask'),
    patience,
  },
  ends: {
    1: 'a step could not be taken back: reset again goes on from there',
    2: 'the name that was typed is not the cluster’s; nothing was changed',
    5: 'somebody else works on a host, or it belongs to another cluster',
  },
  load: async () => (await import('./reset.ts')).reset,
});

export const kubeconfig = command<KubeconfigFlags>({
  brief: 'Print the administrator’s kubeconfig, or merge it into yours',
  examples: [
    ['kubeconfig --merge && kubectl get nodes', 'into ~/.kube/config, a backup beside it'],
    ['kubeconfig >admin.conf', 'to standard output; it holds a private key'],
  ],
  flags: {
    merge: yes('Merge it into $KUBECONFIG or ~/.kube/config'),
    address: text(
      'Where the API server answers from here (the node’s address; 127.0.0.1 for a lab)',
      'ADDRESS',
    ),
  },
  load: async () => (await import('./kubeconfig.ts')).kubeconfig,
});

export const hostsTrust = command<HostsTrustFlags>({
  brief: 'Show the hosts’ keys and remember them',
  examples: [
    ['hosts trust', 'fingerprints of every node, to be compared with what its console says'],
    ['hosts trust cp-0 --yes', 'pin without asking; a changed key is still refused'],
  ],
  flags: { yes: yes('Pin new keys without asking') },
  rest: { placeholder: 'NODE', brief: 'Only these nodes', optional: true, propose: nodeNames },
  ends: { 4: 'a host is not trusted', 5: 'a key that was known has changed: nothing is pinned unseen' },
  load: async () => (await import('./hosts-trust.ts')).hostsTrust,
});

export const complete = command<object>({
  brief: 'Propose how a command line could go on',
  examples: [
    ['complete plan --o', '--out'],
    ['complete explain kernel/', 'the steps of that subject'],
  ],
  flags: {},
  rest: { placeholder: 'WORD', brief: 'The words so far' },
  load: async () => (await import('./complete.ts')).complete,
});

export const completion = command<object>({
  brief: 'Print the completion script of a shell',
  examples: [
    ['completion bash >/etc/bash_completion.d/landfall', 'for everybody'],
    ['completion zsh >"${fpath[1]}/_landfall"', 'for zsh; fish: ~/.config/fish/completions/landfall.fish'],
  ],
  flags: {},
  args: [
    {
      placeholder: 'SHELL',
      brief: 'bash, zsh or fish',
      propose: () => Promise.resolve(['bash', 'zsh', 'fish']),
    },
  ],
  load: async () => (await import('./completion.ts')).completion,
});
