import { randomBytes } from 'node:crypto';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { home } from '../files/places.ts';
import { controlPlanes } from '../model/cluster.ts';
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

/** Prints the administrator's kubeconfig, or merges it into the user's. */
export const kubeconfig: Action<KubeconfigFlags> = async (context, flags) => {
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  const seat = controlPlanes(cluster)[0];
  if (seat === undefined) throw new Error('a cluster without a control plane was loaded');
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const at = flags.address === undefined ? await outside(loaded, seat) : { address: flags.address };
    const text = await during(context, flags, `asking ${seat.name}`, () =>
      fetchKubeconfig(hostOf(site, seat.name), cluster, at),
    );
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
