import type { Lock } from '../model/lock.ts';
import { isEmpty } from '../plan/plan.ts';
import { isUnanswered } from '../plan/unanswered.ts';
import { type Choice, layOut, OPERATOR, seat, type Work } from '../plan/work.ts';
import { digests } from '../steps/images.ts';
import {
  begin,
  byPhase,
  carryAnyway,
  carryPhases,
  end,
  fine,
  type Outcome,
  type Running,
  told,
} from './progress.ts';
import { type Lease, takeLease } from './lease.ts';
import { pause } from './patience.ts';
import { plainScript } from './script.ts';
import { hostOf, type Site, type Survey, survey, without } from './survey.ts';
import { followAll, now, patientSite, type RunOptions, takeAll } from './take.ts';
import { isTold, type Open, open, unsettled } from './unsettled.ts';

/** How a cluster is made as it should be. */
export interface ApplyOptions extends RunOptions {
  /** What was read and shown. It is read anew when another operator's work had to be followed first, or has made members or taken them back since. */
  readonly survey: Survey;
  readonly choice: Choice;
  /** `changed`: prove the cluster when something was made; `always`; or `never`. */
  readonly proof: 'changed' | 'always' | 'never';
  /** Called once the hosts are ours and before anything is made. */
  readonly onBegin?: (survey: Survey) => void;
}

/** How an apply ended. */
export interface Applied extends Outcome {
  /** The readings after the run; absent when it did not come to its end. */
  readonly after?: Survey;
  /** The digests of the control plane's images, when this run was the first to have them all: for the lock to keep. */
  readonly images?: Lock['images'];
}

/**
 * Makes true what the survey found otherwise: takes the hosts, follows what an earlier run left going on, carries the
 * phases out in order from the first that has something to do, reads everything again, and proves the cluster from outside.
 * Hosts the survey did not reach are left out, and told of in the end. Whatever goes wrong once it has begun, of a step or of the
 * way to a host, is in the outcome and in the events.
 * @throws Problem `run/held` (exit 5), of a host or of the cluster, before anything is begun.
 */
export async function apply(given: ApplyOptions): Promise<Applied> {
  const { away } = given.survey;
  const options = { ...given, site: without(given.site, away) };
  const holds = await takeAll(options);
  let lease: Lease | undefined;
  try {
    lease = await takeLease(options, given.survey.facts);
    const isFollowed = await followAll(holds, options);
    // What was read before the hosts were ours may be of another cluster by now: somebody may have come to the end of another apply, and
    // one that has lost its lead since would be made twice.
    const isOld =
      isFollowed ||
      holds.some(({ host, isMember }) => isMember !== (given.survey.facts[host.name]?.member === true)) ||
      (lease !== undefined && lease.lastRun !== given.survey.plan.applied?.last.run);
    const before =
      isOld && !options.stop.soon.aborted
        ? await survey(patientSite(options), options.choice)
        : options.survey;
    options.onBegin?.(before);
    const running = begin(options, before.works, holds, lease);
    const after = await told(running, async () => {
      await carryPhases(running, toDo(before));
      const verified = fine(running) ? await verify(running, options, before) : undefined;
      if (fine(running) && proofIsDue(options, running)) await prove(running, verified ?? before);
      return verified;
    });
    const images =
      after === undefined || !fine(running)
        ? undefined
        : await told(running, () => imagesOf(options.site, after));
    running.problems.push(...away);
    return {
      ...end(running),
      ...(after === undefined ? {} : { after }),
      ...(images === undefined ? {} : { images }),
    };
  } finally {
    await lease?.release();
    await Promise.all(holds.map((h) => h.release()));
  }
}

/** Asks the seat which images it has, when the lock does not know them yet. */
async function imagesOf(site: Site, { plan, facts }: Survey): Promise<Lock['images'] | undefined> {
  const node = seat({ cluster: site.cluster, facts });
  if (node === undefined || Object.keys(plan.lock.images).length > 0) return undefined;
  const out = await hostOf(site, node.name).run(
    plainScript(digests({ cluster: site.cluster, lock: plan.lock })),
  );
  const pairs = out.stdout.split('\n').map((line) => line.split(' '));
  const found = pairs.flatMap(([name, digest]) =>
    name !== undefined && digest?.startsWith('sha256:') ? [[name, digest]] : [],
  );
  return found.length === 0 ? undefined : (Object.fromEntries(found) as Lock['images']);
}

function proofIsDue(options: ApplyOptions, running: Running): boolean {
  return (
    options.proof === 'always' ||
    (options.proof === 'changed' && running.made.some(({ host }) => host !== OPERATOR))
  );
}

/**
 * Everything from the first phase with something to do: what comes after a change may be changed by it. What is asked here, on
 * the operator's machine, is in no plan: it is asked when the phase after it has something to do, which leans on it.
 */
function toDo({ plan, works }: Survey): readonly (readonly Work[])[] {
  const openPhases = new Set(open(plan).map(({ phase }) => phase));
  const phases = byPhase(works);
  const isOpen = (group: readonly Work[] | undefined): boolean => openPhases.has(group?.[0]?.phase.id ?? '');
  const first = phases.findIndex(isOpen);
  return phases.filter(
    (group, i) =>
      (first >= 0 && i >= first) || (group[0]?.phase.stage === 'operator' && isOpen(phases[i + 1])),
  );
}

/**
 * How often all is read again at most, for what may pass: before each of these looks, an API server that gave no answer is left in peace
 * for so many seconds. A dozen hosts that have just joined are busy for a minute.
 */
const PEACE = [10, 20, 40] as const;

/**
 * Reads everything again: a run is done when nothing is left to do. What has been made may still take its effect, as when kubelet
 * notices seconds later that the runtime was started anew: what can only be waited for is waited for, and all is read once more, a few
 * times. And where many hosts ask at once, a small API server may be too busy to answer all of them: what it gave no answer about is no
 * known difference, nothing is made for it, and all is read once more.
 */
async function verify(running: Running, options: ApplyOptions, before: Survey): Promise<Survey> {
  const look = (): Promise<Survey> =>
    survey({ ...patientSite(options), lock: before.plan.lock }, options.choice);
  let again = await look();
  for (const seconds of PEACE) {
    const lacking = open(again.plan).filter((f) => f.forecast !== 'wrong' && isTold(f));
    if (isEmpty(again.plan) || !lacking.every(isUnanswered)) break;
    if (lacking.length > 0) {
      options.on({ is: 'notice', at: now(), code: 'run/looks-again', text: inPeace(lacking, seconds) });
      await pause(seconds * 1000, options.stop.soon);
    } else await carryPhases(running, toDo(again));
    if (!fine(running)) return again;
    again = await look();
  }
  if (!isEmpty(again.plan)) running.problems.push(unsettled(open(again.plan)));
  return again;
}

function inPeace(lacking: readonly Open[], seconds: number): string {
  const hosts = [...new Set(lacking.map(({ host }) => host))].join(', ');
  return `${hosts}: the API server gave no answer in time when all was read at the end; all is read again in ${seconds} s`;
}

/**
 * Proves the cluster from inside and outside. Its last phase takes away what the proof put there, whatever came before:
 * a check that failed, or the operator's wish to stop.
 */
async function prove(running: Running, { plan, facts }: Survey): Promise<void> {
  const { site } = running.options;
  const phases = byPhase(layOut(site.phases, { cluster: site.cluster, lock: plan.lock, facts }, 'changed'));
  try {
    await carryPhases(running, phases.slice(0, -1));
  } finally {
    await carryAnyway(running, phases.slice(-1));
  }
}
