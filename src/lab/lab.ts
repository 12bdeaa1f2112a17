import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../files/replace.ts';
import { Problem } from '../model/problem.ts';
import { namespacePath, namesOf } from './names.ts';
import { labDir, labsDir } from './place.ts';
import { checkName, type Lab, type LabHost } from './spec.ts';

/** What `lab.json` in a lab's folder holds: all that is needed to bring the lab up again as it was. */
export interface LabFile {
  readonly format: 1;
  readonly name: string;
  readonly network: number;
  readonly diskGiB: number;
  readonly names: readonly string[];
  readonly hosts: readonly LabHost[];
}

const file = (name: string): string => join(labDir(name), 'lab.json');

/** Reads a lab's file; undefined when there is no such lab. Throws `lab/file` when it cannot be understood. */
export async function readLabFile(name: string): Promise<LabFile | undefined> {
  if (!existsSync(file(checkName('lab', name)))) return undefined;
  try {
    const read = JSON.parse(await readFile(file(name), 'utf8')) as LabFile;
    if (read.format === 1 && Array.isArray(read.hosts)) return read;
  } catch {
    // Told below, like any other content that is not ours.
  }
  throw new Problem({
    code: 'lab/file',
    summary: `${file(name)} is not a lab's file`,
    try: `landfall lab down --name ${name}   removes what is left of the lab`,
  });
}

/** Writes a lab's file, whole or not at all: a lab that is half killed is known by it. */
export function writeLabFile(lab: LabFile): void {
  replaceFile(file(lab.name), `${JSON.stringify(lab, null, 2)}\n`);
}

/** The public view of a lab's file. */
export function labOf(lab: LabFile): Lab {
  const dir = labDir(lab.name);
  return {
    name: lab.name,
    dir,
    network: lab.network,
    hosts: lab.hosts,
    sshConfig: join(dir, 'ssh_config'),
    operatorNamespace: namespacePath(namesOf(lab.name).operator),
  };
}

/** The lab of this name, up or not; undefined when there is none. */
export async function findLab(name: string): Promise<Lab | undefined> {
  const found = await readLabFile(name);
  return found === undefined ? undefined : labOf(found);
}

/** Like {@link findLab}, but throws `lab/none`, which says what labs there are. */
export async function requireLab(name: string): Promise<Lab> {
  const lab = await findLab(name);
  if (lab !== undefined) return lab;
  const others = await labNames();
  throw new Problem({
    code: 'lab/none',
    summary: `there is no lab called ${name}`,
    try: others.length > 0 ? `one of: ${others.join(', ')}` : 'landfall lab up',
    exit: 2,
  });
}

/** The host of this name. Throws `lab/no-host`, which says what hosts there are. */
export function requireHost(lab: Pick<Lab, 'name' | 'hosts'>, name: string): LabHost {
  const host = lab.hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  throw new Problem({
    code: 'lab/no-host',
    summary: `the lab ${lab.name} has no host called ${name}`,
    try: `one of: ${lab.hosts.map((one) => one.name).join(', ')}`,
    exit: 2,
  });
}

/** Names of all labs of this user. */
export async function labNames(): Promise<readonly string[]> {
  const entries = await readdir(labsDir()).catch(() => []);
  return entries.filter((name) => existsSync(join(labsDir(), name, 'lab.json'))).sort();
}
