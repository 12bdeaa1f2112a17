import { type ChildProcess, spawn } from 'node:child_process';
import { namespacePath, namesOf } from '../../src/lab/names.ts';
import { eventually } from '../lab/live.ts';
import { type Site, WORKERS } from './site.ts';

/** What one who writes and reads back has seen so far. */
export interface Tally {
  readonly by: string;
  readonly tried: number;
  /** The names that were acknowledged. */
  readonly acknowledged: readonly string[];
  /** Those that were acknowledged and, read right after, were not there: HTTP 404. */
  readonly forgotten: readonly string[];
  /** The longest time without an acknowledged write, in milliseconds. */
  readonly longest: number;
}

/** One who writes an object, reads it back, and so on. */
export interface Writer {
  readonly tally: () => Tally;
  readonly stop: () => Promise<void>;
}

/** Half a second between two, an hour at most. */
const ROUNDS = 7200;

/** In shell: writes an object through `URL`, `AT NAME STATUS READ` a line each. */
const loop = (prefix: string): string => `
  i=0
  while [ "$i" -lt ${ROUNDS} ]; do
    i=$((i + 1)); name=${prefix}-$i; at=$(date +%s%3N)
    ask() { curl -sk -m 2 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $TOKEN" "$@"; }
    status=$(ask -H 'Content-Type: application/json' -d "{\\"apiVersion\\":\\"v1\\",\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"$name\\"}}" "$URL/api/v1/namespaces/gameday/configmaps")
    read=-
    if [ "$status" = 201 ]; then read=$(ask "$URL/api/v1/namespaces/gameday/configmaps/$name"); fi
    echo "$at $name $status $read"
    sleep 0.5
  done`;

type Command = readonly [program: string, ...args: string[]];

/** @param command what writes, whose names begin with the prefix; begun anew when it ends, as when its host has lost its power. */
function writer(
  by: string,
  prefix: string,
  command: (prefix: string) => Command,
  env: NodeJS.ProcessEnv,
): Writer {
  let text = '';
  let isOver = false;
  let child: ChildProcess;
  let closed: Promise<void>;
  const begin = (generation: number): void => {
    const [program, ...args] = command(`${prefix}-${generation}`);
    child = spawn(program, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    closed = new Promise<void>((done) =>
      child.on('close', () => {
        // Half a line is no acknowledgement.
        text = text.slice(0, text.lastIndexOf('\n') + 1);
        done();
        if (!isOver) setTimeout(() => isOver || begin(generation + 1), 2000);
      }),
    );
  };
  begin(1);
  return {
    tally() {
      const lines = text
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' '));
      const well = lines.filter(([, , status]) => status === '201');
      const gaps = well.slice(1).map(([at], i) => Number(at) - Number(well[i]?.[0]));
      return {
        by,
        tried: lines.length,
        acknowledged: well.map(([, name = '']) => name),
        forgotten: well.filter(([, , , read]) => read === '404').map(([, name = '']) => name),
        longest: Math.max(0, ...gaps),
      };
    },
    async stop() {
      isOver = true;
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGTERM');
      await closed;
    },
  };
}

/** Two who write: one from outside, through the virtual address; one on a worker, through the Service of the API server. */
export async function writers(site: Site): Promise<readonly Writer[]> {
  const { lab, address, kube } = site;
  await kube('create namespace gameday');
  await kube('-n gameday create rolebinding writer --clusterrole=admin --serviceaccount=gameday:default');
  const token = (await kube('-n gameday create token default --duration=3h')).trim();
  const service = (await kube("get service kubernetes -o 'jsonpath={.spec.clusterIP}'")).trim();
  const outside = writer(
    'the virtual address',
    'outside',
    (prefix) => ['nsenter', `--net=${namespacePath(namesOf(lab.name).operator)}`, 'bash', '-c', loop(prefix)],
    { TOKEN: token, URL: `https://${address}:6443` },
  );
  const patience = ['-o', 'LogLevel=ERROR', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];
  const inside = writer(
    'the Service of the API server',
    'inside',
    (prefix) => [
      'ssh',
      ...['-F', lab.sshConfig, ...patience, WORKERS[0]],
      `TOKEN=${token} URL=https://${service}:443; ${loop(prefix)}`,
    ],
    {},
  );
  for (const one of [outside, inside])
    await eventually('the first writes', () => (one.tally().acknowledged.length > 3 ? true : undefined));
  return [outside, inside];
}

/** The acknowledged writes that the cluster does not have. */
export async function lost({ kube }: Site, tallies: readonly Tally[]): Promise<readonly string[]> {
  const names = await kube("-n gameday get configmaps -o 'jsonpath={.items[*].metadata.name}'");
  const there = new Set(names.trim().split(' '));
  return tallies.flatMap(({ acknowledged }) => acknowledged).filter((name) => !there.has(name));
}
