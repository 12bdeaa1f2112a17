import { Problem } from '../model/problem.ts';
import { problemText } from '../report/problem.ts';
import { printable, wrap } from '../report/width.ts';
import { hostAliases } from '../ssh/aliases.ts';
import type { Target } from '../ssh/target.ts';
import { answerTo, isAnswerable } from './ask.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { addressesText, aroundText, machineText } from './found.ts';
import type { HostWord } from './host-word.ts';
import type { Partner } from './interview.ts';
import { type Met, meet } from './meet.ts';
import type { Question } from './questions.ts';
import { lookOf } from './sight.ts';
import { talk } from './talk.ts';

/** How the hosts an interview is about are reached. */
export interface Ways {
  readonly user?: string;
  /** An ssh_config in place of the user's own. */
  readonly config?: string;
  /** Whether no host is to be asked anything. */
  readonly offline: boolean;
}

/** The partner of an interview: whoever sits at this terminal, if anybody does, and real hosts. */
export function partner(
  context: Context,
  flags: CommonFlags & { readonly yes: boolean; readonly lab?: string },
  ways: Ways,
): Partner {
  const { stderr, env } = context.process;
  const look = lookOf(context, stderr, flags);
  const { paint, signs } = look;
  // A lab is there for trying things out: what it is told can be had again in a minute.
  const asks = isAnswerable(context, flags) && !flags.yes && flags.lab === undefined;
  const show = (text: string): unknown => stderr.write(look.spell(text));

  const ask = async ({ why, choices = [], prompt, proposal }: Question): Promise<string> => {
    if (why !== undefined) {
      const reason = wrap(why, look.columns - 4).map((line) => `  ${paint.faint(line)}\n`);
      show(`\n${[...reason, ...choices.map((choice) => `    ${printable(choice)}\n`)].join('')}`);
    }
    const shown = proposal === undefined ? '' : ` [${proposal}]`;
    const answer = await answerTo(context, flags, `  ${prompt}${shown}: `);
    if (answer !== undefined) return answer;
    throw new Problem({
      code: 'init/unfinished',
      summary: 'there are no more answers; nothing was written',
      try: 'landfall init again, or give it what it asks for: landfall init --help',
      exit: 130,
    });
  };

  const tell = (host: HostWord, met: Met): void => {
    if (met.is === 'read') {
      const row = (label: string, text: string): string => {
        const lines = wrap(printable(text), look.columns - 18);
        return lines.map((line, i) => `      ${(i === 0 ? label : '').padEnd(12)}${line}\n`).join('');
      };
      const head = `  ${paint.right(signs.right)} ${paint.strong(host.address)}   ${printable(machineText(met.facts))}\n`;
      const rows = [head, row('has', addressesText(met.facts)), row('around it', aroundText(met.around))];
      if (asks) show(`\n${rows.join('')}`);
    } else if (met.is === 'unread' && asks) {
      show(`\n${problemText([met.problem], look)}`);
    } else if (met.is === 'unread') {
      const { summary, try: remedy } = met.problem;
      const text = `${host.address} was not read: ${summary}. What the file says of it and of networks is supposed.`;
      talk(context, flags, remedy === undefined ? text : `${text}\n  try    ${remedy}`);
    }
  };

  return {
    asks,
    ask,
    refuse: ({ summary, why }) => {
      const lines = wrap(why === undefined ? summary : `${summary}; ${why}`, look.columns - 6);
      show(lines.map((line, i) => `  ${i === 0 ? paint.wrong(signs.wrong) : ' '} ${line}\n`).join(''));
    },
    aliases: () => hostAliases(env, ways.config),
    meet: async (host) => {
      if (ways.offline) return { is: 'unasked' };
      const met = await meet(context, flags, targetOf(host, ways), asks);
      tell(host, met);
      return met;
    },
  };
}

function targetOf({ address, user, port }: HostWord, ways: Ways): Target {
  const login = user ?? ways.user;
  return {
    name: address.replace(/^[^A-Za-z0-9]+/, ''),
    address,
    ...(login === undefined ? {} : { user: login }),
    ...(port === undefined ? {} : { port }),
    ...(ways.config === undefined ? {} : { config: ways.config }),
  };
}
