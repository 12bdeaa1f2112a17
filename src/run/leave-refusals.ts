import { type Grave, unanswered } from '../model/drain.ts';
import { Problem } from '../model/problem.ts';
import type { Removal } from '../model/quorum.ts';
import type { LeavePlan } from './leave.ts';

/**
 * Whether the cluster sees this node alive on a host that is not the one before us: then it is not gone, and nothing may be taken
 * from it.
 */
export function isSeenAlive({
  state,
  same,
  reading,
  removal: of,
}: Pick<LeavePlan, 'state' | 'same' | 'reading' | 'removal'>): boolean {
  if (state === 'member' || same) return false;
  return reading.node?.ready === true || of?.leaving.some(({ well }) => well) === true;
}

/** Why it cannot be done as things are; empty when it can. */
export function refusals(plan: LeavePlan): readonly Problem[] {
  const { node, removal: of } = plan;
  return [
    ...(isSeenAlive(plan) ? [stillAlive(plan)] : []),
    ...(of?.fault === undefined ? [] : [badQuorum(node.name, of)]),
    ...lossOf(plan),
  ];
}

function stillAlive({ node, silence, state }: LeavePlan): Problem {
  return new Problem({
    code: 'leave/alive',
    host: node.name,
    summary:
      state === 'away'
        ? `${node.name} does not answer here, yet the cluster sees it alive`
        : `the host of ${node.name} is no member, yet the cluster sees a living node of that name`,
    ...(silence === undefined ? {} : { saw: silence.summary }),
    why: 'a node that runs would lose its pods and its vote while it works; only one that is dead may be left to itself',
    try:
      state === 'away'
        ? 'mend the way to it, then the same command again drains it first; a host that has just died is noticed by the cluster within a minute'
        : 'look at the address in cluster.yaml: another machine carries the name',
    exit: 5,
  });
}

function badQuorum(name: string, { before, after, fault }: Removal): Problem {
  const why = {
    lost: 'etcd has lost its majority: no list of members can be changed any more',
    last: 'it is the last member of etcd, and everything the cluster knows is on it',
    few: `etcd would stop: of ${after.voting} that vote ${after.well} would be well, and ${after.needed} are needed`,
    unwell: 'another member is not well: with this one gone, too, the next loss would be one too many',
  } as const;
  const hints = {
    lost: 'bring as many members back as make a majority: landfall status says which are away; when they are gone for good: landfall recover',
    last: 'landfall reset takes the whole cluster away',
    few: 'bring back the members that are not well first',
    unwell: 'landfall node replace, or node remove, of the one that is not well comes first',
  } as const;
  return new Problem({
    code: 'leave/quorum',
    summary: `${name} cannot be taken out of etcd`,
    saw: `${before.voting} voting, ${before.well} well, ${before.needed} needed`,
    why: why[fault ?? 'lost'],
    try: hints[fault ?? 'lost'],
    exit: 5,
  });
}

const LOSS: Readonly<Record<Grave, readonly [summary: string, why: string, hint: string]>> = {
  budget: [
    'a PodDisruptionBudget would hold the drain up',
    'it lets none of its pods go as they are now',
    'one more replica, or have those there are become ready',
  ],
  unmanaged: [
    'pods that nobody would make again would be lost',
    'no controller has made them',
    'make them by a Deployment, or note how they were made',
  ],
  emptydir: [
    'data in emptyDir volumes would be lost',
    'such a volume goes with its pod',
    'have it copied, or let its owner say that it is a cache',
  ],
  volume: [
    'volumes that lie on this node would be out of reach',
    'a local volume cannot be mounted anywhere else',
    'move what is in them first',
  ],
  nowhere: [
    'the pods would find no other node',
    'none that is ready takes ordinary pods',
    'add a worker first: landfall node add; or let a control plane take workloads',
  ],
};

function lossOf({ node, concerns, despite }: LeavePlan): readonly Problem[] {
  const open = unanswered(concerns, despite);
  return Object.entries(LOSS).flatMap(([kind, [summary, why, hint]]) => {
    const those = open.filter((one) => one.kind === kind);
    if (those.length === 0) return [];
    const saw = those
      .filter(({ what }) => what !== '')
      .map(({ what, owner, by }) =>
        [
          what,
          ...(owner === undefined ? [] : [`of ${owner}`]),
          ...(by.length === 0 ? [] : [`(${by.join(', ')})`]),
        ].join(' '),
      );
    return [
      new Problem({
        code: `leave/${kind}`,
        summary: `${summary} when ${node.name} is drained`,
        ...(saw.length === 0 ? {} : { saw: saw.join('\n') }),
        why,
        try: `${hint}; to go on all the same: --despite ${kind}`,
        exit: 5,
      }),
    ];
  });
}
