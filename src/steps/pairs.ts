import { controlPlanes, type Node } from '../model/cluster.ts';
import { MOST_APART, MOST_LATENCY, type PairAnswer } from '../model/pair.ts';
import { overhead } from '../model/pod-path.ts';
import { sh } from '../shell/sh.ts';
import { pluginPorts } from './firewall-text.ts';
import { check } from './kinds/check.ts';
import { apiPort, nodeAddress } from './node.ts';
import { askPairs, type PairQuestion } from './pairs-asking.ts';
import type { Scene } from './phase.ts';
import { installed } from './plugin.ts';
import type { Clue, Step } from './step.ts';

/** How many nodes a worker asks beside the control planes: those that come after it in cluster.yaml, the last one's being the first. */
export const NEIGHBOURS = 8;

/** Whom a node asks: a control plane all others; a worker the control planes and its neighbours. Only who has answered is asked. */
export function peersOf({
  cluster,
  node,
  hosts,
}: Pick<Scene, 'cluster' | 'node' | 'hosts'>): readonly Node[] {
  const others = cluster.nodes.filter(({ name }) => name !== node.name && hosts[name] !== undefined);
  if (node.role === 'control-plane') return others;
  const at = cluster.nodes.findIndex(({ name }) => name === node.name);
  const ring = [...cluster.nodes.slice(at + 1), ...cluster.nodes.slice(0, at)].filter((one) =>
    others.includes(one),
  );
  const chosen = new Set([...controlPlanes(cluster), ...ring.slice(0, NEIGHBOURS)]);
  return others.filter((one) => chosen.has(one));
}

/** The devices by which plugins take packets of pods off the network. */
const POD_LINKS = /^(flannel|vxlan\.calico|cilium_)/;

/** All that one node asks about its way to another. @param all also what silence would say nothing of: of members, who listen. */
export function questionsOf(scene: Scene, peer: Node, all: boolean): readonly PairQuestion[] {
  const { cluster, lock, node, hosts } = scene;
  const facts = hosts[peer.name];
  const ask = (kind: PairQuestion['kind'], what: number): PairQuestion => ({
    name: peer.name,
    address: nodeAddress(peer, facts),
    kind,
    what,
  });
  const plugin = installed(cluster, lock);
  const [mine, theirs] = [node, peer].map(({ role }) => role === 'control-plane');
  const ports = [
    ...(theirs ? [apiPort(cluster)] : []),
    ...(mine && theirs ? [2379, 2380] : []),
    ...(mine ? [10250] : []),
  ];
  const virtual = mine === true && theirs === true ? cluster.endpoint.virtual : undefined;
  const holds = facts?.addresses.some(({ address }) => address === virtual?.address) === true;
  // Who listens for packets of pods does not answer what is none.
  const listens =
    facts?.member === true || facts?.links.some(({ device }) => POD_LINKS.test(device)) === true;
  // Rules of Landfall's that do not know a newcomer yet come to know it before it joins.
  const guarded = !all && facts?.firewall === true;
  return [
    ...(guarded
      ? []
      : [
          ...ports.map((port) => ask('tcp', port)),
          ...pluginPorts(cluster, lock)
            .filter(({ protocol }) => protocol === 'tcp' || !listens)
            .map(({ protocol, port }) => ask(protocol, port)),
          // A keepalived that runs there takes the question for itself, and answers nothing.
          ...(virtual === undefined || facts?.keepalived === true ? [] : [ask('vrrp', 112)]),
        ]),
    ...(plugin === undefined ? [] : [ask('size', plugin.mtu + overhead(plugin.encapsulation))]),
    ...(all && virtual !== undefined && holds ? [ask('adverts', 112)] : []),
    ...(all || (mine && theirs) ? [ask('rtt', 0)] : []),
    // chrony, where it is wished, sets a clock right before anything leans on it.
    ...(all || cluster.host.time.service === 'keep' ? [ask('clock', 0)] : []),
  ];
}

const REACHED = 'all reached';

