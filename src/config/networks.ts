import { type Cidr, contains, networkOf, overlap, parseCidr, specialUse } from '../model/network.ts';
import type { Problem } from '../model/problem.ts';
import { type NetworkKey, proposeNetwork } from './free-network.ts';
import { type Draft, nodeAddresses, nodePaths, nodeTitle, textAt } from './draft.ts';
import { lineOf, valueProblem } from './page.ts';
import { clusterFile } from './schema.ts';
import type { Path } from './tree.ts';

/** One of the cluster's own networks as the file has it, or its default. */
export interface OwnNetwork {
  readonly title: string;
  readonly key: NetworkKey;
  readonly path: Path;
  readonly cidr: Cidr;
  readonly written: boolean;
}

/** The pod and the Service network, as far as they are of the right form. */
export function ownNetworks(draft: Draft): readonly OwnNetwork[] {
  const defaults = clusterFile.shape.network.parse({});
  return (['pods', 'services'] as const).flatMap((key) => {
    const path: Path = ['network', key];
    const line = lineOf(draft.page, path);
    const text = line === undefined ? defaults[key] : textAt(draft, path);
    const cidr = text === undefined ? 'no network' : parseCidr(text);
    if (typeof cidr === 'string') return [];
    return [
      {
        title: key === 'pods' ? 'the pod network' : 'the Service network',
        key,
        path,
        cidr,
        written: line !== undefined,
      },
    ];
  });
}

/** Checks the pod and the Service network: each for itself, against each other, and against the nodes. */
export function checkNetworks(draft: Draft): readonly Problem[] {
  const networks = ownNetworks(draft);
  return [
    ...(['pods', 'services'] as const).flatMap((key) => hostBits(draft, key)),
    ...networks
      .filter(({ written }) => written)
      .flatMap((network) => [...size(draft, network), ...use(draft, network)]),
    ...each(draft, networks),
    ...networks.flatMap((network) => nodesIn(draft, network)),
  ];
}

/** `10.244.0.0/16 (line 9)`, or `(the default)`. */
export function withLine(draft: Draft, path: Path, text: string): string {
  const line = lineOf(draft.page, path);
  return `${text} (${line === undefined ? 'the default' : `line ${line}`})`;
}

/** A network to write in place of one that is in the way: one that holds no node and does not overlap the other. */
export function freeNetwork(draft: Draft, key: NetworkKey): string {
  const free = proposeNetwork(key, [
    ...ownNetworks(draft)
      .filter((network) => network.key !== key)
      .map(({ cidr, title }) => ({ network: cidr, what: title })),
    ...nodeAddresses(draft).map(({ address }) => ({ network: networkOf(address, 32), what: 'a node' })),
  ]);
  return `${key}: ${free?.network.text ?? 'a network that nothing else uses'}`;
}

function hostBits(draft: Draft, key: NetworkKey): readonly Problem[] {
  const path: Path = ['network', key];
  const text = textAt(draft, path);
  if (text === undefined || parseCidr(text) !== 'host bits') return [];
  const [address = '', prefix] = text.split('/');
  const network = networkOf(address, Number(prefix)).text;
  const parts = {
    code: 'network/host-bits',
    summary: `network.${key} is not the first address of its network`,
    why: `an address with /${prefix} lies somewhere in ${network}; which network is meant, the first address says`,
    try: `${key}: ${network}`,
  };
  return [valueProblem(draft.page, path, parts)];
}

function size(draft: Draft, { key, path, cidr }: OwnNetwork): readonly Problem[] {
  const nodes = Math.max(1, nodePaths(draft).length);
  const [widest, narrowest] = key === 'pods' ? [8, 24 - Math.ceil(Math.log2(nodes))] : [12, 28];
  if (cidr.prefix >= widest && cidr.prefix <= narrowest) return [];
  const wide = cidr.prefix < widest;
  const why = {
    pods: wide
      ? 'each node takes a /24, and Kubernetes keeps account of 65,536 of them at most'
      : `each node takes a /24, and there ${nodes === 1 ? 'is 1 node' : `are ${nodes} nodes`}`,
    services: wide
      ? 'the API server keeps account of about a million Services at most'
      : 'the first address is the API server, the tenth is DNS, and no Service finds room later: it cannot be widened',
  };
  const parts = {
    code: 'network/size',
    summary: `network.${key} is too ${wide ? 'large' : 'small'}: /${widest} to /${narrowest} will do`,
    why: why[key],
    try: freeNetwork(draft, key),
  };
  return [valueProblem(draft.page, path, parts)];
}

function use(draft: Draft, { key, path, cidr }: OwnNetwork): readonly Problem[] {
  const reserved = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '0.0.0.0/8']
    .map(parseCidr)
    .find((range) => typeof range !== 'string' && cidr.prefix >= 4 && overlap(range, cidr));
  if (reserved === undefined || typeof reserved === 'string') return [];
  const parts = {
    code: 'network/reserved',
    summary: `network.${key} lies in ${reserved.text}, which no host routes`,
    why: `those addresses are ${specialUse(reserved.text.split('/')[0] ?? '') ?? 'reserved'} ones`,
    try: freeNetwork(draft, key),
  };
  return [valueProblem(draft.page, path, parts)];
}

function each(draft: Draft, networks: readonly OwnNetwork[]): readonly Problem[] {
  const [pods, services] = networks;
  if (pods === undefined || services === undefined || !overlap(pods.cidr, services.cidr)) return [];
  const line = ({ path }: OwnNetwork) => lineOf(draft.page, path) ?? 0;
  const [at, other] = line(pods) > line(services) ? [pods, services] : [services, pods];
  const parts = {
    code: 'network/overlap',
    summary: `${at.title} overlaps ${other.title}`,
    why: 'an address of both would be a pod to one program and a Service to another',
    try: freeNetwork(draft, at.key),
  };
  return [
    valueProblem(draft.page, at.path, parts, `overlaps ${withLine(draft, other.path, other.cidr.text)}`),
  ];
}

function nodesIn(draft: Draft, network: OwnNetwork): readonly Problem[] {
  const told = new Set<string>();
  return nodeAddresses(draft).flatMap(({ node, path, address }) => {
    const id = `${node.at(-1)} ${address}`;
    if (!contains(network.cidr, address) || told.has(id)) return [];
    told.add(id);
    const parts = {
      code: 'network/overlap',
      summary: `${network.title} contains the address of ${nodeTitle(draft, node)}`,
      why: 'replies to that node would be routed into the cluster and lost',
      try: network.written
        ? freeNetwork(draft, network.key)
        : `network: { ${freeNetwork(draft, network.key)} }`,
    };
    return network.written
      ? [valueProblem(draft.page, network.path, parts, `contains ${withLine(draft, path, address)}`)]
      : [
          valueProblem(
            draft.page,
            path,
            parts,
            `lies in ${withLine(draft, network.path, network.cidr.text)}`,
          ),
        ];
  });
}
