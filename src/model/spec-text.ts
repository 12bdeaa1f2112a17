import type { Cluster, Node } from './cluster.ts';
import { scalar } from './scalar.ts';

/** What a document of YAML is made of here. */
type Value = string | number | boolean | readonly Value[] | Fields;
interface Fields {
  readonly [key: string]: Value | undefined;
}

/** Keys that a reader looks for first, and the one that is long and comes last; all others are in the order of their letters. */
const FIRST = ['apiVersion', 'kind', 'name', 'kubernetes', 'endpoint', 'role', 'address'];
const LAST = 'nodes';

function rank(key: string): number {
  const at = FIRST.indexOf(key);
  return key === LAST ? FIRST.length + 1 : at < 0 ? FIRST.length : at;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function isFields(value: Value): value is Fields {
  return typeof value === 'object' && !Array.isArray(value);
}

/** What stands behind a key or a dash on the same line; undefined when the value takes lines of its own. */
function inLine(value: Value): string | undefined {
  if (typeof value === 'string') return scalar(value);
  if (typeof value !== 'object') return String(value);
  return Object.keys(value).length > 0 ? undefined : isFields(value) ? '{}' : '[]';
}

function linesOf(value: Value): readonly string[] {
  const text = inLine(value);
  if (text !== undefined) return [text];
  if (!isFields(value)) {
    return (value as readonly Value[]).flatMap((item) =>
      linesOf(item).map((line, i) => `${i === 0 ? '- ' : '  '}${line}`),
    );
  }
  return Object.entries(value)
    .filter((field): field is [string, Value] => field[1] !== undefined)
    .sort(([a], [b]) => rank(a) - rank(b) || byText(a, b))
    .flatMap(([key, field]) => {
      const short = inLine(field);
      if (short !== undefined) return [`${scalar(key)}: ${short}`];
      return [`${scalar(key)}:`, ...linesOf(field).map((line) => `  ${line}`)];
    });
}

function endpointOf({ host, port, kept, virtual }: Cluster['endpoint']): Fields | undefined {
  const address = kept && port === 6443 ? {} : { address: `${host}:${port}` };
  if (virtual === undefined) return kept && port === 6443 ? undefined : address;
  const { address: virtualIP, ...rest } = virtual;
  return { ...address, virtualIP, ...rest };
}

function inOrder(nodes: readonly Node[]): readonly Omit<Node, 'hostKey'>[] {
  return nodes
    .toSorted((a, b) => byText(a.role, b.role) || byText(a.name, b.name))
    .map(({ hostKey: _hostKey, ...node }) => node);
}

/**
 * A cluster as a cluster.yaml that says every default, without comments, its nodes by their roles and names: the same text for every file
 * that means the same. How an operator gets at the hosts (`ssh`, `hostKey`) is no part of what is applied, and left out: Landfall itself
 * follows a port that was moved. Of authorities it names the files, in which a part of the fingerprint stands. Nothing in it is secret, as
 * nothing in a {@link Cluster} is.
 */
export function specText(cluster: Cluster): string {
  const { endpoint, ssh: _ssh, trust, nodes, ...rest } = cluster;
  const document = {
    apiVersion: 'landfall/v1',
    kind: 'Cluster',
    ...rest,
    endpoint: endpointOf(endpoint),
    trust: trust?.map(({ file }) => file),
    nodes: inOrder(nodes),
  };
  return `${linesOf(document as unknown as Fields).join('\n')}\n`;
}
