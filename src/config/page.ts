import type * as z from 'zod';
import { type Place, Problem, type ProblemParts } from '../model/problem.ts';
import { lineAt, placeOf, showableParts, type Text } from './text.ts';
import { keyAt, type Path, type Tree, treeAt } from './tree.ts';

/** A file read as a tree, and the schema its form is judged by. */
export interface Page {
  readonly text: Text;
  readonly tree: Tree;
  readonly schema: z.ZodType;
}

/** Where the value at a path stands; when there is none, its key; when there is no key, its parent's. */
export function placeAt(page: Page, path: Path, label?: string): Place {
  const tree = treeAt(page.tree, path);
  if (tree === undefined) return keyPlaceAt(page, path.slice(0, -1), label);
  const empty = tree.at.end <= tree.at.start;
  return empty || path.length === 0 ? keyPlaceAt(page, path, label) : placeOf(page.text, tree.at, label);
}

/** Where the key at a path stands; of a list item and the whole file, where it begins. */
export function keyPlaceAt(page: Page, path: Path, label?: string): Place {
  const key = keyAt(page.tree, path);
  if (key !== undefined) return placeOf(page.text, key, label);
  const tree = treeAt(page.tree, path);
  const start = tree?.at.start ?? page.tree.at.start;
  return placeOf(page.text, { start, end: path.length === 0 ? start + 1 : (tree?.at.end ?? start) }, label);
}

/** The line of a value, from 1; undefined when it is not in the file. */
export function lineOf(page: Page, path: Path): number | undefined {
  const tree = treeAt(page.tree, path);
  return tree && lineAt(page.text, tree.at.start);
}

/** A problem of a value; the process ends with 2 unless the parts say otherwise. */
export function valueProblem(
  page: Page,
  path: Path,
  parts: Omit<ProblemParts, 'where'>,
  label?: string,
): Problem {
  return new Problem({ exit: 2, ...showableParts({ ...parts }), where: placeAt(page, path, label) });
}

/** A problem of a key, be its value what it may; the process ends with 2. */
export function keyProblem(
  page: Page,
  path: Path,
  parts: Omit<ProblemParts, 'where'>,
  label?: string,
): Problem {
  return new Problem({ exit: 2, ...showableParts({ ...parts }), where: keyPlaceAt(page, path, label) });
}

/** The paths whose values are wrong or missing; what is not below one of them has its right form. */
export type Wrong = ReadonlySet<string>;

/** Takes the paths found wrong; gives them as {@link isWrong} wants them. */
export function wrongPaths(paths: readonly Path[]): Wrong {
  return new Set(paths.map((path) => JSON.stringify(path)));
}

/** Whether a path or one above it was found wrong. */
export function isWrong(path: Path, wrong: Wrong): boolean {
  if (wrong.size === 0) return false;
  return [path, ...path.map((_, i) => path.slice(0, i))].some((part) => wrong.has(JSON.stringify(part)));
}
