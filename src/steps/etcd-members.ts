import { joiningControlPlanes, type Node } from '../model/cluster.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { asked, kubectl, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import type { Clue, Probe, Step } from './step.ts';

const ETCD = 'https://etcd.io/docs/latest/op-guide/runtime-configuration/';

/** etcdctl in etcd's own pod on the node asked, with the certificate kubeadm made for such questions. */
export function etcdctl(scene: Scene): Shell {
  const at = '/etc/kubernetes/pki/etcd';
  return sh`${kubectl(scene)} -n kube-system exec ${`etcd-${scene.node.name}`} -- etcdctl --cacert=${`${at}/ca.crt`} --cert=${`${at}/healthcheck-client.crt`} --key=${`${at}/healthcheck-client.key`}`;
}

/** A line each member as etcdctl writes it, `ID, started, NAME, PEER, CLIENT, IS LEARNER`; then one for each that votes, whether it is healthy. */
export function members(scene: Scene): Probe {
  const ask = etcdctl(scene);
  return asked(
    scene,
    'etcd_members',
    sh`
      list=$(${ask} --endpoints=https://127.0.0.1:2379 member list) || return
      printf '%s\n' "$list"
      voters=$(printf '%s\n' "$list" | awk -F ', ' '$2 == "started" && $6 == "false" { print $5 }' | paste -sd , -)
      ${ask} --endpoints="$voters" endpoint health 2>&1 || :`,
  );
}

/** In awk: `voters` counts who has a vote, `well` those of them that answer; `bad` names those that do not. */
const COUNT = sh`
  $2 == "started" && $6 == "false" { voters++; name[$5] = $3 }
  $2 == "unstarted" && $6 == "false" { voters++; bad = bad " " $4 }
  / is healthy: / { well++ }
  / is unhealthy: / { split($0, p, " is unhealthy: "); bad = bad " " (p[1] in name ? name[p[1]] : p[1]) }`;

const CLUES: readonly Clue[] = [
  {
    match: /^not healthy: /,
    means:
      'a member of etcd does not answer; with another one added, fewer losses would be borne than before',
    try: 'bring that host back; when it is gone for good, or does not come up again: landfall node replace, or node remove, with its name',
    diagnosis: 'H65',
  },
  ...API_CLUES,
];

/** On the seat, before any control plane joins: nothing of an earlier try is left in etcd, and all that vote are well. */
export function quorumSteps(scene: Scene): readonly Step[] {
  const joining = joiningControlPlanes(scene.cluster);
  return joining.length === 0 ? [] : [staleMembers(scene, joining), healthy(scene)];
}

/**
 * What a join that was cut short, or a host that was reset, has left in etcd; the host begins anew, and must not be taken for what it
 * was. One that votes is among them only when it does not answer and its host has none of its data: it can never come back.
 */
function staleMembers(scene: Scene, joining: readonly Node[]): Step {
  const { hosts } = scene;
  // A host that was not asked may well be a member.
  const yetToJoin = joining.flatMap((node) => {
    const facts = hosts[node.name];
    if (facts === undefined || facts.member === true) return [];
    return [
      { peer: `https://${nodeAddress(node, facts)}:2380 `, keeps: facts.remains?.includes('etcd') === true },
    ];
  });
  const peers = yetToJoin.map(({ peer }) => peer).join('');
  const kept = yetToJoin.flatMap(({ peer, keeps }) => (keeps ? [peer] : [])).join('');
  const stale = sh`
    awk -F ', ' -v peers=${peers} -v kept=${kept} '
      $4 != "" && index(peers, $4 " ") && !($6 == "false" && index(kept, $4 " ")) {
        id[$4] = $1; if ($2 == "started" && $6 == "false") voter[$5] = $4
      }
      / is healthy: / { split($0, p, " is healthy: "); if (p[1] in voter) delete id[voter[p[1]]] }
      END { for (peer in id) print id[peer], "of", peer }' | sort`;
  return {
    id: 'join/no-stale-members',
    title: 'Leave no member in etcd whose host is yet to join',
    why: 'A join that was cut short has entered its host into the list of members already. There it counts when votes are counted, and cannot vote.',
    see: [ETCD],
    after: ['control-plane/api-ready'],
    disturbs: 'data',
    probes: [members(scene)],
    read: sh`
      said=$(probe etcd_members)
      case $said in
        *healthy:*)
          {
            printf '%s\n' "$said" | ${stale}
          } | grep . || echo none ;;
        *) echo 'etcd does not answer' ;;
      esac`,
    want: 'none',
    make: sh`for id in $(
        probe etcd_members | ${stale} | cut -d ' ' -f 1
      ); do ${etcdctl(scene)} --endpoints=https://127.0.0.1:2379 member remove "$id"; done`,
    clues: CLUES,
  };
}

function healthy(scene: Scene): Step {
  const { away = [], hosts } = scene;
  const isToJoin = joiningControlPlanes(scene.cluster).some(
    ({ name }) => hosts[name] !== undefined && hosts[name].member !== true,
  );
  // Where nobody is to join, a member whose host does not answer is told of as that host is.
  const known =
    isToJoin || away.length === 0
      ? sh``
      : sh` | awk -F ', ' -v away=${` ${away.join(' ')} `} '$2 == "started" && index(away, " " $3 " ") { gone[$5] = 1; next } { split($0, p, " is unhealthy: ") } !(p[1] in gone)'`;
  return check(
    {
      id: 'join/quorum',
      title: 'Have every member of etcd well before another one comes',
      why: 'etcd goes on while more than half of its members do. Each one that is added raises what half means, also when it never comes up; so nothing is added while one of them is away.',
      see: [ETCD],
      after: ['control-plane/api-ready', 'join/no-stale-members'],
      within: 60,
      awaits: 'every member of etcd to answer',
      probes: [members(scene)],
      clues: CLUES,
    },
    {
      read: sh`
        probe etcd_members${known} | awk -F ', ' '${COUNT}
          END { if (!voters) print "etcd does not answer"; else if (bad != "" || well < voters) print "not healthy:" bad; else print "all healthy" }'`,
      want: 'all healthy',
    },
  );
}

/** On a control plane that has joined: its member is no learner any more, and all that vote are well. */
export function votingStep(scene: Scene): Step {
  const { name } = scene.node;
  return check(
    {
      id: 'join/etcd-member',
      title: 'Have a vote in etcd',
      why: 'A new member first learns what the others know, and votes when it has caught up. Until then it bears no loss; so the next control plane waits for this one.',
      see: ['https://etcd.io/docs/latest/learning/design-learner/'],
      after: ['join/api-ready', 'join/quorum'],
      within: 180,
      awaits: 'etcd to give the new member a vote',
      probes: [members(scene)],
      clues: CLUES,
    },
    {
      read: sh`
        probe etcd_members | awk -F ', ' -v own=${name} '${COUNT}
          $2 == "started" && $3 == own { state = $6 == "true" ? own " still learns" : own " votes" }
          END {
            if (!voters) print "etcd does not answer"
            else if (bad != "" || well < voters) print "not healthy:" bad
            else print (state == "" ? own " is no member" : state)
          }'`,
      want: `${name} votes`,
    },
  );
}
