import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Lab } from '../src/lab/spec.ts';
import type { RunEvent } from '../src/run/event.ts';

/** The address of a lab's host; empty when it has none of that name. */
export const addressOf = (lab: Lab, host: string): string =>
  lab.hosts.find(({ name }) => name === host)?.address ?? '';

/** Writes the cluster.yaml of a cluster on these hosts of a lab, called as the lab is; `more` is said beside. */
export function writeCluster(
  dir: string,
  lab: Lab,
  {
    planes,
    workers,
    ...more
  }: Readonly<Record<string, unknown>> & {
    readonly planes: readonly string[];
    readonly workers: readonly string[];
  },
): void {
  const node = (role: string) => (name: string) => ({ name, role, address: addressOf(lab, name) });
  const text = stringify({
    apiVersion: 'landfall/v1',
    kind: 'Cluster',
    name: lab.name,
    kubernetes: '1.36',
    lab: lab.name,
    ...more,
    nodes: [...planes.map(node('control-plane')), ...workers.map(node('worker'))],
  });
  writeFileSync(join(dir, 'cluster.yaml'), text);
}

/**
 * When the join of a host was begun in a run, and when it was made: milliseconds since 1970.
 * @param events what `landfall apply --json` printed.
 * @throws when the run has no such join.
 */
export function joinOf(events: string, host: string): { readonly from: number; readonly to: number } {
  const at = (state: string): number => {
    const own = events
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RunEvent)
      .find((e) => e.is === 'step' && e.step === 'join/member' && e.host === host && e.state === state);
    if (own?.is !== 'step') throw new Error(`join/member was never ${state}`);
    return Date.parse(own.at);
  };
  return { from: at('making'), to: at('made') };
}
