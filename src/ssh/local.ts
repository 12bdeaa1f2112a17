import { existsSync } from 'node:fs';
import { Problem } from '../model/problem.ts';
import type { Shell } from '../shell/sh.ts';
import type { Host } from './host.ts';
import { type Argv, spawned } from './spawned.ts';

/** Where on this machine the scripts run. */
export interface LocalOptions {
  /** The path of a network namespace, such as `/run/netns/NAME`, to ask questions from there; needs root. */
  readonly namespace?: string;
  /** Shell that stands before every script: functions it may use. */
  readonly before?: () => Promise<Shell>;
}

/** This machine as a host: for questions from outside the cluster. Scripts run as whoever we are, each in a `sh -s` of its own. */
export function localHost(options: LocalOptions = {}): Host {
  const { namespace, before } = options;
  const name = 'this machine';
  const argv: Argv =
    namespace === undefined ? ['sh', '-s'] : ['nsenter', `--net=${namespace}`, '--', 'sh', '-s'];
  return {
    name,
    address: name,
    run: async (script, { signal, onData } = {}) => {
      if (namespace !== undefined) mustBeThere(namespace);
      return await spawned(argv, {
        stdin: `${before === undefined ? '' : `${(await before()).text}\n`}${script.endsWith('\n') ? script : `${script}\n`}`,
        ...(signal === undefined ? {} : { signal }),
        ...(onData === undefined ? {} : { onData }),
      });
    },
    trips: () => 0,
    close: () => Promise.resolve(),
  };
}

function mustBeThere(namespace: string): void {
  if (existsSync(namespace)) return;
  throw new Problem({
    code: 'ssh/no-namespace',
    summary: `the network namespace ${namespace} is not there`,
    why: 'questions from outside the cluster are asked there; a lab makes it when it comes up, and a reboot takes it away',
    try: 'landfall lab up',
    exit: 4,
  });
}
