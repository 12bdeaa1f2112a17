import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Problem } from '../model/problem.ts';
import { documentText } from '../report/json.ts';
import { ask, isAnswerable } from './ask.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { folder, program } from './place.ts';
import { lookOf } from './sight.ts';
import { clusterFile } from './source.ts';

/** What init takes. */
export interface InitFlags {
  readonly name?: string;
  readonly address?: string;
  readonly node?: string;
  readonly user?: string;
  readonly kubernetes?: string;
  readonly lab?: string;
  readonly force: boolean;
}

interface NewNode {
  readonly name: string;
  readonly address: string;
  readonly role: 'control-plane';
}

async function labNode(lab: string, wanted: string | undefined): Promise<NewNode> {
  const { requireHost, requireLab } = await import('../lab/lab.ts');
  const found = await requireLab(lab);
  const host = requireHost(found, wanted ?? found.hosts[0]?.name ?? 'cp-0');
  return { name: host.name, address: host.name, role: 'control-plane' };
}

async function node(context: Context, flags: InitFlags & CommonFlags): Promise<NewNode> {
  if (flags.lab !== undefined) return labNode(flags.lab, flags.node);
  const address =
    flags.address ??
    (isAnswerable(context, flags)
      ? await ask(context, flags, 'The machine’s address, DNS name or ssh_config alias: ')
      : undefined);
  if (address === undefined || address === '') {
    throw new Problem({
      code: 'init/address',
      summary: 'the machine’s address is not known',
      try: 'landfall init --address ADDRESS        or, for a lab: landfall init --lab lab',
      exit: 2,
    });
  }
  return { name: flags.node ?? 'cp-0', address, role: 'control-plane' };
}

/** Writes a commented cluster.yaml that validates. */
export const init: Action<InitFlags> = async (context, flags) => {
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
  const { initialText, suggestName } = await import('../config/write.ts');
  const { readCluster } = await import('../config/load.ts');
  const { asText } = await import('../config/text.ts');
  const text = initialText({
    name: flags.name ?? suggestName(folder(context, flags)),
    nodes: [await node(context, flags)],
    ...(flags.kubernetes === undefined ? {} : { kubernetes: flags.kubernetes }),
    ...(flags.user === undefined ? {} : { ssh: { user: flags.user } }),
    ...(flags.lab === undefined ? {} : { lab: flags.lab }),
  });
  // What was given on the command line is judged like anything else in the file, before there is one.
  const { cluster } = readCluster(asText(file === '-' ? 'the new cluster.yaml' : `the new ${file}`, text));
  const { stdout } = context.process;
  if (file === '-') {
    stdout.write(text);
    return 0;
  }
  await writeFile(file, text, { flag: flags.force ? 'w' : 'wx' });
  if (flags.json) {
    stdout.write(documentText({ format: '1.0', file, cluster: cluster.name }));
    return 0;
  }
  if (flags.quiet) return 0;
  const look = lookOf(context, stdout, flags);
  const nodes = cluster.nodes.map((n) => `${n.name} (${n.address})`).join(', ');
  const next = [
    ...(cluster.lab === undefined ? [['Trust its host key:', 'hosts trust']] : []),
    ['See what would be made:', 'plan'],
    ['Make it:', 'apply'],
  ].map(([what = '', word = '']) => `${what.padEnd(25)}${look.paint.command(`${program(flags)} ${word}`)}\n`);
  stdout.write(
    look.spell(
      `Wrote ${file}: ${cluster.name}, Kubernetes ${cluster.kubernetes} on ${nodes}.\n\n${next.join('')}`,
    ),
  );
  return 0;
};
