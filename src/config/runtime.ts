import type { Problem } from '../model/problem.ts';
import { registryHost } from '../model/registries.ts';
import { type Draft, listPaths, nodePaths, textAt } from './draft.ts';
import { valueProblem } from './page.ts';

/** Checks what containerd, where a node has it, cannot do as it is written. */
export function checkRuntime(draft: Draft): readonly Problem[] {
  const cluster = textAt(draft, ['runtime']);
  const has = nodePaths(draft).some(
    (node) => (textAt(draft, [...node, 'runtime']) ?? cluster) === 'containerd',
  );
  if (!has) return [];
  const places = [
    ...listPaths(draft, ['registries', 'mirrors']).map((path) => [...path, 'of']),
    ...listPaths(draft, ['registries', 'logins']).map((path) => [...path, 'at']),
  ];
  return places.flatMap((path) => {
    const place = textAt(draft, path);
    if (place === undefined || !place.includes('/')) return [];
    const parts = {
      code: 'registries/part',
      summary: `containerd knows registries, and no parts of them such as ${place}`,
      why: 'it looks for mirrors and logins by the name of a host; what is written for a part would hold for all of it, or for nothing',
      try: `${String(path.at(-1))}: ${registryHost(place)}   or runtime: cri-o`,
    };
    return [valueProblem(draft.page, path, parts)];
  });
}
