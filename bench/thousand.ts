/**
 * Plans a cluster of 1,000 nodes whose hosts answer at once with what a real host has answered: what is left is what Landfall
 * itself costs. Prints `{"seconds":…,"megabytes":…}`.
 * usage: thousand.ts RECORDING      a JSON file with what {@link Recording} holds
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Cluster, Node } from '../src/model/cluster.ts';
import type { Lock } from '../src/model/lock.ts';
import { look } from '../src/report/look.ts';
import { planText } from '../src/report/plan.ts';
import { survey } from '../src/run/survey.ts';
import type { Host } from '../src/ssh/host.ts';
import { localHost } from '../src/ssh/local.ts';
import { PHASES } from '../src/steps/phases.ts';

/** What one host of a one-node cluster has answered. */
export interface Recording {
  readonly cluster: Cluster;
  readonly lock: Lock;
  /** What the script of the facts printed. */
  readonly facts: string;
  /** What the script of the readings printed. */
  readonly readings: string;
}

const NODES = 1000;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The facts of the recorded host as another would have them: no two machines have these in common. */
function ownFacts(facts: string, i: number): string {
  const mine: Readonly<Record<string, string>> = {
    hostname: `node-${i}`,
    machine: i.toString(16).padStart(32, '0'),
    product: '',
    addresses: `eth0 10.1.${i >> 8}.${i & 255}/16`,
    links: `eth0 1500 02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`,
    source: `10.1.${i >> 8}.${i & 255}`,
  };
  return facts.replace(/(fact )(\S+)( \S+ )(\S*)/g, (whole, word: string, name: string, status: string) => {
    const value = mine[Buffer.from(name, 'base64').toString()];
    return value === undefined ? whole : `${word}${name}${status}${base64(value)}`;
  });
}

/** Readings in the form of the recorded ones; on every tenth host the last of them is wrong. */
function readings(script: string, i: number): string {
  const steps = [...script.matchAll(/^want_(\d+)=/gm)].length;
  const lines = Array.from({ length: steps }, (_, n) =>
    i % 10 === 0 && n === steps - 1
      ? `\u001e${n + 1} differs ${base64('by hand')} ${base64('')}\n`
      : `\u001e${n + 1} right\n`,
  );
  return `\u001elandfall 1 ${steps}\n${lines.join('')}\u001eend\n`;
}

function recorded(node: Node, recording: Recording, i: number): Host {
  let trips = 0;
  return {
    name: node.name,
    address: node.address,
    run: (script) => {
      trips += 1;
      const isFacts = script.startsWith('# The facts of a host');
      const stdout = isFacts
        ? ownFacts(recording.facts, i)
        : i === 0
          ? recording.readings
          : readings(script, i);
      return Promise.resolve({ status: 0, stdout, stderr: '' });
    },
    trips: () => trips,
    close: () => Promise.resolve(),
  };
}

async function main(file: string): Promise<void> {
  const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording;
  const { cluster: small, lock } = recording;
  const first = small.nodes[0];
  if (first === undefined) throw new Error('the recording is of no cluster');
  const nodes = Array.from(
    { length: NODES },
    (_, i): Node =>
      i === 0 ? first : { ...first, name: `node-${i}`, role: 'worker', address: `10.1.${i >> 8}.${i & 255}` },
  );
  const cluster: Cluster = { ...small, nodes };
  const hosts = new Map(nodes.map((node, i) => [node.name, recorded(node, recording, i)]));
  const begun = performance.now();
  const { plan } = await survey({
    cluster,
    source: '',
    lock,
    hosts,
    operator: localHost(),
    phases: PHASES,
    resolve: () => lock,
  });
  const text = planText(plan, look());
  const seconds = (performance.now() - begun) / 1000;
  if (plan.hosts.length !== NODES || !text.includes('by hand')) throw new Error('the plan is not whole');
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ seconds, megabytes, trips: plan.trips }));
}

void main(resolve(process.argv[2] ?? ''));
