import type { Applied } from '../model/applied.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import { type Concern, forecastDrain, type Grave, movable, type Pod } from '../model/drain.ts';
import { led } from '../model/lead.ts';
import { memberAddress } from '../model/member.ts';
import { Problem } from '../model/problem.ts';
import { type Removal, removal } from '../model/quorum.ts';
import { appliedOf } from '../plan/applied.ts';
import { layOut, seat, type Work } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { parseRecords, type ScriptRecord } from '../shell/parse.ts';
import type { Host } from '../ssh/host.ts';
import type { Facts } from '../model/facts.ts';
import { leavePhases } from '../steps/leave-phases.ts';
import { leaveScript, parseLeave, type LeaveReading } from '../steps/leave-reading.ts';
import type { Phase, Scene } from '../steps/phase.ts';
import { recordSteps } from '../steps/record.ts';
import type { Step } from '../steps/step.ts';
import { heard } from './heard.ts';
import { begin, byPhase, carryPhases, end, fine, type Outcome, told } from './progress.ts';
import { backwards, checkOurs, guardsOf } from './reset.ts';
import { type Lease, takeLease } from './lease.ts';
import { plainScript } from './script.ts';
import { hostOf, meetAny, type Site, without } from './survey.ts';
import { followAll, type RunOptions, takeAll } from './take.ts';

/** A node that is to leave, and how. */
export interface Wish {
  readonly node: Node;
  /** The cluster as it is to be without it; of a node that is replaced, all others. */
  readonly rest: Cluster;
  /** What may be lost or broken. */
  readonly despite: readonly Grave[];
  /** Seconds the drain may take. */
  readonly limit: number;
  /** What the cluster is to remember as applied in the end; absent when an apply follows. */
  readonly record?: Cluster;
}

/** What a host is like whose node leaves: a member, a machine that is none (any more), or one that does not answer. */
export type HostState = 'member' | 'stranger' | 'away';

/** What leaving means, read before anything is done. */
export interface LeavePlan extends Wish {
  /** On which control plane the cluster is asked. */
  readonly seat: Node;
  /** Those of the hosts that stay. */
  readonly facts: Readonly<Record<string, Facts>>;
  readonly state: HostState;
  /** Whether the host is the one the cluster knows under that name: it carries that one's address. */
  readonly same: boolean;
  /** Why the host does not answer, when it does not. */
  readonly silence?: Problem;
  /** Why other hosts do not. */
  readonly away: readonly Problem[];
  readonly reading: LeaveReading;
  /** What the cluster says was applied to it. */
  readonly applied?: Applied;
  /** The pods that are moved. */
  readonly pods: readonly Pod[];
  readonly concerns: readonly Concern[];
  /** How etcd is without it; absent of a worker. */
  readonly removal?: Removal;
  /** What is done on the seat, on the host, and on the seat again. */
  readonly before: readonly Work[];
  readonly undos: readonly Work[];
  readonly after: readonly Work[];
  /** What the host must read before anything on it is taken back. */
  readonly guards: readonly Work[];
}

/**
 * Reads what it means for a node to leave. Nothing is changed anywhere.
 * @throws Problem `leave/no-seat` (exit 4) when no other control plane answers, `leave/silent` (exit 5) when the cluster does not,
 * `reset/not-ours` when the host is of another cluster, and Problems when no version fits.
 */
export async function planLeave(site: Site, wish: Wish): Promise<LeavePlan> {
  const { node, rest } = wish;
  const { facts, away } = await meetAny(site);
  const others = Object.fromEntries(Object.entries(facts).filter(([name]) => name !== node.name));
  const chair = seat({ cluster: rest, facts: others });
  if (chair === undefined || others[chair.name]?.member !== true) throw noSeat(node.name, away);
  const lock = site.resolve(site.cluster, facts, site.lock);
  const scene: Scene = {
    cluster: led(rest, others),
    lock,
    node: chair,
    facts: others[chair.name] as Facts,
    hosts: others,
  };
  const onSeat = (phase: Phase, steps: readonly Step[]): readonly Work[] =>
    steps.length === 0 ? [] : [{ phase, host: chair.name, steps }];
  const host = hostOf(site, chair.name);
  const said = await heard(
    host,
    plainScript(leaveScript(scene, node.name)),
    `what it would mean that ${node.name} leaves`,
  );
  const reading = parseLeave(said, chair.name, node.name);
  const silence = away.find(({ host }) => host === node.name);
  const state = stateOf(facts[node.name]);
  const address = memberAddress(node, facts[node.name]);
  const isPlane = node.role === 'control-plane';
  const peer = `https://${address ?? node.name}:2380`;
  const votes = isPlane ? removal(reading.members, node.name, peer) : undefined;
  const same = isSame(facts[node.name], reading, votes);
  // A join that was cut short near its end has made a node already, and pods may run there.
  const isNode = state === 'member' || (same && facts[node.name]?.remains?.includes('kubelet') === true);
  const drained = isNode && reading.node?.ready === true;
  const leaving = {
    name: node.name,
    drained,
    despite: wish.despite,
    limit: wish.limit,
    ...(isPlane ? { peer } : {}),
  };
  const [leave, forget] = leavePhases(leaving);
  const asked = onSeat(forget, recordSteps({ ...scene, cluster: site.cluster }));
  const applied = appliedOf(asked, await readAgain(host, asked));
  const recorded = wish.record === undefined ? [] : recordSteps({ ...scene, cluster: wish.record });
  const own = layOut(site.phases, { cluster: site.cluster, lock, facts }, 'always').filter(
    ({ host, phase }) => host === node.name && phase.stage === 'nodes',
  );
  const guards = guardsOf(own);
  if (state !== 'away') await checkOurs(site, guards);
  return {
    ...wish,
    seat: chair,
    facts: others,
    state,
    same,
    ...(silence === undefined ? {} : { silence }),
    away: away.filter((one) => one !== silence),
    reading,
    ...(applied === undefined ? {} : { applied }),
    pods: movable(reading),
    concerns: drained ? forecastDrain(reading) : [],
    ...(votes === undefined ? {} : { removal: votes }),
    before: onSeat(leave, leave.steps(scene)),
    undos: backwards(site.cluster, site.phases, own),
    after: onSeat(forget, [...forget.steps(scene), ...recorded]),
    guards,
  };
}

