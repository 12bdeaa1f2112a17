import type { Node } from '../model/cluster.ts';
import { scalar } from '../model/scalar.ts';
import { asText, type Span } from './text.ts';
import { readTree, type Tree, treeAt } from './tree.ts';

/*
 * The nodes of a cluster.yaml, changed letter by letter: comments, order and quotes of everything else stay. Whoever calls these reads
 * the result before it takes the old one's place; of a text of an odd form they give undefined.
 */

/** The fields of a node that is added. */
export type NewNode = Pick<Node, 'name' | 'role' | 'address'> &
  Partial<Pick<Node, 'internalAddress' | 'labels' | 'taints'>>;

interface Opened {
  /** What comes before the text: a byte order mark. */
  readonly mark: string;
  readonly content: string;
  readonly eol: string;
  readonly items: readonly (Tree & { readonly is: 'map' })[];
}

function opened(text: string): Opened | undefined {
  const { content } = asText('cluster.yaml', text);
  const { tree } = readTree(asText('cluster.yaml', content));
  const list = tree && treeAt(tree, ['nodes']);
  if (list?.is !== 'list' || content[list.at.start] === '[') return undefined;
  const items = list.items.filter((item) => item.is === 'map');
  if (items.length !== list.items.length || items.length === 0) return undefined;
  const mark = text.slice(0, text.length - content.length);
  return { mark, content, eol: content.includes('\r\n') ? '\r\n' : '\n', items };
}

function nameOf(item: Tree): unknown {
  const name = treeAt(item, ['name']);
  return name?.is === 'scalar' ? name.value : undefined;
}

/** The whole lines a node stands in, from its dash to the end of its last value; undefined where something else stands there, too. */
function linesOf({ content }: Opened, { at }: Tree): (Span & { readonly dash: string }) | undefined {
  const start = content.lastIndexOf('\n', at.start - 1) + 1;
  const dash = content.slice(start, at.start);
  if (!/^ *-\s+$/.test(dash)) return undefined;
  const last = start + content.slice(start, at.end).trimEnd().length;
  const rest = content.indexOf('\n', last);
  const end = rest < 0 ? content.length : rest + 1;
  return /^\s*(#.*)?\s*$/.test(content.slice(last, end)) ? { start, end, dash } : undefined;
}

/** A cluster.yaml without this node. What is said above it in lines of comment goes with it, unless it is the first of the list. */
export function withoutNode(text: string, name: string): string | undefined {
  const page = opened(text);
  const item = page?.items.find((one) => nameOf(one) === name);
  const span = page && item && linesOf(page, item);
  if (page === undefined || span === undefined || page.items.length < 2) return undefined;
  const before = page.content.slice(0, span.start);
  const own = page.items[0] === item ? '' : (/(?:^[ \t]*#.*\n)+$/m.exec(before)?.[0] ?? '');
  return page.mark + before.slice(0, before.length - own.length) + page.content.slice(span.end);
}

/** A cluster.yaml with one more node, behind the others, written as the last of them is: in one line or in several. */
export function withNode(text: string, node: NewNode): string | undefined {
  const page = opened(text);
  const last = page?.items.at(-1);
  const span = page && last && linesOf(page, last);
  if (page === undefined || last === undefined || span === undefined) return undefined;
  const fields = fieldsOf(node);
  const indent = ' '.repeat(span.dash.length);
  const lines =
    page.content[last.at.start] === '{' || span.dash.includes('\n')
      ? `${span.dash}{ ${fields.join(', ')} }`
      : `${span.dash}${fields.join(`${page.eol}${indent}`)}`;
  const gap = page.content[span.end - 1] === '\n' ? '' : page.eol;
  return `${page.mark}${page.content.slice(0, span.end)}${gap}${lines}${page.eol}${page.content.slice(span.end)}`;
}

function fieldsOf({
  name,
  role,
  address,
  internalAddress,
  labels = {},
  taints = [],
}: NewNode): readonly string[] {
  const pairs = Object.entries(labels).map(([key, value]) => `${scalar(key)}: ${JSON.stringify(value)}`);
  return [
    `name: ${scalar(name)}`,
    `role: ${role}`,
    `address: ${scalar(address)}`,
    ...(internalAddress === undefined ? [] : [`internalAddress: ${scalar(internalAddress)}`]),
    ...(pairs.length === 0 ? [] : [`labels: { ${pairs.join(', ')} }`]),
    ...(taints.length === 0 ? [] : [`taints: [${taints.map((taint) => JSON.stringify(taint)).join(', ')}]`]),
  ];
}

/** A cluster.yaml in which this node has another address. */
export function withAddress(text: string, name: string, address: string): string | undefined {
  const page = opened(text);
  const item = page?.items.find((one) => nameOf(one) === name);
  const at = item && treeAt(item, ['address'])?.at;
  if (page === undefined || at === undefined) return undefined;
  return page.mark + page.content.slice(0, at.start) + scalar(address) + page.content.slice(at.end);
}
