import type { Problem } from '../model/problem.ts';
import { exampleLine, takes, textLine } from './example.ts';
import { keysAt, notesAt, pathName, reasonAt } from './fields.ts';
import { type Page, valueProblem } from './page.ts';
import { scalar } from '../model/scalar.ts';
import type { Path, Tree } from './tree.ts';

const NAMES: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
  boolean: 'true or false',
  string: 'text',
  int: 'a whole number',
  number: 'a number',
};

/** A value of the right type that is too small or too large: a port, an empty list. */
export function wrongSize(page: Page, path: Path, tree: Tree): Problem {
  const { wanted = 'in its range' } = notesAt(page.schema, path);
  const why = reasonAt(page.schema, path);
  const found = tree.is === 'scalar' ? `${tree.value}` : 'empty';
  return valueProblem(page, path, {
    code: 'config/value',
    summary: `${pathName(path)} is ${found}, not ${wanted}`,
    ...(why === undefined ? {} : { why }),
    try: exampleLine(page, path),
  });
}

/** A value of another type than its field's: a number where a text belongs, a text where a list belongs. */
export function wrongType(page: Page, path: Path, tree: Tree, expected: string): Problem {
  const name = NAMES[expected] ?? 'what belongs here';
  const why = reason(tree, expected) ?? (path.length === 0 ? keysOf(page) : reasonAt(page.schema, path));
  return valueProblem(page, path, {
    code: 'config/type',
    summary: `${pathName(path)} is ${typeOf(tree)}, not ${name}`,
    ...(why === undefined ? {} : { why }),
    try: remedy(page, path, tree, expected),
  });
}

function keysOf(page: Page): string {
  return `its keys are ${keysAt(page.schema, []).join(', ')}`;
}

function reason(tree: Tree, expected: string): string | undefined {
  if (tree.is !== 'scalar') return undefined;
  const { plain, value } = tree;
  if (plain === undefined)
    return typeof value === 'string' && expected !== 'object' ? 'in quotes it is text' : undefined;
  if (expected !== 'string') return undefined;
  return Number.isFinite(value) && `${value}` !== plain
    ? `without quotes ${plain} is the number ${value}`
    : `without quotes ${plain} is ${typeOf(tree)} to YAML`;
}

function remedy(page: Page, path: Path, tree: Tree, expected: string): string {
  const key = path.at(-1);
  if (key === undefined) {
    return 'begin with the file that `landfall init` writes; each line is `key: value`, with a space after the colon';
  }
  const word = tree.is === 'scalar' ? (tree.plain ?? (typeof tree.value === 'string' ? tree.value : '')) : '';
  if (word === '') return exampleLine(page, path);
  if (expected === 'boolean' && /^(yes|y|on|true)$/i.test(word)) return `${key}: true`;
  if (expected === 'boolean' && /^(no|n|off|false)$/i.test(word)) return `${key}: false`;
  if (/^(int|number)$/.test(expected) && /^\d{1,9}$/.test(word) && takes(page, path, Number(word)))
    return `${key}: ${Number(word)}`;
  const address = /address$/i.test(`${key}`);
  if (expected === 'string' && !address && takes(page, path, word)) return `${key}: ${JSON.stringify(word)}`;
  const [first = ''] = keysAt(page.schema, path);
  if (expected === 'object' && takes(page, [...path, first], word)) {
    const inner = textLine([first], word);
    return typeof key === 'number' ? `- { ${inner} }` : `${key}: { ${inner} }`;
  }
  if (expected === 'array' && takes(page, [...path, 0], word)) return `${key}: [${scalar(word)}]`;
  return exampleLine(page, path);
}

function typeOf(tree: Tree): string {
  if (tree.is === 'map') return 'a map of keys';
  if (tree.is === 'list') return 'a list';
  const value = tree.is === 'scalar' ? tree.value : undefined;
  if (value === null) return 'empty';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : 'a number';
}
