import { Problem } from '../model/problem.ts';
import { type HostKind, type HostKindSpec, kindOf, kindText } from './kind.ts';

/** One host of a running or stopped lab. */
export interface LabHost extends HostKind {
  readonly name: string;
  readonly address: string;
}

/** What the user asks for. Everything has a default: one Debian 12 host `cp-0` in a lab called `lab`. */
export interface LabSpec {
  readonly name?: string;
  readonly hosts?: readonly LabHostSpec[];
  /** Of what kind hosts are that do not say it themselves. */
  readonly kind?: HostKindSpec;
  /** Third octet of the lab's network 10.77.N.0/24; the lowest one no other lab uses when absent. */
  readonly network?: number;
  /** Size of each host's disk in GiB. The file behind it is sparse: it takes only what is written. */
  readonly diskGiB?: number;
  /** More names that are to lead to the depot, beside upstream's own ({@link DEPOT_NAMES}). */
  readonly names?: readonly string[];
  /** Path of the disk new hosts are cloned from, of a host that was off; one made for their kind when absent. */
  readonly disk?: string;
}

/** One host asked for: an address is given to it when it has none. */
export interface LabHostSpec extends HostKindSpec {
  readonly name: string;
  readonly address?: string;
}

/** A lab that exists: its place, its hosts, and the two things needed to reach them. */
export interface Lab {
  readonly name: string;
  readonly dir: string;
  readonly network: number;
  readonly hosts: readonly LabHost[];
  /** Path of an ssh_config: `ssh -F PATH cp-0` works from an ordinary shell. */
  readonly sshConfig: string;
  /** Path of the network namespace questions "from outside" are asked in. */
  readonly operatorNamespace: string;
}

/** The lab's name when none is given. */
export const DEFAULT_LAB = 'lab';

/** The subnet of lab number `network`, and the addresses in it that have a fixed meaning. */
export function subnet(network: number): {
  readonly cidr: string;
  readonly bridge: string;
  readonly operator: string;
  readonly depot: string;
  readonly host: (index: number) => string;
} {
  const at = (last: number) => `10.77.${network}.${last}`;
  return {
    cidr: at(0) + '/24',
    bridge: at(1),
    operator: at(2),
    depot: at(3),
    host: (index) => at(11 + index),
  };
}

/** The network card's address of the machine with this IPv4 address: fixed, so that it outlives a reboot. */
export function macOf(address: string): string {
  const hex = (octet: string | undefined) => Number(octet).toString(16).padStart(2, '0');
  const [, , network, last] = address.split('.');
  return `02:4c:46:00:${hex(network)}:${hex(last)}`;
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/;

/** Ends of the lab's network that are no hosts. */
const TAKEN: ReadonlySet<string> = new Set(['bridge', 'operator', 'depot', 'localhost']);

/** Refuses a lab's or host's name that cannot be a file's, a namespace's and a host's name at once. Throws `lab/name`. */
export function checkName(kind: 'lab' | 'host', name: string): string {
  if (NAME.test(name) && !(kind === 'host' && TAKEN.has(name))) return name;
  throw new Problem({
    code: 'lab/name',
    summary: `${JSON.stringify(name)} cannot be the name of a ${kind}`,
    why: 'it becomes the name of a folder, a network namespace and, for a host, the host name',
    try: `small letters, digits and dashes, at most 30${kind === 'host' ? `, and none of ${[...TAKEN].join(', ')}` : ''}: e.g. ${kind === 'host' ? 'cp-0' : 'lab'}`,
    exit: 2,
  });
}

/**
 * Gives each host asked for an address (`.11` upwards, skipping those taken) and a kind.
 * `have` are the hosts the lab has already: they keep their addresses. Throws `lab/name`, `lab/address`, `lab/kind`, `lab/twice`.
 */
export function placeHosts(
  asked: readonly LabHostSpec[],
  network: number,
  have: readonly LabHost[] = [],
): readonly LabHost[] {
  const net = subnet(network);
  const taken = new Set<string>([...have.map((h) => h.address), ...asked.flatMap((h) => h.address ?? [])]);
  const seen = new Set<string>();
  let index = 0;
  const free = () => {
    while (taken.has(net.host(index))) index += 1;
    if (index > 200)
      throw new Problem({ code: 'lab/address', summary: 'the lab has no free address left', exit: 2 });
    taken.add(net.host(index));
    return net.host(index);
  };
  const placed = asked.map((host): LabHost => {
    checkName('host', host.name);
    if (seen.has(host.name))
      throw new Problem({ code: 'lab/twice', summary: `two hosts are called ${host.name}`, exit: 2 });
    seen.add(host.name);
    const known = have.find((h) => h.name === host.name);
    const kind = kindOf(host, known);
    if (known !== undefined && kindText(kind) !== kindText(known))
      throw new Problem({
        code: 'lab/kind',
        summary: `${host.name} is there already, as ${kindText(known)}`,
        try: 'another name, or: landfall lab down',
        exit: 2,
      });
    const address = host.address ?? known?.address ?? free();
    checkAddress(address, network);
    return { name: host.name, address, ...kind };
  });
  const all = [...have.filter((h) => !seen.has(h.name)), ...placed];
  for (const host of all) {
    const twin = all.find((other) => other !== host && other.address === host.address);
    if (twin !== undefined)
      throw new Problem({
        code: 'lab/twice',
        summary: `${host.name} and ${twin.name} both have the address ${host.address}`,
        why: 'two namespaces with one address look like "connection refused"',
        exit: 2,
      });
  }
  return placed;
}

function checkAddress(address: string, network: number): void {
  const last = /^10\.77\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (last !== null && Number(last[1]) === network && Number(last[2]) >= 4 && Number(last[2]) <= 254) return;
  throw new Problem({
    code: 'lab/address',
    summary: `${address} is not a free address of this lab`,
    why: `this lab's network is ${subnet(network).cidr}; .1 is the bridge, .2 the operator, .3 the depot`,
    try: `an address from ${subnet(network).host(0)} on`,
    exit: 2,
  });
}
