import { controlPlanes, type Cluster } from '../model/cluster.ts';
import type { Allowance, Firewall } from '../model/firewall.ts';
import type { Lock } from '../model/lock.ts';
import { parseCidr } from '../model/network.ts';
import { TABLE } from './firewall-state.ts';
import { apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { installed } from './plugin.ts';

/** A port that is used between nodes, and what for. */
interface Use {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly what: string;
}

/** What a network plugin's parts on different nodes say to each other, beside pings. */
export function pluginPorts(cluster: Cluster, lock: Lock): readonly Use[] {
  const plugin = installed(cluster, lock);
  if (plugin === undefined) return [];
  const direct = plugin.encapsulation === 'none';
  const vxlan = (port: number): readonly Use[] =>
    direct ? [] : [{ protocol: 'udp', port, what: `packets of pods, ${plugin.title}` }];
  switch (plugin.plugin) {
    case 'flannel':
      return vxlan(8472);
    case 'calico':
      return [
        ...vxlan(4789),
        ...(direct ? [{ protocol: 'tcp', port: 179, what: 'routes of pods, Calico' } as const] : []),
        { protocol: 'tcp', port: 5473, what: 'Typha, of Calico' },
      ];
    case 'cilium':
      return [...vxlan(8472), { protocol: 'tcp', port: 4240, what: 'health of nodes, Cilium' }];
  }
}

/** The ports sshd has, is to have, and had before Landfall moved it: the way in and the way back, sorted. */
export function sshPorts({ cluster, facts: { ssh } }: Scene): readonly number[] {
  const wish = cluster.host.ssh?.port;
  const now = ssh?.ports ?? [cluster.ssh.port ?? 22];
  return [...new Set([...(wish === undefined ? [] : [wish]), ...now, ...(ssh?.before ?? [])])].sort(
    (a, b) => a - b,
  );
}

/** Networks without those that lie in another of them, which one set of nftables cannot hold together; by their addresses. */
export function widest(sources: readonly string[]): readonly string[] {
  const networks = sources.flatMap((text) => {
    const found = parseCidr(text.includes('/') ? text : `${text}/32`);
    return typeof found === 'string' ? [] : [found];
  });
  const kept = networks
    .filter(
      (one, i) =>
        !networks.some(
          (other, j) =>
            other.first <= one.first &&
            one.last <= other.last &&
            (other.prefix < one.prefix || (other.prefix === one.prefix && j < i)),
        ),
    )
    .toSorted((a, b) => a.first - b.first);
  return kept.map(({ text, prefix }) => (prefix === 32 ? text.slice(0, -3) : text));
}

const list = (items: readonly (string | number)[]): string => `{ ${items.join(', ')} }`;

/** The words before a rule that hold it to some sources, one for each kind of source; a single empty one for anywhere. */
function origins(from: readonly string[] | undefined, pods: string): readonly string[] {
  if (from === undefined) return [''];
  const networks = widest(from.filter((one) => one !== 'nodes' && one !== 'pods'));
  return [
    ...(from.includes('nodes') ? ['ip saddr @nodes '] : []),
    ...(from.includes('pods') ? [`ip saddr ${pods} `] : []),
    ...(networks.length === 0 ? [] : [`ip saddr ${list(networks)} `]),
  ];
}

const rule = (match: string, why: string): string => `${match} accept comment "${why}"`;

function allowed({ port, through, protocol, from }: Allowance, pods: string): readonly string[] {
  const ports = through === undefined ? `${port}` : `${port}-${through}`;
  return origins(from, pods).map((origin) =>
    rule(`${origin}${protocol} dport ${ports}`, 'allowed in cluster.yaml'),
  );
}

/** What only a control plane is asked, and by whom. */
function planeRules({ cluster, node }: Scene, { admins }: Firewall): readonly string[] {
  if (node.role !== 'control-plane') return [];
  // Where HAProxy stands before the API servers, it listens on the same hosts.
  const balanced = cluster.endpoint.virtual?.balance === true ? [cluster.endpoint.port] : [];
  const api = `tcp dport ${balanced.length === 0 ? apiPort(cluster) : list([apiPort(cluster), ...balanced])}`;
  return [
    ...origins(admins, cluster.network.pods).map((origin) => rule(`${origin}${api}`, 'API server')),
    ...(admins === undefined ? [] : [rule(`ip saddr @nodes ${api}`, 'API server, from nodes')]),
    rule('ip saddr @planes tcp dport 2379-2380', 'etcd, from control planes'),
    // Not even pods, which may reach everything else on the host they are on.
    'tcp dport 2379-2381 goto rest',
    ...(cluster.endpoint.virtual === undefined
      ? []
      : [
          rule('ip saddr @planes meta l4proto 112', 'VRRP, between control planes'),
          'meta l4proto 112 goto rest',
        ]),
  ];
}

/** The rules of the chain that decides, in their order: the first that fits does. */
function inputRules(scene: Scene, firewall: Firewall): readonly string[] {
  const { cluster, lock } = scene;
  const { pods } = cluster.network;
  return [
    'ct state established,related accept',
    'iif "lo" accept',
    rule('meta l4proto { icmp, ipv6-icmp }', 'errors, sizes of packets, neighbours, pings'),
    rule('udp sport 67 udp dport 68', 'DHCP'),
    rule('udp sport 547 udp dport 546', 'DHCPv6'),
    ...origins(firewall.admins, pods).map((origin) =>
      rule(`${origin}tcp dport ${list(sshPorts(scene))}`, 'sshd'),
    ),
    ...firewall.allow.flatMap((one) => allowed(one, pods)),
    ...planeRules(scene, firewall),
    rule(`ip saddr ${pods}`, 'pods'),
    rule('ip saddr @nodes tcp dport 10250', 'kubelet, from nodes'),
    ...pluginPorts(cluster, lock).map(({ protocol, port, what }) =>
      rule(`ip saddr @nodes ${protocol} dport ${port}`, `${what}, from nodes`),
    ),
    rule('meta l4proto { tcp, udp } th dport 30000-32767', 'NodePorts'),
    'jump rest',
  ];
}

/** What becomes of the rest: it is written down by whom it came from, and dropped where that is wished. */
function restRules({ mode }: Firewall): readonly string[] {
  const end = mode === 'enforce' ? ' drop' : ' accept';
  return [
    // What is called out to everybody is meant for nobody here.
    `meta pkttype { broadcast, multicast }${end}`,
    'meta l4proto { tcp, udp } update @seen4 { ip saddr . meta l4proto . th dport counter }',
    'meta l4proto { tcp, udp } update @seen6 { ip6 saddr . meta l4proto . th dport counter }',
    `counter${end}`,
  ];
}

function set(name: string, type: string, lines: readonly string[]): string {
  return `\tset ${name} {\n\t\ttype ${type}\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
}

/** How many strangers are remembered, and for how long. */
const MEMORY = ['size 4096', 'flags dynamic,timeout', 'timeout 1d'];

/**
 * The rules of one host, for nft: loaded in one piece, they take the place of what Landfall's own table held, and touch no other.
 * Who is a node, and who a control plane, stands in two sets.
 */
export function firewallText(scene: Scene, firewall: Firewall): string {
  const { cluster, hosts } = scene;
  const addresses = (nodes: Cluster['nodes']): string =>
    `elements = ${list(widest(nodes.map((node) => nodeAddress(node, hosts[node.name]))))}`;
  const chain = (name: string, lines: readonly string[]): string =>
    `\tchain ${name} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
  return `# Written by Landfall: who may reach this host (firewall: ${firewall.mode} in cluster.yaml).
table inet ${TABLE}
delete table inet ${TABLE}
table inet ${TABLE} {
${set('nodes', 'ipv4_addr', [addresses(cluster.nodes)])}${set('planes', 'ipv4_addr', [addresses(controlPlanes(cluster))])}${set('seen4', 'ipv4_addr . inet_proto . inet_service', MEMORY)}${set('seen6', 'ipv6_addr . inet_proto . inet_service', MEMORY)}${chain('input', ['type filter hook input priority filter; policy accept;', ...inputRules(scene, firewall)])}${chain('rest', restRules(firewall))}}
`;
}
