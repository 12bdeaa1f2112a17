import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { labDown } from '../../src/lab/down.ts';
import { namespacePath, namesOf } from '../../src/lab/names.ts';
import type { Lab, LabSpec } from '../../src/lab/spec.ts';
import { sshPort } from '../../src/lab/ssh-port.ts';
import { labUp } from '../../src/lab/up.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/run/event.ts';
import { historyFolder } from '../../src/run/history.ts';

const MAIN = resolve('dist/bin/main.js');

/** What a program left behind. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds. */
  readonly ms: number;
}

/** A test's own folder and environment: history, cache of runs and cluster.yaml apart from everybody else's. */
export interface Desk {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes a desk. The depot, the labs and the caches stay the user's: they are what tests share on purpose. */
export function desk(): Desk {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-desk-'));
  mkdirSync(join(dir, 'home'));
  return { dir, env: { ...process.env, NO_COLOR: '1', CI: undefined } };
}

/** Starts the built `landfall` as a user would, and gives its process and its end. */
export function start(
  desk: Desk,
  args: readonly string[],
  input = '',
): { child: ChildProcess; ended: Promise<Ended> } {
  const begun = Date.now();
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: desk.dir,
    env: desk.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const ended = new Promise<Ended>((done, fail) => {
    child.on('error', fail);
    child.on('close', (status) => done({ status, stdout, stderr, ms: Date.now() - begun }));
  });
  return { child, ended };
}

/** Runs `landfall` to its end. */
export function landfall(desk: Desk, ...args: readonly string[]): Promise<Ended> {
  return start(desk, args).ended;
}

/** How much of a long output is told of a run that ended badly, in characters: its end, where it says why. */
const TOLD = 4000;

/** Runs `landfall` and insists that it ends well. @throws with what it said when it does not: why first, then what led to it. */
export async function well(desk: Desk, ...args: readonly string[]): Promise<Ended> {
  const ended = await landfall(desk, ...args);
  if (ended.status !== 0)
    throw new Error(
      `landfall ${args.join(' ')} ended with ${ended.status}\n${ended.stderr}\n${ended.stdout.slice(-TOLD)}`,
    );
  return ended;
}

/** The events of a `--json` run. */
export function events(ended: Ended): readonly RunEvent[] {
  return ended.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunEvent);
}

/** Runs a script on a lab host over plain ssh, without Landfall: the tests' own eyes and hands. */
export async function onHost(lab: Lab, host: string, script: string, user = 'root'): Promise<Ended> {
  const begun = Date.now();
  const port = String(await sshPort(lab, host));
  return await new Promise((done, fail) => {
    const child = spawn(
      'ssh',
      ['-F', lab.sshConfig, '-o', 'LogLevel=ERROR', '-p', port, '-l', user, host, 'exec bash -s'],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', fail);
    child.on('close', (status) => done({ status, stdout, stderr, ms: Date.now() - begun }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  });
}

/** Like {@link onHost}, and insists that it ends well. */
export async function wellOnHost(lab: Lab, host: string, script: string): Promise<string> {
  const ended = await onHost(lab, host, `set -e\n${script}`);
  if (ended.status !== 0)
    throw new Error(`on ${host}: ended with ${ended.status}\n${script}\n${ended.stdout}\n${ended.stderr}`);
  return ended.stdout;
}

/** How it ended and all it said: what is looked at when an expectation is not met. */
export const said = ({ status, stdout, stderr }: Ended): string => `${status}\n${stdout}\n${stderr}`;

/** What `plan --json` has found on each host. */
const findings = ({ stdout }: Ended): readonly (Finding & { readonly host: string })[] =>
  (JSON.parse(stdout) as Plan).hosts.flatMap((one) => one.findings.map((f) => ({ ...f, host: one.host })));

/** `HOST STEP` of all a plan does not say is right. */
export async function openSteps(desk: Desk): Promise<readonly string[]> {
  return findings(await well(desk, 'plan', '--json'))
    .filter(({ forecast }) => forecast !== 'right')
    .map(({ host, step }) => `${host} ${step}`);
}

/** How long what is not made, but comes by itself, may take where many nodes share few processors, in milliseconds. */
const PATIENCE = 60_000;

/**
 * Insists that a plan finds nothing to do. What apply would make fails at once. What merely is not so in this moment, as an API server
 * that etcd keeps waiting, is looked at again, for a minute.
 */
export async function nothingLeft(desk: Desk): Promise<void> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const plan = await landfall(desk, 'plan', '--exit-code', '--json');
    if (plan.status === 0) return;
    const isMade = plan.stdout !== '' && findings(plan).some(({ forecast }) => forecast === 'make');
    if (plan.status !== 3 || isMade || Date.now() > until)
      throw new Error(`something is left: ${said(plan)}`);
  }
}

/** A fresh lab of this name with these hosts, whatever was there before. */
export async function freshLab(
  name: string,
  hosts: readonly string[] = ['cp-0'],
  more: Pick<LabSpec, 'disk'> = {},
): Promise<Lab> {
  await labDown(name, () => undefined).catch(() => undefined);
  return labUp({ ...more, name, hosts: hosts.map((host) => ({ name: host })) }, () => undefined);
}

/** Takes a test's lab, its desk and the history of its cluster away; the cluster is called as the lab. */
export async function cleared(name: string, { dir }: Desk): Promise<void> {
  await labDown(name, () => undefined);
  for (const path of [dir, join(historyFolder(name), '..')]) rmSync(path, { recursive: true, force: true });
}

/** cluster.yaml of a one-node cluster on a lab's host. */
export function clusterYaml(lab: Lab, more = ''): string {
  const host = lab.hosts[0];
  if (host === undefined) throw new Error('the lab has no host');
  return `apiVersion: landfall/v1
kind: Cluster
name: ${lab.name}
kubernetes: "1.36"
lab: ${lab.name}
nodes:
  - { name: ${host.name}, role: control-plane, address: ${host.address}, workloads: true }
${more}`;
}

/** Puts cluster.yaml on the desk. */
export function put(desk: Desk, name: string, text: string): string {
  const path = join(desk.dir, name);
  writeFileSync(path, text);
  return path;
}

/** All rules the kernel of a lab's host holds, asked from outside of it: after a reset there is no nft there. */
export async function rulesOf(lab: string, host: string): Promise<string> {
  const asked = [`--net=${namespacePath(namesOf(lab).host(host))}`, 'nft', 'list', 'ruleset'];
  return (await promisify(execFile)('nsenter', asked)).stdout;
}
