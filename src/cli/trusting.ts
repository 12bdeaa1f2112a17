import type { Look } from '../report/look.ts';
import { pinKeys, type Trust } from '../ssh/trust.ts';
import { ask, confirm, isAnswerable } from './ask.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { talk } from './talk.ts';

const STATES: Readonly<Record<Trust['state'], string>> = {
  known: 'known',
  new: 'never seen before',
  changed: 'CHANGED since it was last seen',
  revoked: 'REVOKED',
};

/** A host and what is known of it; below, unless it is known, the fingerprints of its keys. */
export function trustText(trust: Trust, look: Look): string {
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

/** Asks whether the keys of a host nobody here has seen are its own. @throws Problem `ask/nobody` when nobody can answer. */
export function agreedTo(context: Context, flags: CommonFlags, { target }: Trust): Promise<boolean> {
  talk(
    context,
    flags,
    '    Compare with what its own console says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
  );
  return confirm(context, flags, `  Trust ${target.name}?`, 'landfall hosts trust --yes');
}

/**
 * Writes the keys of a host down: of a new one when they were agreed to, of one that has changed only after its name was typed.
 * Tells whether it is trusted now. @throws Problem when it has changed or was revoked, and nobody can answer for it.
 */
export async function settle(
  context: Context,
  flags: CommonFlags,
  trust: Trust,
  agreed: boolean,
): Promise<boolean> {
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
