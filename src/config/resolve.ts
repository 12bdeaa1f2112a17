import type { Cluster } from '../model/cluster.ts';
import { CONTAINERD_SERIES, newestContainerd, parseContainerd } from '../model/containerd.ts';
import {
  KUBERNETES_PACKAGES,
  type Lock,
  type PinnedPackage,
  RUNTIME_KEYS,
  RUNTIME_PACKAGES,
  type RuntimePackage,
} from '../model/lock.ts';
import { newestFirst, newestOf } from '../model/newest.ts';
import type { PackageVersion } from '../model/package-version.ts';
import { Problem } from '../model/problem.ts';
import { RUNTIME_TITLES, runtimesOf } from '../model/runtime.ts';
import { formatMinor, move, parseVersion, type Version } from '../model/version.ts';
import { type HeldLock, lockedPackages, meetsVersion, type ResolvedPackages } from './lock.ts';

/** The packages that are one release: all three of the same version, or none. */
const RELEASE = ['kubeadm', 'kubelet', 'kubectl'] as const;

/** Versions of each package in the repositories. */
type Available = Readonly<Record<string, readonly string[]>>;

/** A SHA-256 sum in hexadecimal digits. */
const SUM = /^[0-9a-f]{64}$/;

/** How many versions a message lists. */
const LISTED = 8;

/**
 * Chooses the packages that are installed. A lock that fits the wish wins, whatever is newer: that is its purpose. Otherwise kubeadm,
 * kubelet and kubectl are the newest version of the wish that all three have, and cri-tools and kubernetes-cni the newest the
 * Kubernetes repository of that minor holds. Of the runtimes that nodes are to have, CRI-O is the newest of the same minor, containerd
 * the newest of the series that is mended for long; one that the lock does not know yet is chosen beside what it holds.
 * @param available versions of each package in the repositories of the wished minor, in any order
 * @param keys SHA-256 sums (hex) of the signing keys as fetched now, by repository: `kubernetes`, `crio`, `docker`
 * @param held what the lock file says, if there is one
 * @returns the lock to write but for its network, or why there is none: `version/…`, exit 1, or 5 when the way from the lock is barred
 */
export function resolve(
  cluster: Cluster,
  available: Available,
  keys: Readonly<Record<string, string>>,
  held?: HeldLock,
): ResolvedPackages | Problem {
  const whole = held && lockedPackages(cluster, held);
  if (whole !== undefined) return whole;
  const fetched = fetchedKeys(cluster, keys);
  if (fetched instanceof Problem) return fetched;
  const wish = parseVersion(cluster.kubernetes);
  if (wish === undefined) throw new Error(`${cluster.kubernetes} was not checked before it was resolved`);
  const same = held !== undefined && meetsVersion(cluster, held) ? held : undefined;
  const barred = held && same === undefined && bar(wish, cluster.kubernetes, held.kubernetes);
  if (barred instanceof Problem) return barred;
  const chosen = same ?? choose(wish, cluster.kubernetes, available);
  if (chosen instanceof Problem) return chosen;
  const runtimes = chooseRuntimes(cluster, chosen.kubernetes, available, same?.packages ?? {});
  if (runtimes instanceof Problem) return runtimes;
  const { kubernetes, packages } = chosen;
  return {
    kubernetes,
    packages: { ...packages, ...runtimes },
    keys: { ...fetched, ...same?.keys },
    images: held?.images ?? {},
  };
}

/** The sums of the keys that are needed. */
function fetchedKeys(cluster: Cluster, keys: Readonly<Record<string, string>>): Lock['keys'] | Problem {
  const kubernetes = keys['kubernetes'] ?? '';
  if (!SUM.test(kubernetes)) return noKey('Kubernetes');
  const own = runtimesOf(cluster).map((runtime) => [runtime, keys[RUNTIME_KEYS[runtime]] ?? ''] as const);
  const lacking = own.find(([, sum]) => !SUM.test(sum));
  if (lacking !== undefined) return noKey(RUNTIME_TITLES[lacking[0]]);
  return { kubernetes, ...Object.fromEntries(own.map(([runtime, sum]) => [RUNTIME_KEYS[runtime], sum])) };
}

/** A version of Kubernetes with its own packages. */
type Chosen = Pick<ResolvedPackages, 'kubernetes' | 'packages'>;

function choose(wish: Version, text: string, available: Available): Chosen | Problem {
  const of = (name: PinnedPackage) => available[name] ?? [];
  const empty = KUBERNETES_PACKAGES.find((name) => newestFirst(of(name)).length === 0);
  if (empty !== undefined) return noPackage(empty, wish);
  const [kubeadm, ...others] = RELEASE.map((name) => newestFirst(of(name)));
  const upstream = (kubeadm ?? [])
    .map((version) => version.upstream)
    .find(
      (one) => meets(one, wish) && others.every((list) => list.some((version) => version.upstream === one)),
    );
  const exact = upstream === undefined ? undefined : parseVersion(upstream);
  if (upstream === undefined || exact === undefined) return noVersion(text, kubeadm ?? [], others);
  const own = (name: PinnedPackage) => newestOf(of(name), exact)?.text ?? '';
  const newest = (name: PinnedPackage) => newestFirst(of(name))[0]?.text ?? '';
  return {
    kubernetes: upstream,
    packages: {
      kubeadm: own('kubeadm'),
      kubelet: own('kubelet'),
      kubectl: own('kubectl'),
      'cri-tools': newest('cri-tools'),
      'kubernetes-cni': newest('kubernetes-cni'),
    },
  };
}

