import { contains, specialUse } from '../model/network.ts';
import type { Problem } from '../model/problem.ts';
import { type Draft, isWritten, nodeAddresses, nodeTitle, textAt } from './draft.ts';
import { ownNetworks, withLine } from './networks.ts';
import { keyProblem, lineOf, valueProblem } from './page.ts';
import { type Path, treeAt } from './tree.ts';

const ENDPOINT: Path = ['endpoint'];
const PATH: Path = [...ENDPOINT, 'virtualIP'];
const ADDRESS: Path = [...ENDPOINT, 'address'];

/**
 * Checks the virtual address: that it is one, nobody's in the file, and the only thing that is said of where the endpoint is. Whether
 * it lies in the network of the control planes, and is free there, only they can tell.
 */
export function checkVirtualIP(draft: Draft): readonly Problem[] {
  if (!isWritten(draft, PATH)) return [...empty(draft), ...withoutAddress(draft)];
  const address = textAt(draft, PATH);
  return [...both(draft), ...(address === undefined ? [] : ofAddress(draft, address))];
}

/** An endpoint that says nothing would be the default, and is hardly what was meant. */
function empty(draft: Draft): readonly Problem[] {
  const tree = treeAt(draft.page.tree, ENDPOINT);
  if (tree?.is !== 'map' || tree.entries.size > 0) return [];
  const parts = {
    code: 'endpoint/empty',
    summary: 'the endpoint says nowhere to be',
    why: 'it is a name of yours, a virtual address, or left out',
    try: 'endpoint: { virtualIP: a free address of the nodes’ network }, or take the line out',
  };
  return [keyProblem(draft.page, ENDPOINT, parts)];
}

function withoutAddress(draft: Draft): readonly Problem[] {
  return ['interface', 'routerId', 'balance']
    .map((key): Path => [...ENDPOINT, key])
    .filter((path) => isWritten(draft, path))
    .map((path) =>
      keyProblem(draft.page, path, {
        code: 'endpoint/no-virtual-ip',
        summary: `endpoint.${path.at(-1)} is about a virtual address, and there is none`,
        why: 'it says how the control planes hold endpoint.virtualIP between them',
        try: 'take the line out, or add virtualIP: a free address of the nodes’ network',
      }),
    );
}

function both(draft: Draft): readonly Problem[] {
  if (!isWritten(draft, ADDRESS)) return [];
  const parts = {
    code: 'endpoint/both',
    summary: 'the endpoint is a name of yours, or a virtual address, not both',
    why: 'behind endpoint.address something of yours leads to the control planes; a virtual address is led by Landfall, under a name that it keeps',
    try: 'take one of the two lines out',
  };
  return [valueProblem(draft.page, PATH, parts, `beside address in line ${lineOf(draft.page, ADDRESS)}`)];
}

function ofAddress(draft: Draft, address: string): readonly Problem[] {
  const use = specialUse(address);
  if (use !== undefined) {
    const parts = {
      code: 'endpoint/address',
      summary: `no node reaches another one under ${address}`,
      why: `it is a ${use} address`,
      try: 'virtualIP: a free address in the network of the control planes',
    };
    return [valueProblem(draft.page, PATH, parts)];
  }
  const network = ownNetworks(draft).find(({ cidr }) => contains(cidr, address));
  if (network !== undefined) {
    const parts = {
      code: 'network/overlap',
      summary: `the virtual address lies in ${network.title}`,
      why: 'the API server must be reached before that network exists, and from outside the cluster',
      try: 'virtualIP: a free address in the network of the control planes',
    };
    return [
      valueProblem(draft.page, PATH, parts, `lies in ${withLine(draft, network.path, network.cidr.text)}`),
    ];
  }
  const owner = nodeAddresses(draft).find((one) => one.address === address);
  if (owner === undefined) return [];
  const parts = {
    code: 'endpoint/taken',
    summary: `the virtual address is that of ${nodeTitle(draft, owner.node)}`,
    why: 'it moves from host to host: an address that one of them has of its own would be there twice',
    try: 'virtualIP: another address of the same network, which nobody has',
  };
  return [valueProblem(draft.page, PATH, parts, `the address of ${withLine(draft, owner.path, 'a node')}`)];
}
