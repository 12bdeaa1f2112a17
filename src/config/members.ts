import { isOddIPv4, specialUse } from '../model/network.ts';
import type { Problem } from '../model/problem.ts';
import { type Draft, isWritten, addressesOf, nodePaths, nodeTitle, textAt, valueAt } from './draft.ts';
import { lineOf, valueProblem } from './page.ts';
import type { Path } from './tree.ts';

/** Checks the nodes: that each can be reached and told from the others, and that together they make a cluster. */
export function checkMembers(draft: Draft): readonly Problem[] {
  return [
    ...duplicates(draft, 'name', 'Kubernetes knows a node by its name alone'),
    ...duplicates(draft, 'address', 'one host cannot be two members of a cluster'),
    ...duplicates(draft, 'internalAddress', 'members could not tell the two apart'),
    ...nodePaths(draft).flatMap((node) => [
      ...reservedName(draft, [...node, 'name']),
      ...address(draft, node),
      ...hostKey(draft, [...node, 'hostKey']),
    ]),
    ...roles(draft),
  ];
}

function duplicates(draft: Draft, key: string, why: string): readonly Problem[] {
  const first = new Map<string, Path>();
  return nodePaths(draft).flatMap((node) => {
    const path = [...node, key];
    const value = textAt(draft, path)?.toLowerCase();
    const earlier = value === undefined ? undefined : first.get(value);
    if (value === undefined) return [];
    if (earlier === undefined) {
      first.set(value, path);
      return [];
    }
    const parts = {
      code: 'nodes/duplicate',
      summary: `two nodes have the ${key} ${value}`,
      why,
      try: `give one of them another ${key}`,
    };
    return [valueProblem(draft.page, path, parts, `also in line ${lineOf(draft.page, earlier)}`)];
  });
}

function reservedName(draft: Draft, path: Path): readonly Problem[] {
  if (textAt(draft, path) !== 'localhost') return [];
  const parts = {
    code: 'nodes/name',
    summary: 'a node cannot be called localhost',
    why: 'every host calls itself that',
    try: 'name: cp-0',
  };
  return [valueProblem(draft.page, path, parts)];
}

function address(draft: Draft, node: Path): readonly Problem[] {
  const path = [...node, 'address'];
  const text = textAt(draft, path);
  if (text !== undefined && isOddIPv4(text)) {
    const parts = {
      code: 'nodes/address',
      summary: `the address of ${nodeTitle(draft, node)} is no IPv4 address, but would be taken for one`,
      why: 'programs fill in missing parts and read 0x and leading zeros each in their own way',
      try: 'write four decimal numbers, 0 to 255, or a name with a letter in it',
    };
    return [valueProblem(draft.page, path, parts)];
  }
  const internal = isWritten(draft, [...node, 'internalAddress']);
  return addressesOf(draft, node).flatMap((found) => {
    const use = specialUse(found.address);
    const reached = internal && found.path.at(-1) === 'address' && use === 'loopback';
    if (use === undefined || reached) return [];
    const parts = {
      code: 'nodes/address',
      summary: `no other host reaches ${nodeTitle(draft, node)} under ${found.address}`,
      why: `it is a ${use} address`,
      try: internal
        ? `${found.path.at(-1)}: an address of one of the host's network devices (ip -4 addr)`
        : 'internalAddress: the address the host has in the network of the cluster',
    };
    return [valueProblem(draft.page, found.path, parts)];
  });
}

/** The base64 of a key begins with the length and the name of its type: a half-copied line is found here. */
function hostKey(draft: Draft, path: Path): readonly Problem[] {
  const text = textAt(draft, path);
  if (text === undefined) return [];
  const [type = '', base64 = ''] = text.split(' ');
  if (isKeyOf(type, Buffer.from(base64, 'base64'))) return [];
  const parts = {
    code: 'nodes/host-key',
    summary: `the key is not whole, or not of the type ${type}`,
    why: 'ssh would take the host for another one and refuse it',
    try: 'copy the line again: landfall hosts trust prints it',
  };
  return [valueProblem(draft.page, path, parts)];
}

