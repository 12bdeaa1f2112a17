import type { Facts, HostLink } from '../model/facts.ts';
import type { Node } from '../model/cluster.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { concedes, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

/** What must tell a host from all others, and what must be the same on all: to be seen only beside the others. */
export function alikeSteps(scene: Scene): readonly Step[] {
  return [identity(scene), mtu(scene)];
}

/** What firmware says of a machine when nobody has told it: the same on thousands of boards, and so no identity. */
const PLACEHOLDERS = [
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '03000200-0400-0500-0006-000700080009',
];

/** The device that carries a node's address inside the cluster. */
function ownLink(node: Node, facts: Facts): HostLink | undefined {
  const own = node.internalAddress ?? node.address;
  const carrier =
    facts.addresses.find(({ address }) => address === own) ??
    facts.addresses.find(({ address }) => address === facts.defaultAddress);
  return facts.links.find(({ device }) => device === carrier?.device);
}

/** What Kubernetes and networks know a host by, as lines `what value`. */
function marks(node: Node, facts: Facts): readonly string[] {
  const { machineId, productUuid, hostname } = facts;
  const mac = ownLink(node, facts)?.mac ?? '';
  return [
    ...(machineId === '' ? [] : [`machine-id ${machineId}`]),
    ...(productUuid === undefined || PLACEHOLDERS.includes(productUuid) || concedes(facts, 'identity')
      ? []
      : [`product_uuid ${productUuid}`]),
    ...(mac === '' ? [] : [`MAC ${mac}`]),
    ...(hostname === '' ? [] : [`hostname ${hostname}`]),
  ];
}

/** The nodes that were asked, by what they are known by and by the size of packets they send. */
interface Crowd {
  readonly marks: ReadonlyMap<string, readonly string[]>;
  /** Bytes. */
  readonly sizes: ReadonlyMap<number, readonly string[]>;
}

/** Found once for all the hosts that were asked together: each compared with each, a thousand would be a million pairs. */
const CROWDS = new WeakMap<Scene['hosts'], Crowd>();

function crowdOf({ cluster, hosts }: Scene): Crowd {
  const known = CROWDS.get(hosts);
  if (known !== undefined) return known;
  const marked = new Map<string, string[]>();
  const sizes = new Map<number, string[]>();
  for (const node of cluster.nodes) {
    const facts = hosts[node.name];
    if (facts === undefined) continue;
    for (const mark of marks(node, facts)) note(marked, mark, node.name);
    const size = ownLink(node, facts)?.mtu ?? 0;
    if (size > 0) note(sizes, size, node.name);
  }
  const crowd = { marks: marked, sizes };
  CROWDS.set(hosts, crowd);
  return crowd;
}

function note<K>(names: Map<K, string[]>, key: K, name: string): void {
  const there = names.get(key);
  if (there === undefined) names.set(key, [name]);
  else there.push(name);
}

/** `$device` becomes the device that carries an address. */
function deviceOf(address: string): Shell {
  return sh`device=$(ip -o -4 address show | awk -v own=${address} '{ split($4, a, "/"); if (a[1] == own) { print $2; exit } }')`;
}

/** Only what another host has as well is in the script: on a thousand hosts it must not hold the marks of all. */
function identity(scene: Scene): Step {
  const { node, facts } = scene;
  const crowd = crowdOf(scene);
  const shared = marks(node, facts).flatMap((mark) =>
    (crowd.marks.get(mark) ?? []).filter((name) => name !== node.name).map((name) => `${name} ${mark}`),
  );
  return check(
    {
      id: 'preflight/identity',
      title: 'Be told apart from every other host',
      why: 'Machines copied from one image often keep its machine-id, and virtual ones their product_uuid or the address of their network card. Two members with one of them alike get the same lease from DHCP, take frames from each other, or are one machine in the eyes of storage and monitoring.',
      see: [
        'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/#verify-mac-address',
        'man 5 machine-id',
      ],
      clues: [
        {
          match: /machine-id/,
          means: 'the host has no machine-id of its own: it was copied, or its image was not finished',
          try: 'rm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot (with DHCP its address may change)',
          diagnosis: 'H102',
        },
        {
          match: /^hostname /,
          means: 'two hosts have one name',
          try: `hostnamectl hostname ${node.name}`,
          diagnosis: 'H97',
        },
        {
          match: /^MAC /,
          means: 'two network cards have one address: a virtual machine was copied with its hardware',
          try: 'give the copy a new network card, or let the hypervisor choose a new address for it',
          diagnosis: 'H102',
        },
        {
          match: /^product_uuid /,
          means: 'two machines have one identity: a virtual machine was copied with its hardware',
          try: 'give the copy a new UUID in the hypervisor (virsh edit, <uuid>); on hardware the maker has a tool that writes it',
        },
      ],
    },
    {
      read: sh`
        ${deviceOf(nodeAddress(node, facts))}
        marks=$(
          echo "machine-id $(cat /etc/machine-id)"
          echo "product_uuid $(tr A-F a-f </sys/class/dmi/id/product_uuid)"
          echo "MAC $(ip -o link show dev "$device" | sed -n 's,.* link/ether \([^ ]*\) .*,\1,p')"
          echo "hostname $(hostname)"
        ) 2>/dev/null
        said=$(
          printf '%s\n' "$marks" | grep -qE '^machine-id [0-9a-f]{32}$' || echo 'no machine-id'
          for shared in ${shared}; do
            if printf '%s\n' "$marks" | grep -qxF -- "\${shared#* }"; then echo "\${shared#* } is also that of \${shared%% *}"; fi
          done
        )
        echo "\${said:-its own}"`,
      want: 'its own',
    },
  );
}

/** Bytes; what IPv6 asks of every link, and below which too little is left for pods. */
const SMALLEST = 1280;

function mtu(scene: Scene): Step {
  const { node, facts } = scene;
  const seen = [...crowdOf(scene).sizes].flatMap(([size, names]) => {
    const other = names.find((name) => name !== node.name);
    return other === undefined ? [] : [`${size} ${other}`];
  });
  return check(
    {
      id: 'preflight/mtu',
      title: 'Send packets as large as the other hosts do',
      why: 'The network plugin measures the network card and makes packets of pods that fit. Where one host sends larger ones than another takes, small questions are answered and large answers get lost: logins work, downloads hang.',
      see: ['man 8 ip-link'],
      clues: [
        {
          match: / has \d+, /,
          means:
            'the hosts do not agree on how large a packet may be: one has jumbo frames, or sits behind a tunnel',
          try: 'ip link show; set the same mtu on all hosts, where the system keeps it (netplan, /etc/network/interfaces, systemd.network)',
          diagnosis: 'H54',
        },
        {
          match: / has \d+$/,
          means: 'the network card sends packets too small to carry others inside',
          try: `ip link show; set its mtu to 1500, or to what your network takes, ${SMALLEST} at least`,
          diagnosis: 'H54',
        },
      ],
    },
    {
      read: sh`
        ${deviceOf(nodeAddress(node, facts))}
        mtu=$(ip -o link show dev "$device" | sed 's/.* mtu \([0-9]*\) .*/\1/')
        said=
        for other in ${seen}; do
          if [ "\${other% *}" != "$mtu" ]; then said="$device has $mtu, \${other#* } \${other% *}"; fi
        done
        if [ -n "$device" ] && [ "$mtu" -lt ${SMALLEST} ]; then said="$device has $mtu"; fi
        echo "\${said:-alike, and large enough}"`,
      want: 'alike, and large enough',
    },
  );
}
