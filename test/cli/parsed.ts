import { buildCommand, buildRouteMap, type Command, type RouteMap, run } from '@stricli/core';
import { application, COMMANDS } from '../../src/cli/app.ts';
import type { Context } from '../../src/cli/context.ts';
import { arranged } from '../../src/cli/flags.ts';
import { fake } from './fake.ts';

type Tree = Command<Context> | RouteMap<Context>;

/** The same tree, with the same words and flags, whose commands only note that they were called. */
function twin(tree: Tree, onCall: () => void): Tree {
  if (!('getAllEntries' in tree)) {
    const parameters = tree.parameters as never;
    return buildCommand<object, [], Context>({ func: onCall, parameters, docs: { brief: tree.brief } });
  }
  const routes = tree
    .getAllEntries()
    .map((entry) => [entry.name.original, twin(entry.target, onCall)] as const);
  const own = tree as RouteMap<Context> & { readonly getDefaultCommand?: () => Command<Context> | undefined };
  const usual = routes.find(([name]) => name === 'list' && own.getDefaultCommand?.() !== undefined)?.[0];
  return buildRouteMap<string, Context>({
    routes: Object.fromEntries(routes) as never,
    docs: { brief: tree.brief },
    ...(usual === undefined ? {} : { defaultCommand: usual as never }),
  });
}

/** Whether a command line is one that Landfall understands: nothing is done. Gives what it says against it, or ''. */
export async function objection(words: readonly string[]): Promise<string> {
  let called = false;
  const tree = twin(COMMANDS, () => {
    called = true;
  });
  const it = fake();
  await run(application(tree as RouteMap<Context>), arranged(words), { process: it.process });
  const isHelp = it.out() !== '';
  return called || isHelp ? '' : it.err() || 'nothing was called';
}
