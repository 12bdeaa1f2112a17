import { isAbsolute, relative, resolve } from 'node:path';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';

/** The folder a command works in: -C, against the current one. */
export function folder(context: Context, flags: Pick<CommonFlags, 'directory'>): string {
  return resolve(context.process.cwd, flags.directory ?? '.');
}

/** A file as the user named it, as an absolute path. */
export function path(context: Context, flags: Pick<CommonFlags, 'directory'>, file: string): string {
  return resolve(folder(context, flags), file);
}

/** A path as short as it can be said: relative when it is below the current folder. */
export function shown(context: Context, file: string): string {
  const short = relative(context.process.cwd, file);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? file : short;
}

/** How the user calls us, with what leads to the same cluster: for the commands that are proposed. */
export function program(flags: Pick<CommonFlags, 'directory' | 'file'>): string {
  const quoted = (text: string): string =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  return [
    'landfall',
    ...(flags.directory === undefined ? [] : ['-C', quoted(flags.directory)]),
    ...(flags.file === undefined ? [] : ['-f', quoted(flags.file)]),
  ].join(' ');
}
