import { controlPlanes, type VirtualAddress } from '../model/cluster.ts';
import { sh } from '../shell/sh.ts';
import { ownHaproxy } from './balance.ts';
import { deviceOf, HEAD } from './keepalived-text.ts';
import { check } from './kinds/check.ts';
import { onlyOurs } from './kinds/ours.ts';
import type { Scene } from './phase.ts';
import { ENDPOINT_FILES } from './places.ts';
import type { Step } from './step.ts';
import { heldHere, neighbour, virtualOf } from './virtual-address.ts';

/** What only the network can tell: that the address belongs into it, and is nobody else's. */
export function virtualAddressChecks(scene: Scene): readonly Step[] {
  const virtual = virtualOf(scene);
  return virtual === undefined ? [] : [place(scene, virtual), ownKeepalived(virtual), ...ownHaproxy(virtual)];
}

const FIT = 'in the network of the host, and nobody else has it';

function place(scene: Scene, virtual: VirtualAddress): Step {
  const { cluster, hosts, node } = scene;
  const { address } = virtual;
  const device = deviceOf(scene, virtual);
  const planes = controlPlanes(cluster);
  const known = planes.flatMap(({ name }) => hosts[name] ?? []);
  // A holder that was not asked would be taken for a stranger.
  const ours = known.length < planes.length ? [] : known.flatMap(({ links }) => links.map(({ mac }) => mac));
  const others = planes.filter(
    ({ name }) =>
      name !== node.name && (hosts[name]?.addresses.some((one) => one.address === address) ?? false),
  );
  return check(
    {
      id: 'preflight/virtual-address',
      title: `Have ${address} to give`,
      why: 'The address is found by a question to the whole network segment: who has it? A host of another segment never hears that question, and where two answer, each has half of the connections. So it must lie in a network all control planes share, and belong to nobody else.',
      see: ['https://www.rfc-editor.org/rfc/rfc5798'],
      clues: [
        {
          match: /^there is no device /,
          means: `the host has no network device ${device}`,
          try: 'ip -brief link shows which there are; name the right one under endpoint.interface in cluster.yaml, or leave it out',
        },
        {
          match: /^in no network of /,
          means: 'the device has no address in a network that the virtual address is of',
          try: 'choose endpoint.virtualIP from the network shown; or name the device that is in its network under endpoint.interface',
        },
        {
          match: /^(the first|the last) address of /,
          means: 'the first address of a network names the network, the last one calls all of its hosts',
          try: 'choose another endpoint.virtualIP',
        },
        {
          match: /^somebody else has it/,
          means: 'a machine that is no control plane of this cluster answers for the address',
          try: 'choose another endpoint.virtualIP, which no machine has and DHCP does not give out',
        },
        {
          match: /^held here and by /,
          means: 'two hosts hold the address, because they do not hear each other',
          try: 'let VRRP (IP protocol 112) pass between all control planes, both ways; journalctl -u keepalived tells since when',
        },
      ],
    },
    {
      read: sh`
        if ! ip link show dev ${device} >/dev/null 2>&1; then echo ${`there is no device ${device}`}
        else
          said=$(ip -4 -o addr show dev ${device} | awk -v own=${address} -v device=${device} '
            function number(text, o) { split(text, o, "."); return ((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4] }
            { split($4, a, "/"); if (a[1] == own || a[2] > 30) next
              all = all " " $4; size = 2 ^ (32 - a[2]); first = int(number(a[1]) / size) * size; at = number(own) - first
              if (at < 0 || at >= size) next
              found = at == 0 ? "the first address of " $4 : at == size - 1 ? "the last address of " $4 : "fit" }
            END { print found == "" ? "in no network of " device ", which has" all : found }')
          if [ "$said" = fit ]; then
            if ${heldHere(address)}; then
              for other in ${others.map(({ name }) => name)}; do said="held here and by $other"; done
            else
              ${neighbour(address, device)}
              ours=${ours.join(' ')}
              case " $ours " in '  ' | *" $mac "*) ;; *) [ -z "$mac" ] || said="somebody else has it: $mac" ;; esac
            fi
          fi
          if [ "$said" = fit ]; then echo ${FIT}; else echo "$said"; fi
        fi`,
      want: FIT,
    },
  );
}

function ownKeepalived({ address }: VirtualAddress): Step {
  return onlyOurs(
    {
      id: 'preflight/keepalived',
      title: 'Have no other use for keepalived',
      why: `keepalived reads one file. Where a host moves addresses of yours by it already, Landfall would have to write ${address} into your file, or put its own in place of it.`,
      see: ['https://www.keepalived.org/manpage.html'],
    },
    ENDPOINT_FILES.keepalived,
    HEAD,
    'take another host; or, when that file is needed no more, move it away and stop keepalived',
  );
}
