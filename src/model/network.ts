/** A range of IPv4 addresses that starts where its prefix says. */
export interface Cidr {
  /** Canonical: `10.244.0.0/16`. */
  readonly text: string;
  /** The first and the last address as 32-bit numbers. */
  readonly first: number;
  readonly last: number;
  /** Bits of the prefix, 0 to 32. */
  readonly prefix: number;
}

/** Why a text is not a network Landfall can use. `ipv6` includes dual stack (`10.0.0.0/16,fd00::/64`). */
export type CidrFault = 'ipv6' | 'prefix missing' | 'host bits' | 'no network';

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether a text is an IPv4 address of four decimal parts. `10.1`, `010.0.0.1` and `0x0a.0.0.1` are not. */
export function isIPv4(text: string): boolean {
  return IPV4.test(text);
}

/** Whether a text is meant for an IPv6 address, zone index or not: at least two colons between hexadecimal digits. */
export function isIPv6(text: string): boolean {
  return /^(?=.*:.*:)[0-9a-f:]+(?:\d+(?:\.\d+){3})?(?:%\w+)?$/i.test(text);
}

/**
 * Whether the C library would take this for an IPv4 address although it is none of four decimal parts: `10.1`, `167772171`,
 * `0x7f000001`. ssh would then go to another machine than the one meant.
 */
export function isOddIPv4(text: string): boolean {
  return /^(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?$/i.test(text) && !isIPv4(text);
}

/** What an IPv4 address is for when no host can be reached under it: `loopback`, `multicast` …; undefined for the others. */
export function specialUse(address: string): string | undefined {
  const number = toNumber(address);
  if (number >= toNumber('224.0.0.0')) return number >= toNumber('240.0.0.0') ? 'reserved' : 'multicast';
  const first = Math.floor(number / 2 ** 24);
  if (first === 0) return 'this-host';
  if (first === 127) return 'loopback';
  return number >= toNumber('169.254.0.0') && number <= toNumber('169.254.255.255')
    ? 'link-local'
    : undefined;
}

/** Takes `10.244.0.0/16`; gives the network, or why it is none. */
export function parseCidr(text: string): Cidr | CidrFault {
  if (text.includes(':')) return 'ipv6';
  if (isIPv4(text)) return 'prefix missing';
  const [, address, bits] = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(text) ?? [];
  if (address === undefined || !isIPv4(address) || Number(bits) > 32) return 'no network';
  const network = networkOf(address, Number(bits));
  return network.text === text ? network : 'host bits';
}

/** The network of this prefix length (0 to 32) an IPv4 address lies in: `10.244.1.7`, 16 → `10.244.0.0/16`. */
export function networkOf(address: string, prefix: number): Cidr {
  const size = 2 ** (32 - prefix);
  const first = Math.floor(toNumber(address) / size) * size;
  return { text: `${toAddress(first)}/${prefix}`, first, last: first + size - 1, prefix };
}

/** Whether two networks share an address. */
export function overlap(a: Cidr, b: Cidr): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Whether an IPv4 address lies in a network. */
export function contains(network: Cidr, address: string): boolean {
  const number = toNumber(address);
  return number >= network.first && number <= network.last;
}

/** The nth address of a network, 0 being the network's own. Throws a RangeError beyond its end. */
export function addressAt(network: Cidr, n: number): string {
  if (n < 0 || network.first + n > network.last) throw new RangeError(`${network.text} has no address ${n}`);
  return toAddress(network.first + n);
}

/**
 * The address of the `kubernetes` Service: the first of the Service network, which kubeadm also writes into the API
 * server's certificate. Takes a CIDR that was checked; throws a RangeError on another text.
 */
export function firstServiceAddress(services: string): string {
  return addressAt(checked(services), 1);
}

/** The address of the cluster's DNS Service: kubeadm gives it the tenth. Takes a CIDR that was checked. */
export function dnsServiceAddress(services: string): string {
  return addressAt(checked(services), 10);
}

function checked(text: string): Cidr {
  const network = parseCidr(text);
  if (typeof network === 'string') throw new RangeError(`${text}: ${network}`);
  return network;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
