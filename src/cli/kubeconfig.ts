import { randomBytes } from 'node:crypto';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { home } from '../files/places.ts';
import { controlPlanes, type Node } from '../model/cluster.ts';
import { type ExitCode, Problem } from '../model/problem.ts';
import { fetchKubeconfig, merge } from '../run/kubeconfig.ts';
import { hostOf } from '../run/survey.ts';
import type { Action } from './command.ts';
import type { Context } from './context.ts';
import { path } from './place.ts';
import { outside, withSite } from './site.ts';
import { load } from './source.ts';
import { during, talk } from './talk.ts';

/** What kubeconfig takes. */
export interface KubeconfigFlags {
  readonly merge: boolean;
  readonly address?: string;
}

/** The file kubectl reads: the first of $KUBECONFIG, or ~/.kube/config. */
function ownFile(context: Context): string {
  const { env } = context.process;
  const first = (env['KUBECONFIG'] ?? '').split(delimiter).find((file) => file !== '');
  return first === undefined ? join(home(env), '.kube', 'config') : path(context, {}, first);
}

/** Merges into the user's file: a copy of it is kept, and the new one takes its name whole. */
async function mergeInto(file: string, addition: string): Promise<string | undefined> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Problem({
      code: 'kubeconfig/refused',
      summary: `${file} cannot be read`,
      saw: error.message,
      try: 'landfall kubeconfig >FILE writes it elsewhere',
      exit: 1,
    });
  });
  const after = merge(before ?? '', addition);
  makeFolder(dirname(file), 0o700);
  const backup = before === undefined || before === after ? undefined : `${file}.before-landfall`;
  if (backup !== undefined) await copyFile(file, backup);
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, after, { mode: 0o600, flag: 'wx' });
  await rename(draft, file);
  return backup;
}

/** What the first of these nodes gives that has it to give. @throws what kept us from the first of them, when none does. */
async function fromFirst<T>(nodes: readonly Node[], ask: (node: Node) => Promise<T>): Promise<T> {
  let first: unknown;
  for (const node of nodes) {
    try {
      return await ask(node);
    } catch (error) {
      first ??= error;
      // One that is away, or yet to join.
      if (!(error instanceof Problem) || (error.exit !== 4 && error.code !== 'kubeconfig/none')) throw error;
    }
  }
  throw first;
}

/** Prints the administrator's kubeconfig, or merges it into the user's. */
export const kubeconfig: Action<KubeconfigFlags> = async (context, flags) => {
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const text = await fromFirst(controlPlanes(cluster), async (seat) => {
      const at = flags.address === undefined ? await outside(loaded, seat) : { address: flags.address };
      return during(context, flags, `asking ${seat.name}`, () =>
        fetchKubeconfig(hostOf(site, seat.name), cluster, at),
      );
    });
    if (!flags.merge) {
      context.process.stdout.write(text);
      return 0;
    }
    const file = ownFile(context);
    const backup = await mergeInto(file, text);
    talk(
      context,
      flags,
      `Merged ${cluster.name} into ${file}; it is the current context.${backup === undefined ? '' : ` The file as it was: ${backup}`}`,
    );
    return 0;
  });
};