/** What the steps of some work read now. */
async function readAgain(host: Host, works: readonly Work[]): Promise<readonly ScriptRecord[]> {
  const steps = works.flatMap((work) => work.steps);
  return parseRecords(await heard(host, compile(steps, { mode: 'read', title: 'what was applied' }), steps));
}

function stateOf(facts: Facts | undefined): HostState {
  if (facts === undefined) return 'away';
  return facts.member === true ? 'member' : 'stranger';
}

function noSeat(name: string, away: readonly Problem[]): Problem {
  return new Problem({
    code: 'leave/no-seat',
    summary: `no control plane but ${name} answers that is a member of the cluster`,
    ...(away.length === 0 ? {} : { saw: away.map(({ summary }) => summary).join('\n') }),
    why: 'a node is taken out of a cluster by those that stay; the last control plane cannot leave',
    try: 'bring another control plane back; to take the whole cluster away: landfall reset',
    exit: away.length === 0 ? 5 : 4,
  });
}

/** @throws Problem `leave/joined` (exit 5) when the host has become a member since: nothing on it would be drained. */
async function checkStranger(site: Site, plan: LeavePlan): Promise<void> {
  const { node } = plan;
  const now = await planLeave(site, plan);
  if (now.state !== 'member' && isDrained(now) === isDrained(plan)) return;
  throw new Problem({
    code: 'leave/joined',
    host: node.name,
    summary: `${node.name} has become a member since it was read: nothing was taken back`,
    why: 'a join that an earlier run had begun went on without its operator; what runs there now has to be drained first',
    try: 'the same command again reads anew what it means',
    exit: 5,
  });
}

/** Whether its pods are moved first. */
function isDrained({ before }: LeavePlan): boolean {
  return before.some(({ steps }) => steps.some(({ id }) => id === 'leave/drained'));
}

/** Whether a host carries an address the cluster knows the node by. */
function isSame(facts: Facts | undefined, { node }: LeaveReading, of: Removal | undefined): boolean {
  const known = [node?.address, ...(of?.leaving ?? []).map(({ peer }) => /\/\/(.*):/.exec(peer)?.[1])];
  return facts?.addresses.some(({ address }) => known.includes(address)) === true;
}

/**
 * Has a node leave: drained and off the list of etcd's members, then everything taken back on its host, then forgotten by the cluster.
 * Begun again after it was cut short anywhere, it goes on from there.
 * @throws Problem `run/held`, `leave/joined` or `reset/not-ours` (exit 5) before anything is begun.
 */
export async function leave(given: RunOptions, plan: LeavePlan): Promise<Outcome> {
  const gone = plan.silence === undefined ? plan.away : [...plan.away, plan.silence];
  const options = { ...given, site: without(given.site, gone) };
  const holds = await takeAll(options);
  let lease: Lease | undefined;
  try {
    lease = await takeLease(options, plan.facts);
    await followAll(holds, options);
    if (plan.state === 'stranger') await checkStranger(options.site, plan);
    await checkOurs(options.site, plan.guards);
    const running = begin(options, [...plan.before, ...plan.undos, ...plan.after], holds, lease);
    await told(running, async () => {
      await carryPhases(running, byPhase(plan.before));
      if (fine(running)) await carryPhases(running, byPhase(plan.undos), 'undo');
      if (fine(running)) await carryPhases(running, byPhase(plan.after));
    });
    return end(running);
  } finally {
    await lease?.release();
    await Promise.all(holds.map((h) => h.release()));
  }
}
