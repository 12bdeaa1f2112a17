/**
 * npm run demo: from nothing to a real cluster on a real host of this machine, by the very commands a user would type.
 * Run again, it finds everything there. `npm run demo -- down` takes it away.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { depotSource } from '../src/lab/depot/daemon.ts';
import { labNames } from '../src/lab/lab.ts';
import { ensureTools, readMachine } from '../src/lab/machine.ts';
import { fillingTakes } from '../test/depot/filling.ts';

const NAME = 'demo';
const FOLDER = resolve(NAME);
const MAIN = resolve('dist/bin/main.js');
const begun = Date.now();

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function run(command: string, args: readonly string[], cwd = process.cwd()): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', fail);
    child.on('close', (status) => {
      if (status === 0) done();
      else fail(new Error(`ended with ${status}: ${command} ${args.join(' ')}`));
    });
  });
}

/** Shows a command of Landfall as a user would type it in the demo's folder, and runs it. */
function landfall(...args: readonly string[]): Promise<void> {
  say(`$ landfall ${args.join(' ')}`);
  return run(process.execPath, [MAIN, ...args], FOLDER);
}

async function part(number: number, title: string, work: () => Promise<void>): Promise<void> {
  say(`\n── ${number} of 5 · ${title}`);
  const since = Date.now();
  await work();
  say(`   (${minutes(Date.now() - since)})`);
}

async function fill(): Promise<void> {
  const source = await depotSource();
  if (source.passesThrough && !source.filled) {
    return say('The lab takes packages and images from their own projects: they can be reached from here.');
  }
  const { things, seconds } = await fillingTakes();
  if (things === 0) return say(`The depot is filled already: ${source.folder}`);
  say(
    'The projects’ own repositories cannot be reached from here. Kubernetes and what belongs to it is built from its',
  );
  say(
    `published sources instead, once: ${things} things, about ${Math.ceil(seconds / 60)} min on 2 cores. Cut short, it goes on from there.`,
  );
  await run(join('node_modules', '.bin', 'tsx'), ['test/depot/fill.ts']);
}

/** How to go on with kubectl: this machine's own, or the host's, which is one static program and runs here as well. */
function kubectlLines(): string {
  const merge = 'npx landfall kubeconfig --merge';
  const isHere = (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, 'kubectl')));
  if (isHere) return `  ${merge} && kubectl get nodes`;
  return `  npx landfall lab ssh --name ${NAME} cp-0 -- cat /usr/bin/kubectl >kubectl && chmod +x kubectl
  ${merge} && ./kubectl get nodes`;
}

async function main(words: readonly string[]): Promise<void> {
  if (words[0] === 'down') return landfall('lab', 'down', '--name', NAME);
  say('Landfall’s demo: a real host on this machine, and on it a real Kubernetes cluster of one node.');
  if (!readMachine().root)
    throw new Error(
      'the demo needs root: it makes network namespaces, mounts and a host. Try: sudo npm run demo',
    );
  await part(1, 'What this machine needs', async () => {
    await ensureTools(true, (e) => e.state === 'begins' && say(e.text));
    await run('scripts/build.sh', []);
  });
  await part(2, 'Packages and images', fill);
  mkdirSync(FOLDER, { recursive: true });
  // A depot filled anew has other images under the same names; what an earlier host had binds nobody.
  if (!(await labNames()).includes(NAME)) rmSync(join(FOLDER, 'landfall.lock'), { force: true });
  await part(3, 'A host: its own init, sshd, apt, network and disk', () =>
    landfall('lab', 'up', '--name', NAME),
  );
  await part(4, 'cluster.yaml', () =>
    existsSync(join(FOLDER, 'cluster.yaml'))
      ? landfall('validate')
      : landfall('init', '--name', 'harbour', '--lab', NAME),
  );
  await part(5, 'The cluster, every step read before and after it is made', () =>
    landfall('apply', '--yes', '--prove'),
  );
  say(`
All of it took ${minutes(Date.now() - begun)}. How to go on:

  cd ${NAME}
  npx landfall status                       how the host reads now
  npx landfall plan                         nothing to do: the cluster is as cluster.yaml says
${kubectlLines()}
  npx landfall runbook | less               what was done and why, as you would do it by hand
  npx landfall lab break --name ${NAME}           break something, then plan and apply again
  npm run demo -- down                      take the host away`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  process.stderr.write('What is done stays done: run it again and it goes on from here.\n');
  process.exitCode = 1;
}
