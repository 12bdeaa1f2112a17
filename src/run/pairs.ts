import pMap from 'p-map';
import type { PairAnswer } from '../model/pair.ts';
import { parseRecords } from '../shell/parse.ts';
import { sh } from '../shell/sh.ts';
import { askPairs } from '../steps/pairs-asking.ts';
import { parsePairs, peersOf, questionsOf } from '../steps/pairs.ts';
import { plainScript } from './script.ts';
import { AT_ONCE, hostOf, type Site, type Survey } from './survey.ts';

/** Has every host that answers ask the others, in one round trip each. One that ends in the middle of it has told nothing. */
export async function askAllPairs(site: Site, { plan, facts }: Survey): Promise<readonly PairAnswer[]> {
  const nodes = site.cluster.nodes.filter(({ name }) => facts[name] !== undefined);
  const told = await pMap(
    nodes,
    async (node) => {
      const own = facts[node.name];
      if (own === undefined) return [];
      const scene = { cluster: site.cluster, lock: plan.lock, node, facts: own, hosts: facts };
      const questions = peersOf(scene).flatMap((peer) => questionsOf(scene, peer, true));
      const script = plainScript(sh`
        said=$(${askPairs(questions)}
        )
        say pairs "$(b64 "$said")"`);
      const { stdout } = await hostOf(site, node.name)
        .run(script)
        .catch(() => ({ stdout: '' }));
      const said = parseRecords(stdout).find((r) => r.is === 'said' && r.word === 'pairs');
      return said?.is === 'said' ? parsePairs(node.name, said.texts[0] ?? '') : [];
    },
    { concurrency: AT_ONCE },
  );
  return told.flat();
}
