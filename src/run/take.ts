import type { Host } from '../ssh/host.ts';
import { followAdrift, type StopSignals } from './carry.ts';
import type { OnEvent } from './event.ts';
import { type Hold, hold, holderOf } from './hold.ts';
import { waitedFor } from './patience.ts';
import type { Site } from './survey.ts';

/** What every run that changes hosts is told. */
export interface RunOptions {
  readonly site: Site;
  /** The run's name, see `newRun`. */
  readonly run: string;
  readonly command: string;
  /** Landfall's own version. */
  readonly version: string;
  readonly on: OnEvent;
  readonly stop: StopSignals;
  /** Seconds a lost host is waited for. */
  readonly patience: number;
  /** Whether scripts are started detached on hosts; false only where hosts have no systemd of their own. */
  readonly detached: boolean;
}

/** The present moment as events carry it. */
export const now = (): string => new Date().toISOString();

/** The site with hosts that are waited for when they are lost, for looking at them in the middle of a run. */
export function patientSite({ site, patience, stop, on }: RunOptions): Site {
  const watched = (host: Host): Host =>
    waitedFor(host, { seconds: patience, stop: stop.now }, (code, text) =>
      on({ is: 'notice', at: now(), code, host: host.name, text }),
    );
  return { ...site, hosts: new Map([...site.hosts].map(([name, host]) => [name, watched(host)])) };
}

/** Takes every host there is a connection to for this run, or none. @throws Problem `run/held` (exit 5) naming who has one of them. */
export async function takeAll(options: RunOptions): Promise<readonly Hold[]> {
  if (!options.detached) return [];
  const self = holderOf(options.run, options.command, new Date());
  const taken: Hold[] = [];
  try {
    for (const { name } of options.site.cluster.nodes) {
      const host = options.site.hosts.get(name);
      if (host !== undefined) taken.push(await hold(host, self));
    }
  } catch (error) {
    await Promise.all(taken.map((h) => h.release()));
    throw error;
  }
  return taken;
}

/** Follows to its end what goes on on these hosts without its operator. Tells whether there was any: then old readings are void. */
export async function followAll(holds: readonly Hold[], options: RunOptions): Promise<boolean> {
  const adrift = holds.flatMap((h) => h.adrift.map((a) => ({ ...a, host: h.host, keep: h.keep })));
  for (const { run, phase, host, keep } of adrift) {
    if (options.stop.soon.aborted) break;
    const notice = (code: string, text: string): void =>
      options.on({ is: 'notice', at: now(), code, host: host.name, text });
    notice(
      'run/adrift',
      `run ${run} goes on here without its operator (${phase}); following it to its end first`,
    );
    await followAdrift({
      host,
      keep,
      run,
      command: options.command,
      phase,
      onRecord: () => undefined,
      onOutput: () => undefined,
      onNotice: notice,
      stop: options.stop,
      patience: options.patience,
    });
  }
  return adrift.length > 0;
}
