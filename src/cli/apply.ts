import type { ExitCode } from '../model/problem.ts';
import { needSomebody } from './ask.ts';
import type { ChoiceFlags } from './choice.ts';
import type { Action } from './command.ts';
import { checkPromise, type MoveFlags } from './moving.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { wishOf } from './wish.ts';

/** What apply takes. */
export interface ApplyFlags extends ChoiceFlags, MoveFlags {
  readonly yes: boolean;
  readonly prove: boolean;
  readonly noProof: boolean;
  readonly olderFile: boolean;
  readonly patience?: number;
}

/** What is said to whoever cannot be asked. */
export const APPLY_UNASKED = 'landfall apply --yes';

/** Makes the hosts what cluster.yaml says. */
export const apply: Action<ApplyFlags> = async (context, flags, [file]) => {
  const loaded = await load(context, flags);
  checkPromise(flags, loaded.cluster);
  const wish = await wishOf(context, flags, loaded, file);
  if (file === undefined && !flags.yes) needSomebody(context, flags, APPLY_UNASKED);
  return withSite(loaded, async (site): Promise<ExitCode> => {
    // Loaded while the hosts are being connected to.
    const { applying } = await import('./applying.ts');
    return applying(context, flags, { loaded, site, wish });
  });
};
