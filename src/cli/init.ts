import { existsSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { pathFrom } from '../config/file.ts';
import { readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import { initialText, suggestName } from '../config/write.ts';
import { createFile, replaceFile } from '../files/replace.ts';
import type { Cluster, NetworkPlugin, Node } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import { documentText } from '../report/json.ts';
import { wrap } from '../report/width.ts';
import type { Action } from './command.ts';
import type { Context, StopSignal } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { hostWord } from './host-word.ts';
import { partner } from './init-partner.ts';
import { type Given, interview, type Outcome } from './interview.ts';
import { folder, path, program } from './place.ts';
import { lookOf } from './sight.ts';
import { clusterFile } from './source.ts';
import { talk } from './talk.ts';

/** What init takes. */
export interface InitFlags {
  readonly name?: string;
  readonly address?: string;
  readonly node?: string;
  readonly user?: string;
  readonly sshConfig?: string;
  readonly kubernetes?: string;
  readonly plugin?: NetworkPlugin;
  readonly lab?: string;
  readonly offline: boolean;
  readonly yes: boolean;
  readonly force: boolean;
}

type Flags = InitFlags & CommonFlags;

/** What is settled by the command line, with the ssh_config that leads to the hosts. */
interface Settled {
  readonly given: Given;
  readonly config?: string;
}

/** The hosts of a lab, by the lab's own ssh_config; nodes are called as the lab calls its hosts. The first when none is named. */
async function ofLab(given: Given, lab: string, wanted: readonly string[]): Promise<Settled> {
  const { requireHost, requireLab } = await import('../lab/lab.ts');
  const found = await requireLab(lab);
  const names = wanted.length > 0 ? wanted : [found.hosts[0]?.name ?? 'cp-0'];
  const hosts = names.map((word) => requireHost(found, word)).map(({ name }) => ({ name, address: name }));
  return { given: { ...given, lab, hosts }, config: found.sshConfig };
}

/** A path as cluster.yaml is to have it: relative to that file where it is below its folder. */
function pathInFile(context: Context, flags: Flags, file: string, config: string): string {
  if (config.startsWith('~/')) return config;
  const whole = path(context, flags, config);
  const short = relative(file === '-' ? folder(context, flags) : dirname(path(context, flags, file)), whole);
  return short.startsWith('..') || isAbsolute(short) ? whole : `./${short}`;
}

async function settled(
  context: Context,
  flags: Flags,
  file: string,
  words: readonly string[],
): Promise<Settled> {
  const { name, node, user, kubernetes, plugin, lab } = flags;
  const sshConfig =
    flags.sshConfig === undefined ? undefined : pathInFile(context, flags, file, flags.sshConfig);
  const given: Given = {
    file: file === '-' ? 'the new cluster.yaml' : `the new ${file}`,
    today: new Date(context.process.now()).toISOString().slice(0, 10),
    suggested: suggestName(folder(context, flags)),
    hosts: [...words, ...(flags.address === undefined ? [] : [flags.address])].map(hostWord),
    ...(name === undefined ? {} : { name }),
    ...(node === undefined ? {} : { node }),
    ...(user === undefined ? {} : { user }),
    ...(kubernetes === undefined ? {} : { kubernetes }),
    ...(plugin === undefined ? {} : { plugin }),
    ...(sshConfig === undefined ? {} : { sshConfig }),
  };
  if (lab !== undefined) return ofLab(given, lab, [...words, ...(node === undefined ? [] : [node])]);
  return {
    given,
    ...(sshConfig === undefined
      ? {}
      : { config: pathFrom(resolve(folder(context, flags), file), sshConfig) }),
  };
}

/** Says on a signal that nothing was written, and ends. Gives what takes it back. */
function untilWritten(context: Context, file: string): () => void {
  const { process } = context;
  const said = file === '-' ? 'Nothing was written' : `${file} was not written`;
  const codes: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 143 };
  const undo = (Object.keys(codes) as StopSignal[]).map((signal) =>
    process.onSignal(signal, () => {
      process.stderr.write(`\n${said}.\n`);
      process.exit(codes[signal]);
    }),
  );
  return () => {
    for (const call of undo) call();
  };
}

/** `cp-0 (10.0.0.11)`, or the name alone when they are one and the same. */
function called({ name, address }: Node): string {
  return name === address ? name : `${name} (${address})`;
}

function report(context: Context, flags: Flags, file: string, cluster: Cluster, outcome: Outcome): void {
  const { stdout } = context.process;
  const { met, initial } = outcome;
  const { pods, services } = cluster.network;
  if (flags.json) {
    const unread =
      met.is === 'unread' ? { unread: { code: met.problem.code, summary: met.problem.summary } } : {};
    stdout.write(documentText({ format: '1.0', file, cluster: cluster.name, pods, services, ...unread }));
    return;
  }
  if (flags.quiet) return;
  const look = lookOf(context, stdout, flags);
  const nodes = cluster.nodes.map(called).join(', ');
  const networks = (['pods', 'services'] as const).flatMap((key) => {
    const head = `  ${key.padEnd(10)}${cluster.network[key].padEnd(18)}`;
    const why = wrap((initial.remarks?.[key] ?? []).join(' '), look.columns - head.length);
    return why.map((line, i) => `${i === 0 ? head : ' '.repeat(head.length)}${line}`.trimEnd());
  });
  const isUnknown =
    met.is === 'unasked' || (met.is === 'unread' && met.problem.code.startsWith('ssh/host-key'));
  const next = [
    ...(isUnknown && cluster.lab === undefined ? [['Trust its host key:', 'hosts trust']] : []),
    ['See what would be made:', 'plan'],
    ['Make it:', 'apply'],
  ].map(([what = '', word = '']) => `${what.padEnd(25)}${look.paint.command(`${program(flags)} ${word}`)}`);
  const told = [
    `Wrote ${file}: ${cluster.name}, Kubernetes ${cluster.kubernetes} with ${cluster.network.plugin === 'none' ? 'no network plugin' : cluster.network.plugin} on ${nodes}.`,
    ...(cluster.nodes.length === 1 ? ['The only node takes workloads too.'] : []),
    ...(met.is === 'read' ? networks : []),
    '',
    ...next,
  ];
  stdout.write(look.spell(`${told.join('\n')}\n`));
}

/** Writes a commented cluster.yaml that validates, of what is given, asked and read of the host. */
export const init: Action<InitFlags> = async (context, flags, words) => {
  const file = clusterFile(context, flags);
  if (file !== '-' && existsSync(file) && !flags.force) {
    throw new Problem({
      code: 'init/exists',
      summary: `${file} is there already`,
      why: 'writing it anew would lose what it says',
      try: 'landfall validate, or init --force to replace it',
      exit: 2,
    });
  }
  const { given, config } = await settled(context, flags, file, words);
  const other = partner(context, flags, {
    offline: flags.offline,
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(config === undefined ? {} : { config }),
  });
  if (given.hosts.length === 0 && !other.asks) {
    throw new Problem({
      code: 'init/address',
      summary: 'the machine’s address is not known',
      try: 'landfall init ADDRESS        or, for a lab: landfall init --lab lab',
      exit: 2,
    });
  }
  const done = untilWritten(context, file);
  try {
    const { name, kubernetes, plugin, hosts } = given;
    const isAllGiven = [name, kubernetes, plugin, hosts[0], given.node ?? hosts[0]?.name].every(Boolean);
    const isAsking = other.asks && !isAllGiven;
    if (isAsking)
      talk(context, flags, 'Enter takes what stands in brackets; Ctrl-C leaves everything as it is.');
    const outcome = await interview(given, other);
    const text = initialText(outcome.initial);
    const { cluster } = readCluster(asText(given.file, text));
    if (file === '-') context.process.stdout.write(text);
    else if (flags.force) replaceFile(file, text);
    else createFile(file, text);
    if (isAsking) talk(context, flags, '');
    if (file !== '-') report(context, flags, file, cluster, outcome);
    return 0;
  } finally {
    done();
  }
};