function isKeyOf(type: string, bytes: Buffer): boolean {
  let at = 0;
  let fields = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (fields === 0 && bytes.toString('latin1', 4, end) !== type) return false;
    at = end;
    fields++;
  }
  return at === bytes.length && fields >= 2;
}

/** That the nodes together make a cluster: an odd number of control planes, and somewhere for workloads. */
function roles(draft: Draft): readonly Problem[] {
  const nodes = nodePaths(draft).map((path) => ({ path, role: textAt(draft, [...path, 'role']) }));
  const planes = nodes.filter(({ role }) => role === 'control-plane');
  const [first] = nodes;
  if (first === undefined || nodes.some(({ role }) => role === undefined)) return [];
  if (planes.length === 0) return [noControlPlane(draft, first.path, nodes.length)];
  return [
    ...severalControlPlanes(
      draft,
      planes.map(({ path }) => path),
    ),
    ...nodes.flatMap(({ path, role }) => (role === 'worker' ? idleWorker(draft, path) : [])),
    ...(nodes.length > 1 ? [] : closedAlone(draft, first.path)),
  ];
}

function noControlPlane(draft: Draft, node: Path, count: number): Problem {
  const parts = {
    code: 'nodes/role',
    summary:
      count === 1
        ? 'the only node of a cluster must run its control plane'
        : `none of the ${count} nodes runs the control plane`,
    why: 'a worker has no API server to join',
    try: 'role: control-plane',
  };
  return valueProblem(draft.page, [...node, 'role'], parts);
}

/** Several control planes: an odd number of them, and an endpoint that is none of them. */
function severalControlPlanes(draft: Draft, planes: readonly Path[]): readonly Problem[] {
  const last = planes.at(-1);
  if (last === undefined || planes.length === 1) return [];
  const path = [...last, 'role'];
  if (planes.length % 2 === 0) {
    const bears = planes.length / 2 - 1;
    const parts = {
      code: 'nodes/count',
      summary: `${planes.length} control planes bear no more than ${planes.length - 1} do`,
      why: `etcd goes on while more than half of its members do: with ${planes.length} as with ${planes.length - 1} that is the loss of ${bears === 0 ? 'none' : bears}, and one more of them can fail`,
      try: 'one, three or five control planes; role: worker makes this one a worker',
    };
    return [valueProblem(draft.page, path, parts, `${nodeTitle(draft, last)} makes ${planes.length}`)];
  }
  if (planes.length > 7) {
    const parts = {
      code: 'nodes/count',
      summary: `${planes.length} control planes are more than etcd is made for`,
      why: 'each change waits for more than half of them: beyond seven, each one more makes all of it slower and nothing safer',
      try: 'three or five control planes, and workers beside them',
    };
    return [valueProblem(draft.page, path, parts)];
  }
  if (isWritten(draft, ['endpoint'])) return [];
  const parts = {
    code: 'endpoint/needed',
    summary: 'several control planes need an endpoint that leads to those of them that live',
    why: 'without one the name of the API server leads to the first of them alone, and all nodes lose the cluster with it',
    try: 'endpoint: { virtualIP: a free address of their network }, or { address: a name and port at which your load balancer answers for all of them }',
  };
  return [valueProblem(draft.page, path, parts, `${nodeTitle(draft, last)} makes ${planes.length}`)];
}

function idleWorker(draft: Draft, node: Path): readonly Problem[] {
  const path = [...node, 'workloads'];
  if (valueAt(draft, path) !== false) return [];
  const parts = {
    code: 'nodes/workloads',
    summary: `${nodeTitle(draft, node)} is a worker, and workloads are all a worker is for`,
    why: 'the choice is for control planes, which have something else to do',
    try: 'take the line out',
  };
  return [valueProblem(draft.page, path, parts)];
}

function closedAlone(draft: Draft, node: Path): readonly Problem[] {
  const path = [...node, 'workloads'];
  if (valueAt(draft, path) !== false) return [];
  const parts = {
    code: 'nodes/workloads',
    summary: 'the only node must take workloads',
    why: 'there is no other node: the cluster DNS itself would wait for one for ever',
    try: 'workloads: true   or take the line out',
  };
  return [valueProblem(draft.page, path, parts)];
}
