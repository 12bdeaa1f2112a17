import { controlPlanes } from '../model/cluster.ts';
import { sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { etcdctl } from './etcd-members.ts';
import { check } from './kinds/check.ts';
import { nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Probe, Step } from './step.ts';

/**
 * Whether etcd counts on the vote of this host though its join has not come to its end: `votes` or `no vote`, nothing when etcd does not
 * say. It is asked on the lead: a member cannot know of itself that it was taken off the list.
 */
export function standing(scene: Scene): Probe {
  const { cluster, node, facts, hosts } = scene;
  const lead = controlPlanes(cluster)[0] ?? node;
  const ask = etcdctl({ ...scene, node: lead, facts: hosts[lead.name] ?? facts });
  return {
    name: 'standing',
    run: sh`
      if [ -e ${FILES.initialised} ] || ! [ -d /var/lib/etcd/member ]; then echo 'no vote'
      elif list=$(${ask} --endpoints=https://127.0.0.1:2379 member list); then
        printf '%s\n' "$list" | awk -F ', ' -v name=${node.name} -v peer=${`https://${nodeAddress(node, facts)}:2380`} '
          $6 == "false" && ($3 == name || $4 == peer) { votes = 1 }
          END { print votes ? "votes" : "no vote" }'
      fi`,
  };
}

/** Before anything of an earlier try is touched: a vote that etcd counts on is never taken back by a join. */
export function standingKnown(scene: Scene): Step {
  return check(
    {
      id: 'join/standing',
      title: 'Know whether etcd counts on this host already',
      why: 'A join that was cut short may have been given its vote by then. Taken back it would be missed whenever votes are counted: of two voters, it is the majority. Only etcd’s own list says so.',
      see: ['https://etcd.io/docs/latest/learning/design-learner/'],
      within: 90,
      awaits: 'etcd to say whether this host votes',
      probes: [standing(scene)],
      clues: [
        {
          match: /^etcd does not say/,
          means:
            'a join was cut short here, and etcd cannot be asked whether this host has a vote: most of its members are away, or the lead’s API server does not answer',
          try: 'landfall status says which control planes are away; bring them back, then landfall apply. When this host is the one that does not come up again: landfall node replace with its name',
          diagnosis: 'H65',
        },
        ...API_CLUES,
      ],
    },
    {
      read: sh`case $(probe standing) in votes | 'no vote') echo known ;; *) echo 'etcd does not say' ;; esac`,
      want: 'known',
    },
  );
}