/** What each kind of trouble means. */
export const PAIR_CLUES: readonly Clue[] = [
  {
    match: /^\S+ tcp \d+ (silent|unreachable)$/,
    means:
      'nothing comes back from that port of the node named, not even a refusal: a firewall on the way drops it, on that host or before it',
    try: 'open the port between the nodes: on the host named, ufw status, firewall-cmd --list-all or nft list ruleset; at a provider, its own firewall',
    diagnosis: 'H44',
  },
  {
    match: /^\S+ udp \d+ (silent|unreachable)$/,
    means:
      'the node named answers for another UDP port and not for this one, by which packets of pods travel',
    try: 'open this UDP port between all nodes, on the hosts and at the provider',
    diagnosis: 'H44',
  },
  {
    match: /^\S+ size \d+ lost$/,
    means:
      'small packets arrive at the node named and one of this size does not: something between the two carries less than their own devices do',
    try: 'raise the MTU of what is between them (a VLAN, a tunnel, a switch), or write a smaller network.mtu: ping -M do -s SIZE ADDRESS finds what passes, less 28 bytes',
    diagnosis: 'H54',
  },
  {
    match: /^\S+ (vrrp|adverts) 112 silent$/,
    means:
      'the control plane named is not heard, or not reached, by VRRP (IP protocol 112): two that do not hear each other both hold the virtual address',
    try: 'have protocol 112 let through between the control planes; where the network does not carry it (most clouds), use a load balancer: endpoint.address in place of virtualIP',
  },
  {
    match: /^\S+ rtt 0 \d/,
    means: `an answer from the control plane named takes more than ${MOST_LATENCY} ms at best: etcd's heartbeat is 100 ms`,
    try: 'keep control planes within one region; ping shows the way, mtr where it is long',
  },
  {
    match: /^\S+ clock 0 -?\d/,
    means: `the clock of the node named is so many milliseconds ahead of this one, or behind when it is negative: from ${MOST_APART} on etcd complains, and certificates and tokens are not valid yet, or not any more`,
    try: 'on both: chronyc tracking, or timedatectl; have them follow the same servers: host.time.servers in cluster.yaml',
    diagnosis: 'H77',
  },
];

/**
 * On each host that is to become a member, and from members to it: the ways between nodes, before anything is made. Between members
 * nothing is asked any more: they show by themselves whether they reach each other, and `landfall status --pairs` asks when wished.
 */
export function pairSteps(scene: Scene): readonly Step[] {
  const { facts, hosts } = scene;
  const questions = peersOf(scene)
    .filter(({ name }) => facts.member !== true || hosts[name]?.member !== true)
    .flatMap((peer) => questionsOf(scene, peer, false));
  if (questions.length === 0) return [];
  return [
    check(
      {
        id: 'preflight/pairs',
        title: 'Reach the other nodes, by all that will be sent',
        why: 'A port that is dropped on the way, or a packet that is too large for it, shows later as a join that hangs, a pod without DNS, or two holders of one address. Nobody needs to listen yet: a host that refuses has been reached. A worker asks all control planes and its next few neighbours, a control plane everybody.',
        see: ['https://kubernetes.io/docs/reference/networking/ports-and-protocols/', 'man 8 ping'],
        clues: PAIR_CLUES,
      },
      {
        read: sh`
          { ${askPairs(questions)}
          } | awk '$4 ~ /^(silent|unreachable|lost)$/ || ($2 == "rtt" && $4 + 0 > ${sh`${MOST_LATENCY}`}) || ($2 == "clock" && $4 ~ /^-?[0-9]+$/ && ($4 > ${sh`${MOST_APART}`} || -$4 > ${sh`${MOST_APART}`}))' | grep . || echo ${REACHED}`,
        want: REACHED,
      },
    ),
  ];
}

/** Reads what `askPairs` printed on a host. */
export function parsePairs(from: string, text: string): readonly PairAnswer[] {
  return text.split('\n').flatMap((line) => {
    const [to = '', kind = '', what = '', is = ''] = line.split(' ');
    return is === '' ? [] : [{ from, to, kind: kind as PairAnswer['kind'], what: Number(what), is }];
  });
}
