import {
  type Application,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  type RouteMap,
  run as runStricli,
  type StricliIntegration,
  text_en,
} from '@stricli/core';
import * as commands from './commands.ts';
import * as lab from './commands-lab.ts';
import * as node from './commands-node.ts';
import { recover } from './commands-recover.ts';
import * as runs from './commands-runs.ts';
import type { CliProcess, Context } from './context.ts';
import { arranged } from './flags.ts';
import { helpText, kebab } from './help.ts';
import { lookOf } from './sight.ts';
import { ownVersion } from './version.ts';

/** The tree of all commands. */
export const COMMANDS = buildRouteMap<string, Context>({
  routes: {
    init: commands.init,
    validate: commands.validate,
    plan: commands.plan,
    apply: commands.apply,
    status: commands.status,
    explain: commands.explain,
    runbook: commands.runbook,
    kubeconfig: commands.kubeconfig,
    reset: commands.reset,
    node: buildRouteMap<string, Context>({
      routes: { add: node.nodeAdd, remove: node.nodeRemove, replace: node.nodeReplace },
      docs: { brief: 'Members of the cluster: node add, remove, replace' },
    }),
    recover,
    hosts: buildRouteMap<string, Context>({
      routes: { trust: commands.hostsTrust },
      docs: { brief: 'Host keys: hosts trust' },
    }),
    runs: buildRouteMap<string, Context>({
      routes: { list: runs.runsList, show: runs.runsShow, report: runs.runsReport },
      defaultCommand: 'list',
      docs: { brief: 'What was done before: runs list, show, report' },
    }),
    lab: buildRouteMap<string, Context>({
      routes: {
        up: lab.labUp,
        down: lab.labDown,
        status: lab.labStatus,
        ssh: lab.labSsh,
        break: lab.labBreak,
        logs: lab.labLogs,
      },
      docs: { brief: 'Real hosts on this machine: lab up, down, status, ssh, break, logs' },
    }),
    completion: commands.completion,
    complete: commands.complete,
  },
  docs: {
    brief:
      'From bare metal to solid ground: Kubernetes clusters with kubeadm, over plain SSH, every step explained',
    hideRoute: { complete: true },
  },
});

function wrongUse(summary: string, hint: string): string {
  return `error[usage]: ${summary}\n  try    ${hint}`;
}

/** Placeholders are in capitals, flags are not. */
const named = (name: string): string => (name === name.toUpperCase() ? name : `--${kebab(name)}`);

/** Sentences of ours in place of Stricli's. */
const TEXT = {
  ...text_en,
  noCommandRegisteredForInput: ({ input, corrections }: { input: string; corrections: readonly string[] }) =>
    wrongUse(
      `there is no command ${JSON.stringify(input)}`,
      corrections.length === 0
        ? 'landfall --help'
        : `did you mean ${corrections.map((c) => c.replaceAll('`', '')).join(' or ')}?`,
    ),
  exceptionWhileParsingArguments: (error: unknown) => {
    if (!(error instanceof ArgumentScannerError)) return wrongUse(String(error), 'the command’s --help');
    const said = formatMessageForArgumentScannerError(error, {
      FlagNotFoundError: (e) =>
        `there is no flag --${e.input.replace(/^-+/, '')}${e.corrections.length === 0 ? '' : `; did you mean ${e.corrections.map((c) => `--${c}`).join(' or ')}?`}`,
      AliasNotFoundError: (e) => `there is no flag -${e.input}`,
      UnsatisfiedFlagError: (e) => `--${kebab(e.externalFlagName)} needs a value`,
      UnexpectedPositionalError: (e) => `${JSON.stringify(e.input)} is one word too many`,
      UnsatisfiedPositionalError: (e) => `${e.placeholder} is missing`,
      UnexpectedFlagError: (e) => `--${kebab(e.externalFlagName)} was given twice`,
      EnumValidationError: (e) =>
        `--${kebab(e.externalFlagName)} is one of ${e.values.join(', ')}, not ${JSON.stringify(e.input)}`,
      ArgumentParseError: (e) =>
        `${named(e.externalFlagNameOrPlaceholder)} ${e.exception instanceof Error ? e.exception.message : String(e.exception)}, not ${JSON.stringify(e.input)}`,
    });
    return wrongUse(said, 'the same command with --help');
  },
};

type Integration = StricliIntegration<Context>;

const HELP: Integration = {
  flag: {
    brief: 'This page',
    global: true,
    aliases: ['h'],
    complete: true,
    defaultForRouteMap: true,
    run(_app, { result }) {
      const { process } = this as Context;
      const { spell } = lookOf({ process }, process.stdout, { color: 'never' });
      process.stdout.write(spell(helpText(result.target, result.prefix)));
    },
  },
};

const VERSION: Integration = {
  flag: {
    brief: 'The version',
    global: false,
    aliases: ['V'],
    complete: true,
    run() {
      this.process.stdout.write(`landfall ${ownVersion()}\n`);
    },
  },
};

/** Two mistyped letters are forgiven, in whatever way they are wrong. */
const NEAR = { threshold: 2, weights: { insertion: 1, deletion: 1, substitution: 1, transposition: 1 } };

/** All commands as one application, as Stricli runs it. */
export function application(tree: RouteMap<Context> = COMMANDS): Application<Context> {
  return buildApplication<Context>(
    tree,
    {
      name: 'landfall',
      scanner: {
        caseStyle: 'allow-kebab-for-camel',
        allowArgumentEscapeSequence: true,
        distanceOptions: NEAR,
      },
      documentation: { disableAnsiColor: true, caseStyle: 'convert-camel-to-kebab' },
      localization: { text: TEXT },
    },
    { help: HELP, version: VERSION },
  );
}

/**
 * Runs a command line. What it ends with is left in the process's `exitCode`.
 * @param inputs the words behind `landfall`.
 */
export async function runCli(inputs: readonly string[], own: CliProcess): Promise<void> {
  const words = arranged(inputs);
  await runStricli(application(), words, { process: own });
  // Stricli's own codes are negative: they are all words it did not understand.
  if (typeof own.exitCode === 'number' && own.exitCode < 0) own.exitCode = 2;
}
