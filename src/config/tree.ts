import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parse, type Scalar } from 'yaml';
import type { Problem } from '../model/problem.ts';
import { syntax } from './characters.ts';
import { readSyntax } from './syntax.ts';
import { lineAt, type Span, type Text } from './text.ts';

/** The way to a value: keys and, in lists, positions from 0. */
export type Path = readonly (string | number)[];

/** What a YAML document says, each value with its span. Aliases are replaced by what they stand for. */
export type Tree =
  | { readonly is: 'map'; readonly at: Span; readonly entries: ReadonlyMap<string, Entry> }
  | { readonly is: 'list'; readonly at: Span; readonly items: readonly Tree[] }
  | {
      readonly is: 'scalar';
      readonly at: Span;
      readonly value: unknown;
      /** The characters as written, when they stand without quotes. */
      readonly plain?: string;
      /** What a YAML 1.1 program would read instead, when that is something else. */
      readonly elsewhere?: string;
    }
  /** Something that was told already and has no value. */
  | { readonly is: 'broken'; readonly at: Span };

/** A key of a map and what stands behind it. */
export interface Entry {
  readonly key: Span;
  readonly value: Tree;
}

/** So much may stand in for aliases: one that stands for ten that stand for ten … would fill any memory. */
const MOST_BY_ALIAS = 1000;

interface Walk {
  readonly text: Text;
  readonly problems: Problem[];
  readonly anchors: Map<string, Node>;
  /** The aliases being followed now, outermost first. */
  readonly following: Node[];
  byAlias: number;
  readonly told: Set<string>;
}

/** Reads a text as YAML. Gives the problems found, and the tree as far as it can be relied on. */
export function readTree(text: Text): { readonly tree?: Tree; readonly problems: readonly Problem[] } {
  const { document, problems } = readSyntax(text);
  if (document === undefined) return { problems };
  const walk: Walk = {
    text,
    problems: [...problems],
    anchors: new Map(),
    following: [],
    byAlias: 0,
    told: new Set(problems.map(idOf)),
  };
  const tree = toTree((document as Document).contents, { start: 0, end: 1 }, walk);
  return { tree, problems: walk.problems };
}

/** The value a tree stands for, as JSON would have it; broken parts are undefined. */
export function toValue(tree: Tree): unknown {
  if (tree.is === 'scalar') return tree.value;
  if (tree.is === 'list') return tree.items.map(toValue);
  if (tree.is === 'broken') return undefined;
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, toValue(value)]));
}

/** What stands at a path; undefined when nothing does. */
export function treeAt(tree: Tree, path: Path): Tree | undefined {
  let here: Tree | undefined = tree;
  for (const step of path) {
    if (here?.is === 'map') here = here.entries.get(String(step))?.value;
    else if (here?.is === 'list') here = here.items[Number(step)];
    else return undefined;
  }
  return here;
}

/** The span of the key at a path; undefined for list items, the whole document and what is not there. */
export function keyAt(tree: Tree, path: Path): Span | undefined {
  const parent = treeAt(tree, path.slice(0, -1));
  return parent?.is === 'map' && path.length > 0 ? parent.entries.get(String(path.at(-1)))?.key : undefined;
}

function toTree(node: unknown, where: Span, walk: Walk): Tree {
  const at = spanOf(node, where);
  if (isAlias(node)) return follow(node.source, at, walk);
  if (walk.following.length > 0) walk.byAlias++;
  if (isMap(node) || isSeq(node) || isScalar(node)) {
    if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
    if (node.tag !== undefined) {
      report(walk, at, {
        code: 'yaml/tag',
        summary: 'this file takes no YAML tags',
        why: 'what a value is, its field says',
        try: 'take it out',
      });
    }
  }
  if (isSeq(node)) return { is: 'list', at, items: node.items.map((item) => toTree(item, at, walk)) };
  if (isScalar(node)) return toScalar(node, at);
  if (!isMap(node)) return { is: 'scalar', at, value: null, plain: '' };
  const entries = new Map<string, Entry>();
  for (const { key, value } of node.items) {
    const keySpan = spanOf(key, at);
    const name = keyName(key, keySpan, walk);
    const tree = toTree(value, keySpan, walk);
    if (name === undefined) continue;
    const first = entries.get(name);
    if (first === undefined) entries.set(name, { key: keySpan, value: tree });
    else {
      report(walk, keySpan, {
        code: 'yaml/duplicate-key',
        summary: `the key ${name} stands here a second time`,
        why: `the first is in line ${lineAt(walk.text, first.key.start)}; which of the two counts, programs do not agree on`,
        try: 'keep one of them',
      });
    }
  }
  return { is: 'map', at, entries };
}