/** The packages of the runtimes that nodes are to have; what is known of them already stays. */
function chooseRuntimes(
  cluster: Cluster,
  kubernetes: string,
  available: Available,
  known: Partial<Lock['packages']>,
): Partial<Record<RuntimePackage, string>> | Problem {
  const minor = parseVersion(kubernetes)?.minor ?? 0;
  const chosen: Partial<Record<RuntimePackage, string>> = {};
  for (const runtime of runtimesOf(cluster)) {
    const name = RUNTIME_PACKAGES[runtime];
    const versions = available[name] ?? [];
    const newest = runtime === 'cri-o' ? newestOf(versions, { minor })?.text : newestContainerd(versions);
    const version = known[name] ?? newest;
    if (version !== undefined) chosen[name] = version;
    else return runtime === 'cri-o' ? noCrio(minor, versions) : noContainerd(versions);
  }
  return chosen;
}

function meets(upstream: string, wish: Version): boolean {
  return newestOf([`${upstream}-0.0`], wish) !== undefined;
}

function bar(wish: Version, text: string, from: string): Problem | undefined {
  const has = parseVersion(from);
  const way = has === undefined ? 'same' : move(has, wish);
  if (way !== 'down' && way !== 'far') return undefined;
  return new Problem({
    code: 'version/skew',
    exit: 5,
    summary: `Kubernetes ${text} cannot be reached from ${from}`,
    why:
      way === 'down'
        ? 'there is no way back to an older version'
        : 'control planes go up one minor at a time',
    try:
      way === 'down'
        ? `kubernetes: "${from}"`
        : `kubernetes: "${formatMinor((has?.minor ?? 0) + 1)}"   first`,
  });
}

function noKey(repository: string): Problem {
  return new Problem({
    code: 'repository/key',
    summary: `the signing key of the ${repository} repository could not be fetched`,
    why: 'packages are trusted by that key alone; without its sum nothing is pinned',
    try: 'see that the first host reaches the repository, directly or through its proxy',
  });
}

function noPackage(name: string, wish: Version): Problem {
  return new Problem({
    code: 'version/no-package',
    summary: `the repository of ${formatMinor(wish.minor)} holds no ${name}`,
    why: 'a mirror that is still being filled looks like that, and so does a proxy that answers with a page of its own',
    try: 'look at the repository from the first host, then run the command again',
  });
}

function noVersion(
  text: string,
  kubeadm: readonly PackageVersion[],
  others: readonly (readonly PackageVersion[])[],
): Problem {
  const whole = [...new Set(kubeadm.map((version) => version.upstream))].filter((upstream) =>
    others.every((list) => list.some((version) => version.upstream === upstream)),
  );
  const [newest] = whole;
  return new Problem({
    code: 'version/not-available',
    summary: `Kubernetes ${text} is not in the package repository`,
    saw: `newest first: ${listed(whole)}`,
    why: 'packages appear some hours to days after a release, and mirrors follow later still',
    try:
      newest === undefined
        ? 'wait, and run the command again'
        : `kubernetes: "${newest}"   or wait for ${text}`,
  });
}

function noContainerd(versions: readonly string[]): Problem {
  const found = versions.flatMap((text) => parseContainerd(text)?.text ?? []);
  return new Problem({
    code: 'version/not-available',
    summary: `there is no containerd ${CONTAINERD_SERIES} in Docker's repository`,
    saw: listed([...new Set(found)]),
    why: 'it is the series that goes with every Kubernetes made here; a mirror that is still being filled looks like that, and so does a proxy that answers with a page of its own',
    try: 'look at the repository from the first host, or take runtime: cri-o',
  });
}

function noCrio(minor: number, versions: readonly string[]): Problem {
  if (newestFirst(versions).length === 0) return noPackage('cri-o', { minor });
  return new Problem({
    code: 'version/not-available',
    summary: `there is no CRI-O ${formatMinor(minor)} in its repository`,
    saw: `newest first: ${listed(newestFirst(versions).map((version) => version.text))}`,
    why: 'CRI-O follows a minor of Kubernetes by some days, and only equal minors are tried together',
    try: `kubernetes: "${formatMinor(minor - 1)}"   or wait`,
  });
}

function listed(versions: readonly string[]): string {
  if (versions.length === 0) return 'none';
  const more = versions.length - LISTED;
  return versions.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} older` : '');
}
