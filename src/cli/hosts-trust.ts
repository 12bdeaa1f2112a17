import { type ExitCode, Problem } from '../model/problem.ts';
import { documentText } from '../report/json.ts';
import type { Look } from '../report/look.ts';
import { count, listed } from '../report/words.ts';
import { hopsTo } from '../ssh/resolve.ts';
import type { Target } from '../ssh/target.ts';
import { examineTrust, pinKeys, type Trust } from '../ssh/trust.ts';
import { ask, confirm, isAnswerable } from './ask.ts';
import { choiceOf } from './choice.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { lookOf } from './sight.ts';
import { targets } from './site.ts';
import { load } from './source.ts';
import { during, talk } from './talk.ts';

/** What hosts trust takes. */
export interface HostsTrustFlags {
  readonly yes: boolean;
}

type Flags = HostsTrustFlags & CommonFlags;

const STATES: Readonly<Record<Trust['state'], string>> = {
  known: 'known',
  new: 'never seen before',
  changed: 'CHANGED since it was last seen',
  revoked: 'REVOKED',
};

function shownLines(trust: Trust, look: Look): string {
  const { paint, signs } = look;
  const { state, way, target } = trust;
  const sign =
    state === 'known'
      ? paint.right(signs.right)
      : state === 'new'
        ? paint.unknown(signs.unknown)
        : paint.wrong(signs.wrong);
  const keys = trust.shown.map((key) => {
    const [type = ''] = key.text.split(' ');
    return `      ${type.padEnd(20)} ${key.fingerprint}${key.known || state === 'new' ? '' : '   not the one that is known'}`;
  });
  const head = `  ${sign} ${paint.strong(target.name)}   ${way.hostname} port ${way.port}   ${STATES[state]}`;
  return `${[head, ...(state === 'known' ? [] : keys)].join('\n')}\n`;
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

/** Takes a key that is new after a yes, a changed one only after the host's name was typed. Tells whether it is trusted now. */
async function settle(context: Context, flags: Flags, trust: Trust, agreed: boolean): Promise<boolean> {
  const { target, state } = trust;
  if (state === 'known') return true;
  if (state === 'new') {
    if (!agreed) return false;
    const file = await pinKeys(trust);
    talk(context, flags, `${target.name} is trusted${file === undefined ? '' : `: written to ${file}`}.`);
    return true;
  }
  if (state === 'revoked' || !isAnswerable(context, flags)) {
    await pinKeys(trust);
    return false;
  }
  talk(
    context,
    flags,
    `\n${target.name} shows another key than before. Unless you know why (it was installed anew), somebody may be in between.`,
  );
  const typed = await ask(context, flags, `Type ${target.name} to forget the old key and trust this one: `);
  if (typed !== target.name) return false;
  await pinKeys(trust, { typedName: typed });
  return true;
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
    if (!flags.json) stdout.write(look.spell(shownLines(trust, look)));
    const needsYes = state === 'new' && !flags.yes && !flags.json;
    if (needsYes) {
      talk(
        context,
        flags,
        '    Compare with what its own console says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
      );
    }
    const agreed = needsYes
      ? await confirm(context, flags, `  Trust ${target.name}?`, 'landfall hosts trust --yes')
      : flags.yes;
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
