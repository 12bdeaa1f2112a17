import { Problem } from '../model/problem.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { lookOf } from './sight.ts';

type AskFlags = Pick<CommonFlags, 'noInput' | 'json' | 'color'>;

/** Whether there is anybody to answer. */
export function isAnswerable(context: Context, flags: Pick<CommonFlags, 'noInput' | 'json'>): boolean {
  const { stdin, stderr } = context.process;
  return !flags.noInput && !flags.json && stdin.isTTY === true && stderr.isTTY === true;
}

/** Asks on standard error and takes a line, without blanks around it; undefined at the end of input. */
export async function answerTo(
  context: Context,
  flags: Pick<CommonFlags, 'color'>,
  question: string,
): Promise<string | undefined> {
  const { stdin, stderr } = context.process;
  stderr.write(lookOf(context, stderr, flags).spell(question));
  const answer = await stdin.line();
  if (answer === undefined) stderr.write('\n');
  return answer?.trim();
}

/** Asks on standard error and takes a line; empty at the end of input. */
export async function ask(
  context: Context,
  flags: Pick<CommonFlags, 'color'>,
  question: string,
): Promise<string> {
  return (await answerTo(context, flags, question)) ?? '';
}

/** Before anything is done that would need an answer later. @throws Problem `ask/nobody` (exit 2) when nobody can answer. */
export function needSomebody(
  context: Context,
  flags: Pick<CommonFlags, 'noInput' | 'json'>,
  otherwise: string,
): void {
  if (isAnswerable(context, flags)) return;
  throw new Problem({
    code: 'ask/nobody',
    summary: 'this needs a yes, and there is nobody to ask',
    try: otherwise,
    exit: 2,
  });
}

/** Asks yes or no; no is what anything but a yes means. @throws Problem `ask/nobody` (exit 2) when nobody can answer. */
export async function confirm(
  context: Context,
  flags: AskFlags,
  question: string,
  otherwise: string,
): Promise<boolean> {
  needSomebody(context, flags, otherwise);
  return /^y(es)?$/i.test(await ask(context, flags, `${question} [y/N] `));
}
