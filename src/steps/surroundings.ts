import type { Facts } from '../model/facts.ts';
import { type Cidr, isIPv4, networkOf, parseCidr, specialUse } from '../model/network.ts';
import type { Seen } from '../model/surroundings.ts';
import { sh } from '../shell/sh.ts';

const READ = sh`
  # The host's own addresses are facts already, and a block of Calico's that leads to nothing is the cluster's own.
  ip -4 -o route show table all | awk '
    $1 ~ /^(local|broadcast|multicast|anycast)$/ || / proto (bird|80)( |$)/ { next }
    {
      to = $1 ~ /^(unicast|blackhole|unreachable|prohibit|throw|nat)$/ ? $2 : $1
      device = ""
      for (i = 2; i < NF; i++) if ($i == "dev") device = $(i + 1)
      print "route", to, device
    }'
  cat /etc/resolv.conf /run/systemd/resolve/resolv.conf | awk '$1 == "nameserver" { print "resolver", $2 }'
  awk '{ sub(/#.*/, "") } NF > 1 { print "name", $1, $2 }' /etc/hosts
  ss -Htnp state established | awk '/"sshd/ && match($4, /[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+/) { print "login", substr($4, RSTART, RLENGTH) }'`;

/**
 * The script that asks a host which networks it reaches, asks for names, knows by name and is logged in to from: read-only,
 * one round trip. Routes are those of all tables: a VPN's are seldom in the main one.
 */
export function surroundingsScript(): string {
  return [
    '# The networks around a host.',
    'main() { (',
    'LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL PATH',
    'cd /',
    READ.text,
    ') 2>/dev/null </dev/null; }',
    'main',
    '',
  ].join('\n');
}

/** The devices a network plugin makes: what leads there is the cluster's own, of an earlier life of the host perhaps. */
const PLUGINS_OWN =
  /^(cni0|kube-ipvs0|flannel[.\d]*|cali.*|vxlan\.calico|tunl0|veth.*|lxc(?!br).*|cilium.*)$/;

/**
 * Reads what {@link surroundingsScript} printed, and adds the networks of the host's own addresses. Each network once, and none
 * that lies in another; a name server and whoever is logged in stand for the /24 around them: their neighbours are not far.
 */
export function parseSurroundings(output: string, facts: Pick<Facts, 'addresses'>): readonly Seen[] {
  const all = [
    ...facts.addresses.flatMap(({ device, address, prefix }) =>
      PLUGINS_OWN.test(device) || !isIPv4(address)
        ? []
        : [{ network: networkOf(address, prefix), what: device }],
    ),
    ...output.split('\n').flatMap(seenIn),
  ];
  return all.filter(
    ({ network }, i) =>
      !all.some((other, k) => {
        const within = other.network.first <= network.first && network.last <= other.network.last;
        return within && (other.network.prefix < network.prefix || k < i);
      }),
  );
}

function seenIn(line: string): readonly Seen[] {
  const [what = '', to = '', word = ''] = line.split(' ');
  switch (what) {
    case 'route': {
      const network = destination(to);
      if (network === undefined || PLUGINS_OWN.test(word)) return [];
      return [{ network, what: word === '' ? 'a route to nothing' : word }];
    }
    case 'resolver':
      return around(to, 24, `name server ${to}`);
    case 'name':
      return around(to, 32, `${word} in its /etc/hosts`);
    case 'login':
      return around(to, 24, `logged in from ${to}`);
    default:
      return [];
  }
}

/** A route's destination: a network, or one address. The default route says nothing of where anything is. */
function destination(to: string): Cidr | undefined {
  const network = parseCidr(to.includes('/') ? to : `${to}/32`);
  return typeof network === 'string' || network.prefix === 0 || isNowhere(network) ? undefined : network;
}

function around(address: string, prefix: number, what: string): readonly Seen[] {
  return isIPv4(address) && specialUse(address) === undefined
    ? [{ network: networkOf(address, prefix), what }]
    : [];
}

/** Loopback, link-local and multicast: every host has them, and no cluster can. */
function isNowhere({ text, prefix }: Cidr): boolean {
  return prefix >= 8 && specialUse(text.split('/')[0] ?? '') !== undefined;
}
