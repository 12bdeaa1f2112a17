import { type ExitCode, Problem } from '../model/problem.ts';
import { documentText } from '../report/json.ts';
import { count, listed } from '../report/words.ts';
import { hopsTo } from '../ssh/resolve.ts';
import type { Target } from '../ssh/target.ts';
import { examineTrust } from '../ssh/trust.ts';
import { choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import { lookOf } from './sight.ts';
import { targets } from './site.ts';
import { load } from './source.ts';
import { during } from './talk.ts';
import { agreedTo, settle, trustText } from './trusting.ts';

/** What hosts trust takes. */
export interface HostsTrustFlags {
  readonly yes: boolean;
}

/** The nodes meant and the jump hosts on the way to them, those first, each once. */
async function allTargets(nodes: readonly Target[]): Promise<readonly Target[]> {
  const found = new Map<string, Target>();
  const key = (t: Target): string => `${t.user ?? ''}@${t.address}:${t.port ?? ''}`;
  for (const node of nodes) {
    for (const jump of (await hopsTo(node)).slice(0, -1)) {
      if (!found.has(key(jump))) found.set(key(jump), jump);
    }
  }
  for (const node of nodes) found.set(`${node.name} ${key(node)}`, node);
  return [...found.values()];
}

/** Shows the hosts' keys, and remembers those that are agreed to. */
export const hostsTrust: Action<HostsTrustFlags> = async (context, flags, names): Promise<ExitCode> => {
  const loaded = await load(context, flags);
  const { nodes = [] } = await choiceOf({ only: [], node: names }, loaded.cluster);
  const wanted = (await targets(loaded)).filter((t) => nodes.length === 0 || nodes.includes(t.name));
  const { stdout } = context.process;
  const look = lookOf(context, stdout, flags);
  const refused: string[] = [];
  const documents: unknown[] = [];
  // One after another: what stands behind a jump host can be asked only once that is trusted.
  for (const target of await allTargets(wanted)) {
    const trust = await during(context, flags, `asking ${target.name} for its keys`, () =>
      examineTrust(target),
    );
    const { state, way, shown } = trust;
    documents.push({ name: target.name, hostname: way.hostname, port: way.port, state, keys: shown });
    if (!flags.json) stdout.write(look.spell(trustText(trust, look)));
    const needsYes = state === 'new' && !flags.yes && !flags.json;
    const agreed = needsYes ? await agreedTo(context, flags, trust) : flags.yes;
    if (!(await settle(context, flags, trust, agreed))) refused.push(target.name);
  }
  if (flags.json) stdout.write(documentText({ format: '1.0', hosts: documents }));
  if (refused.length === 0) return 0;
  if (flags.json) return 4;
  throw new Problem({
    code: 'hosts/untrusted',
    summary: `${count(refused.length, 'host')} not trusted: ${listed(refused)}`,
    why: 'Landfall talks to no host whose key is not known',
    try: 'landfall hosts trust, once you have compared the fingerprints',
    exit: 4,
  });
};
