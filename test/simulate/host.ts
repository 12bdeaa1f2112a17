import { Problem } from '../../src/model/problem.ts';
import type { RunOptions } from '../../src/ssh/host.ts';
import { Disconnected, type Host, type Output } from '../../src/ssh/host.ts';
import { record } from './asked.ts';
import { factsOf, leaveOf } from './talk.ts';
import { attached, keyOf, start } from './unit.ts';
import { machineOf, type Machine, type Session, tell, type Unit, type World } from './world.ts';

/** One process of Landfall. When it is killed nothing of it goes on: no answer reaches it any more. */
export interface Operator {
  isDead: boolean;
  readonly sessions: Set<() => void>;
}

/** An operator's session while it goes on. */
interface Open {
  readonly world: World;
  readonly machine: Machine;
  readonly session: Session;
  /** Sends lines to the operator. */
  readonly send: (...lines: readonly string[]) => void;
  /** Ends the session as it should end. */
  readonly close: () => void;
  /** Called when the session is over, whichever way. */
  readonly onEnd: (work: () => void) => void;
}

/** Milliseconds. */
const LATENCY = 40;
const CONNECT_TIMEOUT = 10_000;
/** How long a host's lock outlives a connection that was cut: until its holder notices. */
const HALF_OPEN = 20_000;

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

function answer(open: Open, script: string): void {
  const { world, machine, send, close } = open;
  const folder = /\/run\/landfall\/runs\/([\w-]+)\/([\w-]+)/.exec(script);
  const key = { run: folder?.[1] ?? '', phase: folder?.[2] ?? '' };
  const unit = machine.units.get(keyOf(key));
  if (script.startsWith('# The facts of a host')) send(factsOf(machine).trimEnd());
  else if (script.startsWith('#!/bin/sh')) return readings(open, script);
  else if (script.includes('while say alive')) return take(open, script);
  else if (script.includes('isOver()')) return follow(open, key, script);
  else if (script.includes('say answer')) send(leaveOf(world, machine, script).trimEnd());
  else if (script.includes('systemctl kill')) {
    if (unit !== undefined) cut(unit);
  } else if (script.includes('/stop )')) machine.stops.add(keyOf(key));
  else if (script.includes('say given'))
    send(...[...(unit?.given ?? [])].map(([name, value]) => record('given', name, value)));
  else if (script.includes('read -r held')) release(open, script);
  else if (script.includes('/given')) unit?.given.clear();
  else throw new Error(`a script that the simulation does not know: ${script}`);
  close();
}

function cut(unit: Unit): void {
  unit.isOver = true;
  for (const follower of unit.followers) follower(undefined);
}

function readings({ world, machine, send, close, session }: Open, script: string): void {
  void attached(world, machine, script).then(
    (text) => {
      send(text.trimEnd());
      close();
    },
    (error: unknown) => session.lose(String(error)),
  );
}

/** The holding script: the host's lock is taken where the script takes it, and kept as long as its session lives. */
function take(open: Open, script: string): void {
  const { machine, world, send, close, session, onEnd } = open;
  const [, run = '', json = ''] = /printf '%s\\n%s\\n%s\\n' (\S+) "\$\$" '(.*)' >\/run/.exec(script) ?? [];
  const [, steal = ''] = /"\$run" = (\S+) \]/.exec(script) ?? [];
  const other = machine.holders[0];
  if (other !== undefined && script.includes('flock -n 9')) {
    if (other.run !== steal) {
      send(record('held', other.json));
      close();
      return;
    }
    machine.holders.splice(0);
    other.session.lose('its lock was taken over');
  }
  const holder = { run, json, session };
  machine.holders.push(holder);
  tell(world, `run ${run} holds ${machine.name}`);
  onEnd(() => {
    const let_ = (): void => {
      const at = machine.holders.indexOf(holder);
      if (at >= 0) machine.holders.splice(at, 1);
    };
    if (machine.cut) world.clock.after(HALF_OPEN, let_);
    else let_();
  });
  for (const [key, unit] of machine.units) {
    if (!unit.isOver) send(record('adrift', unit.run, unit.phase));
    else if (unit.run !== run) machine.units.delete(key);
  }
  if (machine.member === 'whole') send(record('member'));
  send(record('got'));
}

/** Clears what runs have left, and ends the holding script of the one that asks. */
function release({ machine }: Open, script: string): void {
  const [, run = ''] = /"\$held" = (\S+) \]/.exec(script) ?? [];
  for (const [key, unit] of machine.units) if (unit.isOver) machine.units.delete(key);
  for (const holder of machine.holders.filter((one) => one.run === run)) holder.session.lose('released');
}

/** Starts a script when one is delivered, and tells what it prints from a line on until it is over. */
function follow(open: Open, key: Pick<Unit, 'run' | 'phase'>, script: string): void {
  const { world, machine, send, close, onEnd } = open;
  if (script.includes('/stop )')) machine.stops.add(keyOf(key));
  let unit = machine.units.get(keyOf(key));
  if (unit === undefined && script.includes('systemd-run')) {
    const [, , text = ''] = /\/script <<'(END_*)'\n([\s\S]*?)\n\1\n/.exec(script) ?? [];
    unit = { ...key, events: [], given: new Map(), followers: new Set(), isOver: false };
    start(world, machine, unit, `${text}\n`);
  }
  if (unit === undefined) {
    send(record('gone'));
    close();
    return;
  }
  const { events, followers } = unit;
  const from = Number(/tail -n \+(\d+)/.exec(script)?.[1] ?? 1);
  send(record('following'), ...events.slice(from - 1));
  const over = (): void => {
    send(record(events.at(-1) === record('end') ? 'over' : 'cut'));
    close();
  };
  if (unit.isOver) return over();
  const follower = (line: string | undefined): void => (line === undefined ? over() : send(line));
  followers.add(follower);
  onEnd(() => followers.delete(follower));
}