function toScalar(node: Scalar, at: Span): Tree {
  if (node.type !== 'PLAIN') return { is: 'scalar', at, value: node.value };
  const plain = node.source ?? '';
  const elsewhere = node.tag === undefined ? readElsewhere(plain, node.value) : undefined;
  return { is: 'scalar', at, value: node.value, plain, ...(elsewhere === undefined ? {} : { elsewhere }) };
}

/**
 * What YAML 1.1, which many programs still speak, makes of an unquoted word where it differs from 1.2: `no` is false,
 * `022` is 18, `22:22` is 1342, `2026-11-22` is a date.
 */
function readElsewhere(plain: string, value: unknown): string | undefined {
  if (!/^([-+.]?\d|(y|n|yes|no|on|off)$)/i.test(plain)) return undefined;
  const other: unknown = parse(plain, { version: '1.1', logLevel: 'silent' });
  if (Object.is(other, value)) return undefined;
  if (other instanceof Date) return 'a date';
  return typeof other === 'number' ? `the number ${other}` : `${other}`;
}

function keyName(key: unknown, at: Span, walk: Walk): string | undefined {
  if (isScalar(key)) {
    if (key.source !== '<<' || key.type !== 'PLAIN')
      return key.type === 'PLAIN' ? (key.source ?? '') : `${key.value}`;
    report(walk, at, {
      code: 'yaml/merge',
      summary: 'a merge key (<<) is not read here',
      why: 'YAML 1.2 has none; programs that know it from 1.1 would read another cluster than others do',
      try: 'write the keys out',
    });
    return undefined;
  }
  report(walk, at, {
    code: 'yaml/key',
    summary: 'a key is one word, not a list, a map or an alias',
    try: 'if a value was meant, put it in quotes',
  });
  return undefined;
}

function follow(name: string, at: Span, walk: Walk): Tree {
  const target = walk.anchors.get(name);
  const broken = (summary: string, hint: string): Tree => {
    report(walk, at, { code: 'yaml/alias', summary, try: hint });
    return { is: 'broken', at };
  };
  if (target === undefined) {
    return broken(
      `nothing above is marked &${name}`,
      `mark the value this stands for with &${name}, or put the text in quotes`,
    );
  }
  if (walk.following.includes(target))
    return broken(`*${name} stands for something it is itself part of`, 'write the value out');
  walk.byAlias++;
  if (walk.byAlias > MOST_BY_ALIAS) {
    if (walk.byAlias > MOST_BY_ALIAS * 2) return { is: 'broken', at };
    walk.byAlias = Number.POSITIVE_INFINITY;
    return broken(
      `the aliases up to here stand for more than ${MOST_BY_ALIAS} values`,
      'write the values out',
    );
  }
  walk.following.push(target);
  const tree = toTree(target, at, walk);
  walk.following.pop();
  return tree;
}

/** Once a place and kind: what is behind an alias is walked as often as the alias stands. A tag is told once a line. */
function report(walk: Walk, at: Span, words: Parameters<typeof syntax>[2]): void {
  const problem = syntax(walk.text, at, words);
  const id = idOf(problem);
  if (!walk.told.has(id)) walk.problems.push(problem);
  walk.told.add(id);
}

function idOf({ code, where }: Problem): string {
  return `${code} ${where?.line} ${code === 'yaml/tag' ? '' : where?.column}`;
}

function spanOf(node: unknown, otherwise: Span): Span {
  const range = (node as { readonly range?: readonly [number, number, number] | null } | null)?.range;
  if (!range) return otherwise;
  return { start: range[0], end: Math.max(range[1], range[0]) };
}
