import { controlPlanes, isFirstControlPlane, type VirtualAddress } from '../model/cluster.ts';
import { memberAddress } from '../model/member.ts';
import { nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { ENDPOINT_FILES, FILES } from './places.ts';

/** How what Landfall writes for keepalived begins. */
export const HEAD = '# Written by Landfall';

/** The device that takes the address up: what cluster.yaml says, else the one with the node's own address. */
export function deviceOf({ node, facts }: Scene, virtual: VirtualAddress): string {
  const own = memberAddress(node, facts);
  const carrier = facts.addresses.find(({ address }) => address === own);
  const byDefault = facts.routes.find(({ to }) => to === 'default');
  return virtual.interface ?? carrier?.device ?? byDefault?.device ?? 'eth0';
}

/** The addresses of the other control planes, in an order that does not depend on who leads. */
function peers({ cluster, node, hosts }: Scene): readonly string[] {
  return controlPlanes(cluster)
    .filter(({ name }) => name !== node.name)
    .map((other) => nodeAddress(other, hosts[other.name]))
    .toSorted();
}

/** How what holds a host back until it has joined begins; it ends at the next empty line. */
export const MEMBER_BEGINS = '# A host that is yet to join does not bid at all';

const MEMBER = `${MEMBER_BEGINS}.
vrrp_script member {
  script "/usr/bin/test -e ${FILES.initialised}"
  interval 1
  timeout 3
  fall 1
  rise 1
  init_fail
}

`;

/**
 * What keepalived is told. All hosts are told alike, so that the address stays where it is while its holder is well: one that has come
 * back has no better claim. A host that is well outbids one that is not by so much that nothing else counts. The first control plane
 * bids also while it is not well, for somebody must hold the address when the first API server is yet to be; the others bid nothing
 * until they are members.
 */
export function keepalivedText(scene: Scene, virtual: VirtualAddress): string {
  const { cluster, node, facts } = scene;
  const joins = !isFirstControlPlane(cluster, node);
  const device = deviceOf(scene, virtual);
  const others = peers(scene);
  // A list of nobody would be taken for everybody who listens to VRRP. This group is one nobody listens to (RFC 4727).
  const alone = others.length === 0 ? '  vrrp_mcast_group4 224.0.0.254\n' : '';
  const unicast =
    others.length === 0
      ? ''
      : `  unicast_src_ip ${nodeAddress(node, facts)}
  unicast_peer {
${others.map((address) => `    ${address}\n`).join('')}  }
`;
  return `${HEAD}: who holds ${virtual.address}, the endpoint of ${cluster.name}.
global_defs {
  router_id ${node.name}
  vrrp_version 3
${alone}  enable_script_security
  script_user nobody nogroup
}

# A host whose API server is ready bids 100, any other 40. Until it has shown itself ready it counts as not.
vrrp_script api_server {
  script ${ENDPOINT_FILES.apiReady}
  interval 1
  timeout 3
  fall 2
  rise 2
  weight 60
  init_fail
}

${joins ? MEMBER : ''}vrrp_instance endpoint {
  state BACKUP
  interface ${device}
  virtual_router_id ${virtual.routerId}
  priority 40
  advert_int 0.5
${unicast}  virtual_ipaddress {
    ${virtual.address}/32 dev ${device}
  }
  track_script {
    api_server
${joins ? '    member\n' : ''}  }
}
`;
}
