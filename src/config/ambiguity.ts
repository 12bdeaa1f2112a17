import type { Problem } from '../model/problem.ts';
import { pathName, schemaAt } from './fields.ts';
import { isWrong, type Page, valueProblem, type Wrong } from './page.ts';
import type { Path, Tree } from './tree.ts';

/** Values of the right form that another YAML program would read as something else: quotes end the quarrel. */
export function ambiguities(page: Page, tree: Tree, path: Path, wrong: Wrong): readonly Problem[] {
  if (tree.is === 'map')
    return [...tree.entries].flatMap(([key, entry]) => ambiguities(page, entry.value, [...path, key], wrong));
  if (tree.is === 'list')
    return tree.items.flatMap((item, i) => ambiguities(page, item, [...path, i], wrong));
  if (tree.is !== 'scalar' || tree.elsewhere === undefined) return [];
  if (schemaAt(page.schema, path) === undefined || isWrong(path, wrong)) return [];
  return [
    valueProblem(page, path, {
      code: 'yaml/ambiguous',
      summary: `${pathName(path)} is read in two ways`,
      why: `YAML 1.2 reads ${JSON.stringify(tree.value)} here, but programs of YAML 1.1 read ${tree.elsewhere}`,
      try:
        typeof tree.value === 'string'
          ? `${path.at(-1)}: ${JSON.stringify(tree.value)}`
          : `${path.at(-1)}: ${tree.value}`,
    }),
  ];
}
