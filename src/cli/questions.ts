import { suggestNodeName } from '../config/write.ts';
import { NETWORK_PLUGINS } from '../model/cluster.ts';
import { DEFAULT_MINOR, END_OF_LIFE, formatMinor, SUPPORTED_MINORS } from '../model/version.ts';
import { listed } from '../report/words.ts';
import type { Alias } from '../ssh/aliases.ts';

/** A question with the answer that is proposed. */
export interface Question {
  /** Why it is asked, or what the answers mean: a sentence or two; absent when it is asked once more. */
  readonly why?: string;
  /** Lines to choose from, below the reason. */
  readonly choices?: readonly string[];
  readonly prompt: string;
  /** What an empty answer means; absent when there is nothing to propose. */
  readonly proposal?: string;
}

/** The answer that leaves a host unread: no host can be called so. */
export const GO_ON = 'go on';

/** What the cluster is called. */
export function nameQuestion(suggested: string): Question {
  return {
    why: 'The contexts of kubeconfig and the API server’s own name are made of it.',
    prompt: 'Name of the cluster',
    proposal: suggested,
  };
}

/** Which host; a number means one of those that are offered. The only one is proposed. */
export function hostQuestion(offered: readonly Alias[]): Question {
  const [only, second] = offered;
  const longest = Math.max(0, ...offered.map(({ name }) => name.length));
  const mine = only === undefined ? 'an alias of your ssh_config' : 'one of your ssh_config';
  return {
    why: `The machine that is to be the node: its address, USER@ADDRESS, or ${mine}. It is read now; nothing is changed there.`,
    choices: offered.map(({ name, hostName = '' }, i) =>
      `${i + 1}  ${name.padEnd(longest)}  ${hostName}`.trimEnd(),
    ),
    prompt: 'Host',
    ...(only !== undefined && second === undefined ? { proposal: only.name } : {}),
  };
}

/** Which host, once one could not be read. */
export function otherHostQuestion(address: string): Question {
  return {
    why: `${address} could not be read. Name it again, or another; or go on without: then the networks are the usual ones, and nobody has looked whether they are free.`,
    prompt: 'Host',
    proposal: GO_ON,
  };
}

/** What the node is called. @param hostname the host's own name, where a node can be called so. */
export function nodeQuestion(hostname: string | undefined): Question {
  const own = hostname === undefined ? '' : ' The host calls itself so.';
  return {
    why: `It is in the node’s certificates and cannot be changed later.${own}`,
    prompt: 'Name of the node',
    proposal: hostname ?? suggestNodeName('control-plane', []),
  };
}

/** Which Kubernetes. */
export function versionQuestion(): Question {
  const proposal = formatMinor(DEFAULT_MINOR);
  const all = listed(SUPPORTED_MINORS.map(formatMinor));
  return {
    why: `${proposal} is what add-ons support by now; upstream mends it until ${END_OF_LIFE[DEFAULT_MINOR]}. There are ${all}, or an exact version.`,
    prompt: 'Kubernetes',
    proposal,
  };
}

/** Which network plugin. */
export function pluginQuestion(): Question {
  return {
    why: 'flannel is the smallest that works on any network; calico and cilium know NetworkPolicy too; none: your own. It stays for the life of the cluster.',
    prompt: `Network plugin (${NETWORK_PLUGINS.join(', ')})`,
    proposal: NETWORK_PLUGINS[0],
  };
}
