import type { Node } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import { holds } from '../model/quorum.ts';
import type { EtcdFound, Loss } from '../model/recovery.ts';
import { ETCD_FILES, ETCD_MANIFEST } from '../steps/places.ts';

/** How etcd is to be recovered. */
export interface RecoverWish {
  /** Out of this control plane's data, or on its host; absent, the one whose data are newest. */
  readonly from?: string;
  /** Out of a snapshot, a file on that host, in place of the data there. */
  readonly snapshot?: string;
  /** Also while a majority could come back by itself. */
  readonly despiteMajority: boolean;
}

/** What is known when the survivor is chosen. */
export interface Question {
  readonly wish: RecoverWish;
  readonly planes: readonly Node[];
  readonly found: readonly EtcdFound[];
  readonly loss: Loss;
  readonly away: readonly Problem[];
}

/**
 * Chooses the control plane out of which etcd is begun anew.
 * @throws Problem when none is there or the one that is meant cannot be (`recover/unknown`, exit 2; `recover/silent`, exit 4;
 * `recover/no-plane` and `recover/no-data`, exit 5), another recovery is under way (`recover/begun`, exit 5), nothing is lost (`recover/healthy`, exit 5), or
 * enough is left for a majority (`recover/majority`, exit 5).
 */
export function choose(question: Question): Node {
  const { wish, planes, found, loss } = question;
  const again = found.find(({ begun }) => begun !== undefined);
  if (again !== undefined && wish.from !== undefined && wish.from !== again.name)
    throw underWay(again, wish.from);
  const name = again?.name ?? wish.from ?? newest(question);
  const node = planes.find((one) => one.name === name);
  if (node === undefined) throw unknown(name, planes);
  const chosen = found.find((one) => one.name === name);
  if (chosen === undefined) throw silent(name, question.away);
  if (again !== undefined) return node;
  const well = found.find((one) => one.well);
  if (well !== undefined) throw healthy(well.name);
  if (holds(loss.ballot) && !wish.despiteMajority) throw majority(loss);
  if (!chosen.plane) throw noPlane(name);
  if (!chosen.data && wish.snapshot === undefined) throw noData(chosen, loss);
  return node;
}

/** Where the newest data are; for a snapshot, any control plane that answers and was one will do. */
function newest({ found, loss, wish, away }: Question): string {
  const first =
    loss.survivors[0] ??
    (wish.snapshot === undefined ? undefined : (found.find(({ plane }) => plane) ?? found[0]));
  if (first !== undefined) return first.name;
  const anew = found.find((one) => one.anew);
  if (anew !== undefined) throw noData(anew, loss);
  throw new Problem({
    code: 'recover/no-survivor',
    summary: 'no control plane answers that has etcd’s data',
    ...(away.length === 0 ? {} : { saw: away.map(({ summary }) => summary).join('\n') }),
    why: 'what the cluster knew is in those data alone, or in a snapshot of them',
    try: 'bring one of the old control planes back with its disk; or landfall recover --from NODE --snapshot FILE on a host that has the cluster’s keys',
    exit: away.length === 0 ? 5 : 4,
  });
}

function unknown(name: string, planes: readonly Node[]): Problem {
  return new Problem({
    code: 'recover/unknown',
    summary: `there is no control plane called ${name}`,
    try: `--from one of ${planes.map((one) => one.name).join(', ')}`,
    exit: 2,
  });
}

function silent(name: string, away: readonly Problem[]): Problem {
  const own = away.find(({ host }) => host === name);
  return new Problem({
    code: 'recover/silent',
    host: name,
    summary: `${name} does not answer, so nothing can be made of its data`,
    ...(own === undefined ? {} : { saw: own.summary }),
    try: own?.try ?? 'another one: landfall recover --from',
    exit: 4,
  });
}

function noPlane(name: string): Problem {
  return new Problem({
    code: 'recover/no-plane',
    host: name,
    summary: `${name} is not a control plane of this cluster, or has lost more than etcd’s data`,
    saw: `neither ${ETCD_MANIFEST} nor what a recovery would have set aside is there`,
    why: 'a snapshot has the objects. The keys every node and every token is known by, and the files by which kubelet runs the control plane, lie beside etcd on the host, and no snapshot has them',
    try: 'another control plane that has them: landfall recover --from; or put /etc/kubernetes back from a backup of a control plane, and kubelet and the runtime with landfall apply --only packages --only runtime; with neither, the cluster is made anew by landfall apply, and filled from what its objects were made of',
    exit: 5,
  });
}

function noData({ name, anew }: EtcdFound, { survivors }: Loss): Problem {
  return new Problem({
    code: 'recover/no-data',
    host: name,
    summary: anew
      ? `etcd on ${name} has begun anew, empty: the data of the cluster are not there`
      : `${name} has no data of etcd`,
    why: 'a cluster is recovered out of what one of its members has written down',
    try:
      survivors.length === 0
        ? `landfall recover --snapshot FILE, with a snapshot that lies on that host: ls ${ETCD_FILES.snapshots}`
        : `landfall recover --from ${survivors[0]?.name}`,
    exit: 5,
  });
}

function underWay({ name, begun }: EtcdFound, from: string): Problem {
  return new Problem({
    code: 'recover/begun',
    host: name,
    summary: `a recovery out of ${name} is under way, and ${from} was asked for`,
    saw: `begun ${begun}`,
    why: 'two hosts that are each made a cluster of their own would be two clusters of one name',
    try: 'landfall recover, without --from, brings it to its end',
    exit: 5,
  });
}

function healthy(name: string): Problem {
  return new Problem({
    code: 'recover/healthy',
    host: name,
    summary: 'etcd decides: there is nothing to recover',
    saw: `asked on ${name}, etcd is healthy: more than half of its members agree`,
    why: 'a recovery throws away what other members have; while most of them live, who is gone is replaced without any loss',
    try: 'landfall node replace NODE for a control plane that is dead; landfall status says what else is not well',
    exit: 5,
  });
}

function majority({ ballot, survivors }: Loss): Problem {
  const stopped = survivors.filter(({ runs }) => !runs).map(({ name }) => name);
  return new Problem({
    code: 'recover/majority',
    summary: 'enough of etcd is left to decide again by itself',
    saw: [
      `${ballot.voting} voting, ${ballot.needed} needed, ${ballot.well} on hosts that answer and have their data`,
      ...(stopped.length === 0 ? [] : [`etcd does not run on ${stopped.join(', ')}`]),
    ].join('\n'),
    why: 'started and within each other’s reach they have everything that was ever acknowledged; a recovery keeps only what one of them has',
    try: 'systemctl start crio kubelet on those hosts, let TCP 2379 and 2380 pass between them, then landfall apply; when their data are damaged: landfall recover --despite majority',
    exit: 5,
  });
}
