import { setMaxListeners } from 'node:events';
import { Problem } from '../../src/model/problem.ts';
import type { RunOptions } from '../../src/ssh/host.ts';
import { Disconnected, type Host, type Output } from '../../src/ssh/host.ts';
import { answer, type Open } from './answer.ts';
import { record } from './asked.ts';
import { machineOf, type Machine, type Session, type World } from './world.ts';

/** One process of Landfall. When it is killed nothing of it goes on: no answer reaches it any more. */
export interface Operator {
  isDead: boolean;
  readonly sessions: Set<() => void>;
  /** How often each host was called, by its name. */
  readonly trips: Map<string, number>;
}

/** A wish to stop that nobody has; any number of hosts listen for it. */
export function unstopped(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}

/** Milliseconds. */
const LATENCY = 40;
const CONNECT_TIMEOUT = 10_000;

/** The host of a node, as one operator reaches it. */
export function simulatedHost(world: World, operator: Operator, name: string): Host {
  let trips = 0;
  return {
    name,
    address: machineOf(world, name).address,
    trips: () => trips,
    close: () => Promise.resolve(),
    run: (script, options = {}) => {
      trips += 1;
      operator.trips.set(name, (operator.trips.get(name) ?? 0) + 1);
      return call(world, operator, machineOf(world, name), script, options);
    },
  };
}

/** The operator's own machine: what is proven from there holds. */
export function operatorsOwn(): Host {
  return {
    name: 'here',
    address: 'this machine',
    trips: () => 0,
    close: () => Promise.resolve(),
    run: (script, { onData } = {}) => {
      const calls = [...script.matchAll(/^step (\d+)/gm)].map(([, n]) => record(`${n} right`));
      const stdout = [record(`landfall 1 ${calls.length}`), ...calls, record('end'), ''].join('\n');
      onData?.(stdout);
      return Promise.resolve({ status: 0, stdout, stderr: '' });
    },
  };
}

function call(
  world: World,
  operator: Operator,
  machine: Machine,
  script: string,
  { signal, onData }: RunOptions,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    if (operator.isDead) return;
    const ends: (() => void)[] = [];
    let stdout = '';
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      machine.sessions.delete(session);
      operator.sessions.delete(drop);
      for (const work of ends) work();
      return true;
    };
    const drop = (): void => void end();
    const session: Session = {
      lose: (why) => {
        if (end()) reject(new Disconnected(machine.name, why));
      },
    };
    operator.sessions.add(drop);
    const abort = (): void => session.lose('ended here');
    signal?.addEventListener('abort', abort);
    ends.push(() => signal?.removeEventListener('abort', abort));
    if (machine.state !== 'up' || machine.cut) {
      world.clock.after(CONNECT_TIMEOUT, () => {
        if (end())
          reject(
            new Problem({
              code: 'ssh/unreachable',
              host: machine.name,
              summary: `${machine.name} does not answer`,
              exit: 4,
            }),
          );
      });
      return;
    }
    machine.sessions.add(session);
    const open: Open = {
      world,
      machine,
      session,
      send: (...lines) => {
        const text = lines.map((line) => `${line}\n`).join('');
        if (isOver) return;
        if (onData === undefined) stdout += text;
        else onData(text);
      },
      close: () => {
        if (end()) resolve({ status: 0, stdout, stderr: '' });
      },
      onEnd: (work) => ends.push(work),
    };
    world.clock.after(LATENCY, () => {
      world.onMoment();
      if (!isOver) answer(open, script);
    });
  });
}
