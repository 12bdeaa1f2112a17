import { proposeCompletions } from '@stricli/core';
import { application } from './app.ts';
import type { Action } from './command.ts';
import { fromCommand } from './flags.ts';

/** Prints how the words so far could go on, one proposal a line. */
export const complete: Action<object> = async (context, _flags, words) => {
  const proposals = await proposeCompletions(application(), fromCommand(words), { process: context.process });
  const lines = proposals.map((p) => p.completion).filter((text) => text !== '--help-all');
  context.process.stdout.write([...new Set(lines)].map((line) => `${line}\n`).join(''));
  return 0;
};
