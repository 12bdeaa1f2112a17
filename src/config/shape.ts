import type * as z from 'zod';
import type { Problem } from '../model/problem.ts';
import { ambiguities } from './ambiguity.ts';
import { exampleLine, takes, textLine } from './example.ts';
import { fieldName, fieldsOf, keysAt, notesAt, pathName, reasonAt } from './fields.ts';
import { formatHint } from './hints.ts';
import { nearest } from './nearest.ts';
import { ownValue, ownWord } from './other-words.ts';
import { keyProblem, type Page, valueProblem, type Wrong, wrongPaths } from './page.ts';
import { type Path, toValue, treeAt } from './tree.ts';
import { wrongSize, wrongType } from './wrong-type.ts';

/** What a check of form gives: the data when all of it is right, the problems, and where they are. */
export interface Shaped<T> {
  readonly data?: T;
  readonly problems: readonly Problem[];
  readonly wrong: Wrong;
}

/** Checks the form of a file: every unknown, missing and malformed field is a problem of its own. */
export function checkShape<S extends z.ZodType>(page: Page & { readonly schema: S }): Shaped<z.output<S>> {
  // Each file is checked once: to compile functions for that first would take longer than to do without.
  const parsed = page.schema.safeParse(toValue(page.tree), { jitless: true });
  const issues = parsed.success ? [] : (parsed.error.issues as readonly z.core.$ZodIssue[]);
  const meant = new Set<string>();
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey(page, issue.path as Path, key, meant))
      : [],
  );
  const others = issues
    .filter((issue) => issue.code !== 'unrecognized_keys')
    .map((issue) => ({ issue, path: issue.path as (string | number)[] }));
  const wrong = wrongPaths(others.map(({ path }) => path));
  const problems = [
    ...unknown,
    ...others.flatMap(({ issue, path }) => malformed(page, path, issue, meant)),
    ...ambiguities(page, page.tree, [], wrong),
  ];
  return parsed.success && problems.length === 0
    ? { data: parsed.data, problems, wrong }
    : { problems, wrong };
}

/** Notes in `meant` which field was probably meant, so that it is not told to be missing as well. */
function unknownKey(page: Page, path: Path, key: string, meant: Set<string>): Problem {
  const known = keysAt(page.schema, path);
  const word = ownWord(key);
  const here = known.find((name) => name === word) ?? nearest(key, known);
  const there =
    here === undefined
      ? fieldsOf(page.schema).find(({ name }) => name.split('.').at(-1) === (word ?? key))?.name
      : undefined;
  const where = path.length === 0 ? page.text.file : pathName(path);
  if (here !== undefined) meant.add(pathName([...path, here]));
  const parts = {
    code: 'config/unknown-key',
    summary: `${where} has no field ${key.slice(0, 60)}`,
    why:
      there === undefined ? `its fields are ${known.join(', ')}` : `that is written under ${parentOf(there)}`,
    try: here !== undefined ? `write ${here}` : there !== undefined ? `write ${there}` : 'take it out',
  };
  const guess = here ?? there;
  return keyProblem(
    page,
    [...path, key],
    parts,
    guess === undefined ? 'not known' : `did you mean ${guess}?`,
  );
}

function parentOf(name: string): string {
  const parent = name.split('.').slice(0, -1).join('.');
  return parent === '' ? 'no other key' : parent;
}

function malformed(
  page: Page,
  path: Path,
  issue: z.core.$ZodIssue,
  meant: ReadonlySet<string>,
): readonly Problem[] {
  const tree = treeAt(page.tree, path);
  if (tree?.is === 'broken') return [];
  if (tree === undefined) return meant.has(pathName(path)) ? [] : [missing(page, path)];
  if (issue.code === 'invalid_key') {
    const parts = {
      code: 'config/key',
      summary: `${pathName(path.slice(0, -1))} has a key that does not belong there`,
      why: reasonAt(page.schema, path.slice(0, -1)) ?? 'its keys have a format',
      try: 'take it out',
    };
    return [keyProblem(page, path, parts)];
  }
  if (tree.is === 'scalar' && tree.value === null) return [empty(page, path)];
  if (issue.code === 'too_small' || issue.code === 'too_big') return [wrongSize(page, path, tree)];
  if (tree.is === 'scalar' && typeof tree.value === 'string') {
    if (issue.code === 'invalid_value') return [notOneOf(page, path, tree.value, issue.values)];
    if (issue.code === 'invalid_format') return [misspelt(page, path, tree.value)];
  }
  return [wrongType(page, path, tree, 'expected' in issue ? String(issue.expected) : '')];
}

function missing(page: Page, path: Path): Problem {
  const parent = path.slice(0, -1);
  const why = reasonAt(page.schema, path);
  return valueProblem(page, path, {
    code: 'config/missing',
    summary: `${parent.length === 0 ? page.text.file : pathName(parent)} has no ${path.at(-1)}`,
    ...(why === undefined ? {} : { why }),
    try: `add   ${exampleLine(page, path)}`,
  });
}

function empty(page: Page, path: Path): Problem {
  if (path.length === 0) {
    return valueProblem(page, path, {
      code: 'file/empty',
      summary: `${page.text.file} says nothing`,
      why: 'it holds no key, only comments or nothing at all',
      try: 'landfall init writes one to begin with',
    });
  }
  const { byDefault } = notesAt(page.schema, path);
  const why = reasonAt(page.schema, path);
  const otherwise = byDefault === undefined ? '' : `   or take the line out for the default, ${byDefault}`;
  return valueProblem(page, path, {
    code: 'config/empty',
    summary: `${pathName(path)} is empty`,
    ...(why === undefined ? {} : { why }),
    try: `${exampleLine(page, path)}${otherwise}`,
  });
}

function notOneOf(page: Page, path: Path, value: string, values: readonly unknown[]): Problem {
  const known = values.map(String);
  const meant = ownValue(fieldName(path), value) ?? nearest(value, known);
  const only = meant ?? (known.length === 1 ? known[0] : undefined);
  const parts = {
    code: 'config/value',
    summary: `${pathName(path)} is not ${known.join(' or ')}`,
    why: reasonAt(page.schema, path) ?? 'no other value is known',
    try: only === undefined ? known.map((one) => textLine(path, one)).join('   or   ') : textLine(path, only),
  };
  return valueProblem(page, path, parts, meant === undefined ? undefined : `did you mean ${meant}?`);
}

function misspelt(page: Page, path: Path, value: string): Problem {
  const { wanted = 'of the format of this field', format } = notesAt(page.schema, path);
  const { why = format, ...hint } = formatHint(fieldName(path), value);
  const better =
    hint.value !== undefined && takes(page, path, hint.value) ? textLine(path, hint.value) : undefined;
  return valueProblem(page, path, {
    code: 'config/format',
    summary: `${pathName(path)} is not ${wanted}`,
    ...(why === undefined ? {} : { why }),
    try: better ?? hint.try ?? exampleLine(page, path),
  });
}
