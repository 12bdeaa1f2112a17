import { basename, resolve } from 'node:path';
import type { Role, SshOptions } from '../model/cluster.ts';
import { DEFAULT_MINOR, formatMinor } from '../model/version.ts';
import { endpointName } from './defaults.ts';
import { NAME } from './format.ts';
import { scalar } from '../model/scalar.ts';
import { clusterFile } from './schema.ts';

/** What `landfall init` knows of a cluster that does not exist yet. */
export interface Initial {
  readonly name: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly address: string;
    readonly role: Role;
    readonly internalAddress?: string;
    readonly hostKey?: string;
  }[];
  /** A minor or an exact version; {@link DEFAULT_MINOR} when absent. */
  readonly kubernetes?: string;
  /** `host[:port]`; the name Landfall keeps when absent. */
  readonly endpoint?: string;
  readonly network?: { readonly plugin?: string; readonly pods?: string; readonly services?: string };
  readonly ssh?: SshOptions;
  readonly lab?: string;
  /** What was seen and why it is so, for the comments above these parts: sentences, of whatever characters. */
  readonly remarks?: {
    readonly pods?: readonly string[];
    readonly services?: readonly string[];
    readonly nodes?: readonly string[];
  };
  /** Where editors find the JSON Schema: a path relative to the file, or a URL. */
  readonly schema?: string;
}

/** The folder an installed Landfall has its schema in, seen from a project that depends on it. */
const SCHEMA = './node_modules/landfall/schema/cluster.json';

/**
 * The text of a new cluster.yaml: what is known, and every default in a comment with its reason. A line that begins with
 * `#` and no single space after it is a default: without the `#` it says the same. Values are written as given: `readCluster`
 * judges them.
 */
export function initialText(initial: Initial): string {
  const { network = {}, ssh = {}, remarks = {} } = initial;
  const defaults = clusterFile.shape.network.parse({});
  const line = (written: string | number | undefined, key: string, fallback: string | number) =>
    written === undefined ? `#  ${key}: ${fallback}` : `  ${key}: ${value(written)}`;
  const head = (key: string, written: boolean) => (written ? `${key}:` : `#${key}:`);
  const hasNetwork = Object.values(network).some((one) => one !== undefined);
  return `# yaml-language-server: $schema=${initial.schema ?? SCHEMA}
# What this cluster is to be. Nothing secret belongs here: keep it in git, with landfall.lock beside it.
# A line that is commented out shows the default: change it and take the # away.

apiVersion: landfall/v1
kind: Cluster
name: ${value(initial.name)}

# A minor: its newest patch is looked up once and kept in landfall.lock. Or an exact version: "1.36.3".
# The second newest minor is the one that add-ons support by now. Without the quotes 1.30 would be the number 1.3.
kubernetes: ${JSON.stringify(initial.kubernetes ?? formatMinor(DEFAULT_MINOR))}

# What certificates and kubeconfigs know the API server by; it should outlive any one node. This default is a name
# that Landfall keeps in /etc/hosts of the nodes. A name of your own DNS or load balancer is better for a team. With
# virtualIP: a free address of the nodes' network, in place of address, the control planes hold one between them.
${head('endpoint', initial.endpoint !== undefined)}
${line(initial.endpoint, 'address', `${endpointName(initial.name)}:6443`)}

# None of these can be changed later. Nothing the nodes talk to may lie in pods or services.
${head('network', hasNetwork)}
# flannel is the smallest plugin that works on any network; calico and cilium know NetworkPolicy too; none: your own.
${line(network.plugin, 'plugin', defaults.plugin)}
# Also: encapsulation (vxlan, cross-subnet, none), mtu, and with cilium kubeProxy: replace. Left out, the first two are
# chosen from what the nodes are, once, and kept in landfall.lock.
${comment([...(remarks.pods ?? []), roomForPods(network.pods ?? defaults.pods)])}
${line(network.pods, 'pods', defaults.pods)}
${comment([...(remarks.services ?? []), roomForServices(network.services ?? defaults.services)])}
${line(network.services, 'services', defaults.services)}
# Many charts have this name written into them.
#  domain: ${defaults.domain}

# cri-o is released with Kubernetes, minor by minor; containerd is what most clusters run.
#runtime: cri-o

# Your ssh_config and agent are used as they are: jump hosts, keys, users. What is written here goes first.
${sshText(ssh)}
${initial.lab === undefined ? '' : `\n# These are hosts of a lab, with its concessions; each shows in the plan.\nlab: ${value(initial.lab)}\n`}
# address: what ssh connects to: an IP address, a name, or an alias of your ssh_config. When the cluster itself is to
# use another one, add internalAddress. hostKey pins the key the host must show: landfall hosts trust prints it.
# The only node takes workloads too.
${remarks.nodes === undefined ? '' : `${comment(remarks.nodes)}\n`}nodes:
${initial.nodes.map(nodeText).join('\n')}
`;
}

/** Columns of a line of comment. */
const COLUMNS = 116;

/** Sentences as lines of comment. What a host said of itself may hold anything; here nothing of it ends a line. */
function comment(sentences: readonly string[]): string {
  return sentences
    .flatMap((sentence) => {
      const lines: string[] = [];
      for (const word of sentence.replace(/[^\u0020-\u007e]/g, '?').split(/ +/)) {
        const last = lines.at(-1);
        if (last !== undefined && last.length + 1 + word.length <= COLUMNS)
          lines[lines.length - 1] = `${last} ${word}`;
        else lines.push(word);
      }
      return lines;
    })
    .map((line) => `# ${line}`)
    .join('\n');
}

