import { command } from './command.ts';
import type { Context } from './context.ts';
import { count, text, word, yes } from './flags.ts';
import { nodeNames } from './names.ts';
import type { RecoverConcern, RecoverFlags } from './recover.ts';

/*
 * The command for when most of etcd is gone; see commands.ts.
 */

const CONCERNS = ['majority'] as const satisfies readonly RecoverConcern[];

/** @throws Error naming them all. */
function concern(input: string): RecoverConcern {
  const found = CONCERNS.find((one) => one === input);
  if (found === undefined) throw new Error(`must be one of ${CONCERNS.join(', ')}`);
  return found;
}

export const recover = command<RecoverFlags>({
  brief: 'Begin etcd anew out of what is left of it, when most control planes are gone for good',
  more:
    'Reads every control plane that answers, and shows whose data are newest, what would be lost, and what is done. Then\n' +
    'one member is made out of one control plane’s data, or out of a snapshot, and the others join it afresh; all objects\n' +
    'keep their UIDs. The data as they were stay on that host. Refused while etcd decides, or while enough of it is left\n' +
    'to decide again. Asks for the cluster’s name to be typed; without anybody to ask, --cluster NAME and --yes are both\n' +
    'needed. Cut short, the same command goes on.',
  examples: [
    ['recover', 'shows what is left and what it means, and asks for the name'],
    ['recover --from cp-1 --cluster harbour --yes', 'out of that one’s data; for scripts'],
    ['recover --from cp-1 --snapshot /root/etcd.db', 'out of a snapshot that lies on cp-1'],
  ],
  flags: {
    from: {
      kind: 'parsed',
      parse: word,
      optional: true,
      brief: 'Out of this control plane’s data, or on its host (the one whose data are newest)',
      placeholder: 'NODE',
      proposeCompletions(this: Context) {
        return nodeNames(this);
      },
    },
    snapshot: text('Out of this snapshot, a file on that host, in place of the data there', 'PATH'),
    despite: {
      kind: 'parsed',
      parse: concern,
      variadic: true,
      default: [],
      brief: `What may stand against it: ${CONCERNS.join(', ')}`,
      placeholder: 'CONCERN',
    },
    cluster: text('The cluster’s name, as a promise that you mean it', 'NAME'),
    yes: yes('Do not ask'),
    patience: count('How long to look for a host that is lost (600)', 'SECONDS'),
  },
  ends: {
    0: 'the cluster answers again, and every host that answers is a member',
    1: 'a step failed: the same command goes on from there',
    2: 'the name that was typed is not the cluster’s; nothing was changed',
    4: 'no control plane that has data can be reached',
    5: 'refused: etcd decides, or could decide again, or somebody else works on a host',
  },
  load: async () => (await import('./recover.ts')).recover,
});
