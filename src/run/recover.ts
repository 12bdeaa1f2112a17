import pMap from 'p-map';
import { createHash } from 'node:crypto';
import { type Cluster, controlPlanes, type Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import type { Problem } from '../model/problem.ts';
import { type EtcdFound, type Loss, lossOf } from '../model/recovery.ts';
import { compare, settle } from '../plan/compare.ts';
import type { HostPlan, Plan } from '../plan/plan.ts';
import { layOut, type Work } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import type { Phase, Scene } from '../steps/phase.ts';
import { recoverPhases } from '../steps/recover-phases.ts';
import { parseRecover, recoverScript } from '../steps/recover-reading.ts';
import { heard } from './heard.ts';
import { begin, byPhase, carryPhases, end, fine, type Outcome, told } from './progress.ts';
import { choose, type RecoverWish } from './recover-refusals.ts';
import { backwards, checkOurs, guardsOf } from './reset.ts';
import { plainScript } from './script.ts';
import { AT_ONCE, hostOf, meetAny, type Site, without } from './survey.ts';
import { followAll, type RunOptions, takeAll } from './take.ts';

/** What a recovery means, read before anything is done. */
export interface RecoverPlan extends RecoverWish {
  /** The control plane out of whose data, or on whose host, etcd is begun anew. */
  readonly survivor: Node;
  /** The other control planes: none of them is a member any more. */
  readonly others: readonly Node[];
  readonly loss: Loss;
  readonly found: readonly EtcdFound[];
  /** Whether one that was cut short is gone on with. */
  readonly isAgain: boolean;
  /** Why hosts do not answer, of any role. */
  readonly away: readonly Problem[];
  /** How the steps read now. */
  readonly plan: Plan;
  /** What is done first, on the other hosts and then on the survivor. */
  readonly before: readonly Work[];
  /** What is taken back on the other hosts when the cluster answers again. */
  readonly undos: readonly Work[];
  readonly after: readonly Work[];
  readonly guards: readonly Work[];
}

/** What makes a host a control plane, which is all that is taken back on one that is to join anew. */
const MEMBERSHIP = new Set(['control-plane', 'join-control-plane']);

/**
 * Reads what is left of etcd, and what recovering it means. Nothing is changed anywhere.
 * @throws Problem when there is nothing to recover or nothing to recover from (see `recover-refusals.ts`), `reset/not-ours` when a
 * host is of another cluster, and Problems when no version fits.
 */
export async function planRecover(site: Site, wish: RecoverWish): Promise<RecoverPlan> {
  const begun = Date.now();
  const { facts, away } = await meetAny(site);
  const planes = controlPlanes(site.cluster);
  const asked = planes.filter(({ name }) => facts[name] !== undefined);
  const found = await pMap(
    asked,
    async (node) => {
      const said = await heard(
        hostOf(site, node.name),
        plainScript(recoverScript({ node })),
        'what is left of its etcd',
      );
      return parseRecover(said, node.name);
    },
    { concurrency: AT_ONCE },
  );
  const loss = lossOf(
    found,
    planes.map(({ name }) => name),
  );
  const survivor = choose({ wish, planes, found, loss, away });
  const others = planes.filter((node) => node !== survivor);
  const lock = site.resolve(site.cluster, facts, site.lock);
  // The survivor leads: the others are what joins it.
  const cluster: Cluster = {
    ...site.cluster,
    nodes: [survivor, ...site.cluster.nodes.filter((node) => node !== survivor)],
  };
  const own = layOut(site.phases, { cluster, lock, facts }, 'always').filter(({ host }) =>
    asked.some(({ name }) => name === host),
  );
  const guards = guardsOf(own);
  await checkOurs(site, guards);
  // Also one whose etcd has no data: it would wait for members that are no more, or serve an empty cluster beside the new one.
  const isOld = ({ name, plane, data }: EtcdFound): boolean => name !== survivor.name && (plane || data);
  const old = found.filter(isOld).map(({ name }) => name);
  const recovering = {
    others: others.map(({ name }) => name),
    known: Math.max(0, ...found.map(({ revision = 0 }) => revision)),
    ...(wish.snapshot === undefined ? {} : { snapshot: wish.snapshot }),
  };
  const [look, stop, recover, ending] = recoverPhases(recovering);
  const on = (phase: Phase, node: Node): Work => {
    const scene: Scene = { cluster, lock, node, facts: facts[node.name] as Facts, hosts: facts };
    return { phase, host: node.name, steps: phase.steps(scene) };
  };
  const before = [
    on(look, survivor),
    ...others.filter(({ name }) => old.includes(name)).map((node) => on(stop, node)),
    on(recover, survivor),
  ];
  const after = [on(ending, survivor)];
  const undone = own.filter(({ host, phase }) => old.includes(host) && MEMBERSHIP.has(phase.id));
  return {
    ...wish,
    survivor,
    others,
    loss,
    found,
    isAgain: found.some((one) => one.name === survivor.name && one.begun !== undefined),
    away,
    plan: await readPlan(site, [...before, ...after], { lock, facts, begun }),
    before,
    undos: backwards(cluster, site.phases, undone),
    after,
    guards,
  };
}

/** How the steps of a recovery read now, as a plan. */
async function readPlan(
  site: Site,
  works: readonly Work[],
  known: { readonly lock: Lock; readonly facts: Readonly<Record<string, Facts>>; readonly begun: number },
): Promise<Plan> {
  const nodes = site.cluster.nodes.filter(({ name }) => works.some(({ host }) => host === name));
  const read = await pMap(nodes, async ({ name }) => {
    const own = works.filter(({ host }) => host === name);
    const steps = own.flatMap((work) => work.steps);
    const script = compile(steps, { mode: 'read', title: `${site.cluster.name} · ${name} · readings` });
    return compare(own, parseRecords(await heard(hostOf(site, name), script, steps)));
  });
  return {
    format: '1.0',
    cluster: site.cluster.name,
    lock: known.lock,
    source: createHash('sha256').update(site.source).digest('hex'),
    hosts: settle(read).map((findings, i): HostPlan => {
      const { name = '', address = '' } = nodes[i] ?? {};
      return { host: name, address, facts: known.facts[name] as Facts, findings };
    }),
    at: new Date(known.begun).toISOString(),
    ms: Date.now() - known.begun,
    trips: nodes.length * 3,
  };
}

/**
 * Begins etcd anew: what is left of the old control plane ends, one member is made out of the survivor's data or a snapshot, and once
 * its API server answers the other hosts are cleared and forgotten. Begun again after it was cut short anywhere, it goes on from there.
 * @throws Problem `run/held` or `reset/not-ours` (exit 5) before anything is begun.
 */
export async function recover(given: RunOptions, plan: RecoverPlan): Promise<Outcome> {
  const options = { ...given, site: without(given.site, plan.away) };
  const holds = await takeAll(options);
  try {
    await followAll(holds, options);
    await checkOurs(options.site, plan.guards);
    const running = begin(options, [...plan.before, ...plan.undos, ...plan.after], holds);
    await told(running, async () => {
      await carryPhases(running, byPhase(plan.before));
      if (fine(running)) await carryPhases(running, byPhase(plan.undos), 'undo');
      if (fine(running)) await carryPhases(running, byPhase(plan.after));
    });
    return end(running);
  } finally {
    await Promise.all(holds.map((h) => h.release()));
  }
}
