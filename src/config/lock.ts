import type * as z from 'zod';
import type { Cluster } from '../model/cluster.ts';
import { CONTAINERD_SERIES, parseContainerd } from '../model/containerd.ts';
import {
  type Lock,
  type NetworkLock,
  PINNED_PACKAGES,
  RUNTIME_KEYS,
  RUNTIME_PACKAGES,
} from '../model/lock.ts';
import { Problem, Problems } from '../model/problem.ts';
import { upstreamVersion } from '../model/package-version.ts';
import { runtimesOf } from '../model/runtime.ts';
import { crioFits, fits, formatVersion, parseVersion } from '../model/version.ts';
import { readText } from './file.ts';
import { foreign } from './foreign.ts';
import { lockFile } from './lock-schema.ts';
import { lockedNetwork } from './network-lock.ts';
import { lineOf, type Page, valueProblem } from './page.ts';
import { checkShape } from './shape.ts';
import type { Text } from './text.ts';
import { readTree } from './tree.ts';

/** What packages and their repositories resolved to: a lock without its network. */
export type ResolvedPackages = Omit<Lock, 'network'>;

/**
 * A lock as it may stand in its file: somebody who takes `keys:` or `network:` out asks for them to be resolved anew.
 */
export interface HeldLock extends Omit<Lock, 'keys' | 'network'> {
  readonly keys?: Lock['keys'];
  readonly network?: NetworkLock;
}

const MORE = 'landfall writes this file; git restores it (git checkout landfall.lock)';

/**
 * Reads a lock file; gives undefined when there is none.
 * @throws Problem when it cannot be read
 * @throws Problems all that is wrong with it, each with its place
 */
export function readLock(file: string): { readonly lock: HeldLock; readonly line: number } | undefined {
  let text: Text;
  try {
    text = readText(file);
  } catch (error) {
    if (error instanceof Problem && error.code === 'file/missing') return undefined;
    throw error;
  }
  return parseLock(text);
}

/** Reads the text of a lock file; `line` is the one that holds the version. @throws Problems as {@link readLock} does. */
export function parseLock(text: Text): { readonly lock: HeldLock; readonly line: number } {
  const { tree, problems } = readTree(text);
  if (tree === undefined) throw withMore(problems);
  const page: Page & { readonly schema: typeof lockFile } = { text, tree, schema: lockFile };
  const other = foreign(page, 'Lock');
  if (other !== undefined) throw withMore([...problems, other]);
  const { data, problems: ofShape } = checkShape(page);
  const found = [...problems, ...ofShape, ...(data === undefined ? [] : contradictions(page, data))];
  if (found.length > 0 || data === undefined) throw withMore(found);
  const { kubernetes, packages, keys, network, images } = data;
  const lock = {
    kubernetes,
    packages,
    images,
    ...(keys === undefined ? {} : { keys }),
    ...(network === undefined ? {} : { network: networkOfFile(network) }),
  };
  return { lock, line: lineOf(page, ['kubernetes']) ?? 1 };
}

function networkOfFile(written: NonNullable<z.output<typeof lockFile>['network']>): NetworkLock {
  const { version, encapsulation, mtu, ...rest } = written;
  return {
    ...rest,
    ...(version === undefined ? {} : { version }),
    ...(encapsulation === undefined ? {} : { encapsulation }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

/** Gives the lock when it is whole and meets the wish of the cluster; undefined when something has to be resolved. */
export function lockedFor(cluster: Cluster, held: HeldLock): Lock | undefined {
  const packages = lockedPackages(cluster, held);
  const network = lockedNetwork(cluster, held.network);
  return packages === undefined || network === undefined ? undefined : { ...packages, network };
}

/** Gives what a lock holds of all but the network, when that is whole and meets the wish of the cluster. */
export function lockedPackages(cluster: Cluster, held: HeldLock): ResolvedPackages | undefined {
  const { kubernetes, packages, keys, images } = held;
  if (keys === undefined || !meetsVersion(cluster, held)) return undefined;
  const lacks = runtimesOf(cluster).some(
    (runtime) =>
      packages[RUNTIME_PACKAGES[runtime]] === undefined || keys[RUNTIME_KEYS[runtime]] === undefined,
  );
  return lacks ? undefined : { kubernetes, packages, keys, images };
}

/** Whether the Kubernetes of a lock is one that cluster.yaml asks for. */
export function meetsVersion({ kubernetes }: Cluster, held: HeldLock): boolean {
  const wish = parseVersion(kubernetes);
  const has = parseVersion(held.kubernetes);
  return wish !== undefined && has !== undefined && fits(wish, has);
}

function contradictions(page: Page, { kubernetes, packages }: z.output<typeof lockFile>): readonly Problem[] {
  const wanted = parseVersion(kubernetes);
  return PINNED_PACKAGES.flatMap((name) => {
    const version = packages[name];
    if (wanted === undefined || version === undefined) return [];
    if (name === 'containerd.io') return wrongContainerd(page, version);
    const found = upstreamVersion(version);
    const own = name === 'kubeadm' || name === 'kubelet' || name === 'kubectl';
    if (!own && name !== 'cri-o') return [];
    if (found !== undefined && (own ? fits(wanted, found) : crioFits(found, wanted))) return [];
    const parts = {
      code: 'lock/contradiction',
      summary: `packages.${name} does not go with Kubernetes ${kubernetes}`,
      why: own
        ? 'these three are one release'
        : 'CRI-O and the kubelet are of the same minor, or untried together',
      try: 'restore the file from git',
    };
    const label = `not ${own ? kubernetes : formatVersion({ minor: wanted.minor })}`;
    return [valueProblem(page, ['packages', name], parts, label)];
  });
}

function wrongContainerd(page: Page, version: string): readonly Problem[] {
  if (parseContainerd(version)?.series === CONTAINERD_SERIES) return [];
  const parts = {
    code: 'lock/contradiction',
    summary: `packages.containerd.io is not of containerd ${CONTAINERD_SERIES}`,
    why: 'it is the series that goes with this Kubernetes and whose configuration Landfall writes',
    try: 'restore the file from git',
  };
  return [valueProblem(page, ['packages', 'containerd.io'], parts, `not ${CONTAINERD_SERIES}`)];
}

function withMore(problems: readonly Problem[]): Problems {
  return new Problems(
    problems.map((problem) => new Problem({ ...problem, summary: problem.summary, more: MORE })),
  );
}