function prefixOf(network: string): number {
  return Number(network.split('/')[1] ?? Number.NaN);
}

function roomForPods(network: string): string {
  const nodes = 2 ** (24 - prefixOf(network));
  if (!Number.isInteger(nodes)) return 'Each node takes a /24 of it.';
  return `Each node takes a /24 of it: room for ${nodes === 1 ? 'one node' : `${nodes} nodes`}.`;
}

function roomForServices(network: string): string {
  const prefix = prefixOf(network);
  const addresses = 2 ** (32 - prefix) - 2;
  if (!Number.isInteger(addresses)) return 'Each Service takes an address of it.';
  const wide =
    prefix === 16
      ? " kubeadm's own default, a /12, would take sixteen times as much of your address space."
      : '';
  return `Room for ${addresses.toLocaleString('en-US')} Services.${wide}`;
}

/** A name for a cluster after the folder its file lies in; `harbour` when the folder's name yields none. */
export function suggestName(folder: string): string {
  const name = basename(resolve(folder))
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return NAME.test(name) && !['tmp', 'root', 'home', 'src', 'work', 'main', 'git', 'repo'].includes(name)
    ? name
    : 'harbour';
}

/** A name for the next node of a role: `cp-0`, `worker-2`; the first number that no node has. */
export function suggestNodeName(role: Role, taken: readonly string[]): string {
  const prefix = role === 'control-plane' ? 'cp' : 'worker';
  for (let number = 0; ; number++) {
    const name = `${prefix}-${number}`;
    if (!taken.includes(name)) return name;
  }
}

function sshText(ssh: SshOptions): string {
  const { user, port, config, identityFile } = ssh;
  const written = Object.values(ssh).some((one) => one !== undefined);
  if (!written) return '#ssh: {}';
  return [
    'ssh:',
    ...Object.entries({ user, port, config, identityFile }).flatMap(([key, one]) =>
      one === undefined ? [] : [`  ${key}: ${value(one)}`],
    ),
  ].join('\n');
}

function nodeText({ name, role, address, internalAddress, hostKey }: Initial['nodes'][number]): string {
  return [
    `  - name: ${value(name)}`,
    `    role: ${role}`,
    `    address: ${value(address)}`,
    ...(internalAddress === undefined ? [] : [`    internalAddress: ${value(internalAddress)}`]),
    ...(hostKey === undefined ? [] : [`    hostKey: ${value(hostKey)}`]),
  ].join('\n');
}

function value(written: string | number): string {
  return typeof written === 'number' ? `${written}` : scalar(written);
}
