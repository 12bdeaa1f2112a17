import { join } from 'node:path';
import type { Context } from './context.ts';

/*
 * What can stand in a command line, for completion: fast, and without asking anybody. Nothing here may fail: where nothing
 * is known, nothing is proposed.
 */

async function clusterText(context: Context): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return readFile(join(context.process.cwd, 'cluster.yaml'), 'utf8').catch(() => '');
}

/** The nodes of ./cluster.yaml, found without parsing it as YAML: that would cost more than the answer is worth. */
export async function nodeNames(context: Context): Promise<readonly string[]> {
  const text = await clusterText(context);
  const nodes = text.slice(Math.max(0, text.search(/^nodes:/m)));
  return [...nodes.matchAll(/^\s*-\s*\{?\s*(?:.*[,\s])?name:\s*["']?([\w.-]+)/gm)].map((m) => m[1] ?? '');
}

/** Every step's name. */
export async function stepNames(): Promise<readonly string[]> {
  const { STEP_NAMES } = await import('./step-names.ts');
  return STEP_NAMES.map(([, step]) => step);
}

/** What --only takes: phases, subjects, steps. */
export async function partNames(): Promise<readonly string[]> {
  const { STEP_NAMES } = await import('./step-names.ts');
  const subjects = STEP_NAMES.map(([, step]) => step.slice(0, step.indexOf('/')));
  return [
    ...new Set([...STEP_NAMES.map(([phase]) => phase), ...subjects, ...STEP_NAMES.map(([, step]) => step)]),
  ];
}

/** The runs of the cluster of ./cluster.yaml. */
export async function runNames(context: Context): Promise<readonly string[]> {
  const { readdir } = await import('node:fs/promises');
  const { historyFolder } = await import('../run/history.ts');
  const name = /^name:\s*["']?([\w.-]+)/m.exec(await clusterText(context))?.[1];
  if (name === undefined) return [];
  try {
    return await readdir(historyFolder(name, { ...context.process.env }));
  } catch {
    return [];
  }
}

/** The hosts of all labs. */
export async function labHostNames(): Promise<readonly string[]> {
  const { findLab, labNames } = await import('../lab/lab.ts');
  try {
    const labs = await Promise.all((await labNames()).map(findLab));
    return labs.flatMap((lab) => lab?.hosts.map((host) => host.name) ?? []);
  } catch {
    return [];
  }
}

/** The hosts the user's ssh_config names. */
export async function sshHostNames(context: Context): Promise<readonly string[]> {
  const { hostAliases } = await import('../ssh/aliases.ts');
  return (await hostAliases(context.process.env)).map(({ name }) => name);
}
