import { isIPv4 } from '../model/network.ts';
import { isWrong, type Page, type Wrong } from './page.ts';
import { keyAt, type Path, treeAt } from './tree.ts';

/** A cluster.yaml whose form was checked, right or not: checks of meaning read from it what has its right form. */
export interface Draft {
  readonly page: Page;
  readonly wrong: Wrong;
}

/** The text at a path; undefined when it is not there or has not its right form. */
export function textAt(draft: Draft, path: Path): string | undefined {
  const value = valueAt(draft, path);
  return typeof value === 'string' ? value : undefined;
}

/** The scalar at a path; undefined when it is not there or has not its right form. */
export function valueAt(draft: Draft, path: Path): unknown {
  const tree = treeAt(draft.page.tree, path);
  return tree?.is === 'scalar' && !isWrong(path, draft.wrong) ? tree.value : undefined;
}

/** Whether a key is in the file, be its value right or not. */
export function isWritten(draft: Draft, path: Path): boolean {
  return keyAt(draft.page.tree, path) !== undefined;
}

/** The paths of what is in a list; none where there is no list. */
export function listPaths(draft: Draft, list: Path): readonly Path[] {
  const tree = treeAt(draft.page.tree, list);
  return tree?.is === 'list' ? tree.items.map((_, i) => [...list, i]) : [];
}

/** The paths of the nodes. */
export function nodePaths(draft: Draft): readonly Path[] {
  return listPaths(draft, ['nodes']);
}

/** How a node is called in a message: its name, or its place in the list. */
export function nodeTitle(draft: Draft, path: Path): string {
  const name = textAt(draft, [...path, 'name']);
  return name === undefined ? `nodes[${path.at(-1)}]` : `node ${name}`;
}

/** An IPv4 address of a node, with the path it stands at. */
export interface NodeAddress {
  readonly node: Path;
  readonly path: Path;
  readonly address: string;
}

/** The IPv4 addresses of one node that the file tells. */
export function addressesOf(draft: Draft, node: Path): readonly NodeAddress[] {
  return ['address', 'internalAddress'].flatMap((key) => {
    const path = [...node, key];
    const address = textAt(draft, path);
    return address !== undefined && isIPv4(address) ? [{ node, path, address }] : [];
  });
}

/** The IPv4 addresses of all nodes that the file tells. */
export function nodeAddresses(draft: Draft): readonly NodeAddress[] {
  return nodePaths(draft).flatMap((node) => addressesOf(draft, node));
}
