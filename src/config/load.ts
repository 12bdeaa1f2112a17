import type { Cluster } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
import { type Place, Problem, Problems } from '../model/problem.ts';
import { checkEndpoint } from './endpoint.ts';
import { complete } from './defaults.ts';
import { lockPath, pathFrom, readText } from './file.ts';
import { checkFirewall } from './firewall.ts';
import { foreign } from './foreign.ts';
import { type HeldLock, lockedFor, readLock } from './lock.ts';
import { checkHostSsh } from './host-ssh.ts';
import { checkMembers } from './members.ts';
import { checkNetworks } from './networks.ts';
import { type Page, placeAt } from './page.ts';
import { clusterFile } from './schema.ts';
import { checkShape } from './shape.ts';
import { checkProxy } from './proxy.ts';
import { checkRegistries } from './registries.ts';
import type { Text } from './text.ts';
import { checkPlugin } from './plugin.ts';
import { type Path, readTree } from './tree.ts';
import { type Beside, readTrust } from './trust.ts';
import { checkVersion, type Held } from './versions.ts';
import { checkVirtualIP } from './virtual-ip.ts';

/** A cluster.yaml that is right, with the ways back to its text. */
export interface Reading {
  readonly cluster: Cluster;
  /** The text it was read from, without a byte order mark, and after it that of the certificates it names. */
  readonly source: string;
  /** Where a value stands, or the nearest thing above it, for problems found later: `['nodes', 0, 'address']`. */
  readonly place: (path: Path, label?: string) => Place;
}

/** A cluster.yaml with the lock beside it. */
export interface Loaded extends Reading {
  readonly file: string;
  readonly lockFile: string;
  /** What the lock file says; undefined when there is none. */
  readonly held?: HeldLock;
  /** The lock, when it is whole and fits the wish: then nothing needs to be resolved. */
  readonly lock?: Lock;
}

/**
 * Loads cluster.yaml, and landfall.lock when it is there.
 * @param file a path, or `-` for standard input (the lock is then looked for in the working directory)
 * @throws Problems all that is wrong with the two files, in the order of their lines; exit 2, and 5 for version skew
 */
export function loadCluster(file: string): Loaded {
  const problems: Problem[] = [];
  const lockFile = lockPath(file);
  const text = collect(problems, () => readText(file));
  const read = text === undefined ? undefined : collect(problems, () => readLock(lockFile));
  const held: Held | undefined = read && {
    kubernetes: read.lock.kubernetes,
    place: `${lockFile}:${read.line}`,
  };
  const reading =
    text &&
    collect(problems, () => readCluster(text, held, (path) => readText(pathFrom(file, path)).content));
  if (reading === undefined || problems.length > 0) throw new Problems(inOrder(problems));
  const lock = read && lockedFor(reading.cluster, read.lock);
  return {
    ...reading,
    file,
    lockFile,
    ...(read === undefined ? {} : { held: read.lock }),
    ...(lock === undefined ? {} : { lock }),
  };
}

/**
 * Reads the text of a cluster.yaml; pure.
 * @param held what the cluster was last made of, when that is known
 * @param beside reads the files it names; where there are none beside it, as in an editor, each of them is a problem.
 * @throws Problems everything that is wrong, each with its place, in the order of the lines
 */
export function readCluster(text: Text, held?: Held, beside: Beside = nothingBeside): Reading {
  const { tree, problems } = readTree(text);
  if (tree === undefined) throw new Problems(inOrder(problems));
  const page: Page & { readonly schema: typeof clusterFile } = { text, tree, schema: clusterFile };
  const other = foreign(page, 'Cluster');
  if (other !== undefined) throw new Problems(inOrder([...problems, other]));
  const { data, problems: ofShape, wrong } = checkShape(page);
  const draft = { page, wrong };
  const trusted = readTrust(draft, beside, new Date());
  const found = [
    ...problems,
    ...ofShape,
    ...checkVersion(draft, held),
    ...checkEndpoint(draft),
    ...checkVirtualIP(draft),
    ...checkNetworks(draft),
    ...checkPlugin(draft),
    ...checkMembers(draft),
    ...checkHostSsh(draft),
    ...checkRegistries(draft),
    ...trusted.problems,
    ...checkProxy(draft),
    ...checkFirewall(draft),
  ];
  if (found.length > 0) throw new Problems(inOrder(found));
  if (data === undefined) throw new Error('a cluster.yaml without problems gave no cluster');
  return {
    cluster: complete(data, trusted.authorities),
    source: [text.content, ...trusted.authorities.map(({ pem }) => pem)].join(''),
    place: (path, label) => placeAt(page, path, label),
  };
}

const nothingBeside: Beside = () => {
  throw new Problem({ code: 'file/missing', summary: 'no files are read beside it here' });
};

/** Sorted by line and column, files in the order they were read in. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(({ where }) => where?.file))];
  const rank = ({ where }: Problem) => files.indexOf(where?.file);
  return problems.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.where?.line ?? 0) - (b.where?.line ?? 0) ||
      (a.where?.column ?? 0) - (b.where?.column ?? 0),
  );
}

function collect<T>(problems: Problem[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Problems) problems.push(...error.problems);
    else if (error instanceof Problem) problems.push(error);
    else throw error;
    return undefined;
  }
}
