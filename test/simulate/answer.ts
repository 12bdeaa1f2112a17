import { record } from './asked.ts';
import { factsOf, leaveOf } from './talk.ts';
import { attached, keyOf, start } from './unit.ts';
import { type Machine, type Session, tell, type Unit, type World } from './world.ts';

/** An operator's session while it goes on. */
export interface Open {
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

/** How long a host's lock outlives a connection that was cut: until its holder notices. */
const HALF_OPEN = 20_000;

/** Answers a script as a host does, told by what stands in it which of Landfall's it is. */
export function answer(open: Open, script: string): void {
  const { world, machine, send, close } = open;
  const folder = /\/run\/landfall\/runs\/([\w-]+)\/([\w-]+)/.exec(script);
  const key = { run: folder?.[1] ?? '', phase: folder?.[2] ?? '' };
  const unit = machine.units.get(keyOf(key));
  if (script.startsWith('# The facts of a host')) send(factsOf(world, machine).trimEnd());
  else if (script.startsWith('#!/bin/sh')) return readings(open, script);
  // The Lease is not modelled: where there is none, the locks of the hosts hold.
  else if (script.includes('get lease')) send(record('none'));
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
