import type { Loaded } from '../config/load.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { path, shown } from './place.ts';

type Where = Pick<CommonFlags, 'directory' | 'file'>;

/** The cluster file meant, as a path that leads to it from where this process runs and is as short as can be. */
export function clusterFile(context: Context, flags: Where): string {
  if (flags.file === '-') return '-';
  const file = path(context, flags, flags.file ?? 'cluster.yaml');
  return context.process.cwd === process.cwd() ? shown(context, file) : file;
}

/** Loads cluster.yaml and landfall.lock. @throws Problems all that is wrong with them. */
export async function load(context: Context, flags: Where): Promise<Loaded> {
  const { loadCluster } = await import('../config/load.ts');
  return loadCluster(clusterFile(context, flags));
}

/** The cluster's name, from a cluster.yaml that may be wrong elsewhere. @throws Problems when it has none. */
export async function clusterName(context: Context, flags: Where): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const file = clusterFile(context, flags);
  const text = file === '-' ? '' : await readFile(file, 'utf8').catch(() => '');
  const name = /^name:\s*["']?([a-z0-9][a-z0-9-]*)["']?\s*(#.*)?$/m.exec(text)?.[1];
  return name ?? (await load(context, flags)).cluster.name;
}
