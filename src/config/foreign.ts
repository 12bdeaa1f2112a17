import type { Problem } from '../model/problem.ts';
import { type Page, valueProblem } from './page.ts';
import { type Path, treeAt } from './tree.ts';

const FORMAT = 'landfall/v1';

/**
 * Takes a file that is to be of the given kind; gives the one problem that counts when it is another program's, another
 * kind, or of another version of the format: its fields are then not judged one by one.
 */
export function foreign(page: Page, kind: string): Problem | undefined {
  const text = (path: Path) => {
    const tree = treeAt(page.tree, path);
    return tree?.is === 'scalar' && typeof tree.value === 'string' ? tree.value : undefined;
  };
  const apiVersion = text(['apiVersion']);
  const ownKind = text(['kind']);
  if (
    apiVersion === undefined ||
    (apiVersion === FORMAT && (ownKind === undefined || !['Cluster', 'Lock'].includes(ownKind)))
  ) {
    return undefined;
  }
  if (/^landfall\/v\d+/.test(apiVersion)) {
    if (apiVersion === FORMAT) return ownKind === kind ? undefined : otherKind(page, kind, ownKind ?? '');
    return valueProblem(page, ['apiVersion'], {
      code: 'file/format',
      summary: `${page.text.file} is of the format ${apiVersion}`,
      why: `this Landfall reads ${FORMAT}`,
      try: 'use the Landfall it was written with or for, or take the file of this one',
    });
  }
  if (!/^(v\d|[\w.-]+\/v\d)/.test(apiVersion) || /^land/i.test(apiVersion)) return undefined;
  return valueProblem(page, ['apiVersion'], {
    code: 'file/foreign',
    summary: `${page.text.file} is a file of another program: ${apiVersion.slice(0, 60)}${ownKind === undefined ? '' : `, ${ownKind.slice(0, 60)}`}`,
    why: `Landfall reads files of the format ${FORMAT}`,
    try: 'landfall init writes one; -f FILE names another',
  });
}

function otherKind(page: Page, kind: string, found: string): Problem {
  return valueProblem(page, ['kind'], {
    code: 'file/format',
    summary: `${page.text.file} is a ${found}, not a ${kind}`,
    why:
      kind === 'Cluster'
        ? 'a lock holds versions; what the cluster is to be, cluster.yaml says'
        : 'a lock holds versions alone',
    try: kind === 'Cluster' ? 'name the cluster file with --file' : 'restore the lock from git',
  });
}
