import { contains, isIPv4, isOddIPv4, specialUse } from '../model/network.ts';
import type { Problem } from '../model/problem.ts';
import { API_PORT, endpointName, splitEndpoint } from './defaults.ts';
import { type Draft, isWritten, nodeAddresses, nodeTitle, textAt, valueAt } from './draft.ts';
import { ownNetworks, withLine } from './networks.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const PATH: Path = ['endpoint', 'address'];
const DOMAIN: Path = ['network', 'domain'];

/** Checks that the endpoint can answer: that it is no address of something else, and that its port is listened on. */
export function checkEndpoint(draft: Draft): readonly Problem[] {
  const name = textAt(draft, ['name']);
  const written = textAt(draft, PATH);
  if (isWritten(draft, PATH) && written === undefined) return [];
  const address = written ?? (name === undefined ? undefined : endpointName(name));
  if (address === undefined) return [];
  const { host, port } = splitEndpoint(address);
  const problem = isOddIPv4(host)
    ? odd(draft)
    : ((isIPv4(host) ? ofAddress(draft, host) : ofName(draft, host)) ?? ofPort(draft, host, port, name));
  return problem === undefined ? [] : [problem];
}

function odd(draft: Draft): Problem {
  return valueProblem(draft.page, PATH, {
    code: 'endpoint/address',
    summary: 'the endpoint is no IPv4 address, but would be taken for one',
    why: 'it goes into certificates letter by letter, and programs fill in missing parts each in their own way',
    try: 'write four decimal numbers, 0 to 255, or a name',
  });
}

function ofAddress(draft: Draft, host: string): Problem | undefined {
  const use = specialUse(host);
  if (use !== undefined) {
    return valueProblem(draft.page, PATH, {
      code: 'endpoint/address',
      summary: `no node reaches another one under ${host}`,
      why: `it is a ${use} address`,
      try: 'take the endpoint out: Landfall then keeps a name for it',
    });
  }
  const network = ownNetworks(draft).find(({ cidr }) => contains(cidr, host));
  if (network !== undefined) {
    const parts = {
      code: 'network/overlap',
      summary: `the endpoint lies in ${network.title}`,
      why: 'the API server must be reached before that network exists, and from outside the cluster',
      try: 'address: an address of your own network',
    };
    return valueProblem(
      draft.page,
      PATH,
      parts,
      `lies in ${withLine(draft, network.path, network.cidr.text)}`,
    );
  }
  const worker = nodeAddresses(draft).find(
    ({ node, address }) => address === host && valueAt(draft, [...node, 'role']) === 'worker',
  );
  if (worker === undefined) return undefined;
  const parts = {
    code: 'endpoint/worker',
    summary: `the endpoint is the address of ${nodeTitle(draft, worker.node)}, a worker`,
    why: 'no API server listens there',
    try: 'take the endpoint out: Landfall then keeps a name for it',
  };
  return valueProblem(draft.page, PATH, parts, `the address of ${withLine(draft, worker.path, 'a worker')}`);
}

/** Inside the cluster, CoreDNS answers for everything under the cluster's domain, and knows no endpoint there. */
function ofName(draft: Draft, host: string): Problem | undefined {
  const domain = isWritten(draft, DOMAIN) ? textAt(draft, DOMAIN) : 'cluster.local';
  if (domain === undefined || (host !== domain && !host.endsWith(`.${domain}`))) return undefined;
  const parts = {
    code: 'endpoint/domain',
    summary: `the endpoint ${host} lies under the cluster's own domain ${domain}`,
    why: "pods ask the cluster's DNS for such names, which knows Services there and nothing else",
    try: isWritten(draft, DOMAIN) ? 'domain: cluster.local' : 'address: a name under a domain of your own',
  };
  return valueProblem(draft.page, isWritten(draft, DOMAIN) ? DOMAIN : PATH, parts);
}

function ofPort(draft: Draft, host: string, port: number, name: string | undefined): Problem | undefined {
  if (port > 65535) {
    return valueProblem(draft.page, PATH, {
      code: 'endpoint/port',
      summary: `there is no port ${port}`,
      why: 'ports end at 65535',
      try: `address: ${host}:${API_PORT}`,
    });
  }
  const own =
    nodeAddresses(draft).some(({ address }) => address === host) ||
    (name !== undefined && host === endpointName(name));
  if (port === API_PORT || !own) return undefined;
  return valueProblem(draft.page, PATH, {
    code: 'endpoint/port',
    summary: `nothing listens on port ${port} of ${host}`,
    why: `that is the control-plane node itself, and its API server listens on ${API_PORT}`,
    try: `address: ${host}:${API_PORT}   or a load balancer of yours that listens on ${port}`,
  });
}
